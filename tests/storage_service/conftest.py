"""The reference Storage Service on the in-process hub, with SQLite and files unless a module overrides them."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import obstore
import pytest
from sqlalchemy import create_engine
from sqlalchemy.schema import DropSchema

from image_grpc.hub import topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import StorageService
from image_grpc.storage_service.object_store import open_store
from image_grpc.storage_service.schema import SCHEMA
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.contracts.storage_testkit import SECONDS, StartStorage, Storage
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.s3 import s3


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """URL of an empty database for one test."""
    return f"sqlite:///{tmp_path}/storage.db"


@pytest.fixture
def blob_url(tmp_path: Path) -> str:
    """URL of an empty object store for one test."""
    return f"file://{tmp_path}/blobs"


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """URL of the database `postgres` of a PostgreSQL cluster."""
    with postgresql() as url:
        yield url


@pytest.fixture
def fresh_database(cluster: str) -> str:
    """URL of the worker's PostgreSQL database, without the schema of the Storage Service."""
    # Creating a database for each test would take longer. A transaction that another test left open fails this one.
    engine = create_engine(cluster, connect_args={"options": "-c lock_timeout=60000"})
    with engine.begin() as connection:
        connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))
    engine.dispose()
    return cluster


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """URL of a bucket of an S3 server that the environment points to."""
    with s3() as server, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server.url


@pytest.fixture
def fresh_prefix(bucket: str) -> str:
    """URL of an empty prefix in the bucket for one test."""
    return f"{bucket}/{uuid.uuid4()}"


@pytest.fixture
async def start_storage(database_url: str, blob_url: str) -> AsyncIterator[StartStorage]:
    """Start replicas on the same database and object store, unless `at` names others.

    Each has a hub of its own, with additional `queues`.
    """
    async with AsyncExitStack() as stack:

        async def start(
            *, queues: Sequence[str] = (), at: tuple[str, str] = (database_url, blob_url), **settings: object
        ) -> Storage:
            hub = MemoryHub()
            await hub.start()
            stack.push_async_callback(hub.close)
            for queue in queues:
                hub.declare(topology.Queue(name=queue))
            at_database, at_blobs = at
            service = StorageService(
                load(StorageServiceSettings, **settings), hub, database_url=at_database, blob_url=at_blobs
            )
            await service.start()
            stack.push_async_callback(service.stop)

            async def list_objects() -> list[str]:
                objects = await obstore.list(open_store(at_blobs)).collect_async()
                return [each["path"] for each in objects]

            return Storage(
                hub=hub,
                client=ImageStorageClient(hub, Telemetry(), timeout=SECONDS),
                sweep=service.sweep,
                stop=service.stop,
                list_objects=list_objects,
            )

        yield start
