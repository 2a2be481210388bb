"""The Storage Service with the hub inside of this process; on SQLite and files, unless a module says otherwise."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from image_grpc.hub import topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.storage_service import StorageService
from image_grpc.telemetry import Telemetry
from tests.contracts.storage_bench import SECONDS, StartStorage, Storage
from tests.servers import postgresql, s3


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An empty database of this test's own."""
    return f"sqlite:///{tmp_path}/storage.db"


@pytest.fixture
def blob_url(tmp_path: Path) -> str:
    """An empty object store of this test's own."""
    return f"file://{tmp_path}/blobs"


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """URL of the database `postgres` of a PostgreSQL cluster."""
    with postgresql() as url:
        yield url


@pytest.fixture
def fresh_database(cluster: str) -> str:
    """An empty database of this test's own, in PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return cluster.removesuffix("postgres") + name


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """URL of a bucket of an S3 server, to which the environment leads."""
    with s3() as made, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made.url


@pytest.fixture
def fresh_prefix(bucket: str) -> str:
    """A place in the bucket that only this test uses."""
    return f"{bucket}/{uuid.uuid4()}"


@pytest.fixture
async def start_storage(database_url: str, blob_url: str) -> AsyncIterator[StartStorage]:
    """Each start is on the same data, unless it is told `at` which, with a hub of its own that has these queues
    besides those it always has."""
    async with AsyncExitStack() as stack:

        async def start(
            *, queues: Sequence[str] = (), at: tuple[str, str] = (database_url, blob_url), **settings: object
        ) -> Storage:
            hub = MemoryHub()
            await hub.start()
            stack.push_async_callback(hub.close)
            for queue in queues:
                hub.declare(topology.Queue(name=queue))
            database, objects = at
            service = StorageService(
                load(StorageServiceSettings, **settings), hub, database_url=database, blob_url=objects
            )
            await service.start()
            stack.push_async_callback(service.stop)
            client = ImageStorageClient(hub, Telemetry(), timeout=SECONDS)
            return Storage(hub=hub, client=client, service=service, blob_url=objects)

        yield start
