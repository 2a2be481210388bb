"""The Storage Service on PostgreSQL and files."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import create_engine, text

from image_grpc.storage_service import database as database_module
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.errors import Unavailable
from image_grpc.storage_service.schema import SCHEMA
from image_grpc_testkit.contracts.records import an_image
from image_grpc_testkit.contracts.storage_contract import StorageContract
from image_grpc_testkit.contracts.storage_testkit import StartStorage
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.postgresql import postgresql_cluster


@pytest.fixture
def database_url(fresh_database: str) -> str:
    return fresh_database


class TestOnPostgresql(StorageContract):
    """The contract."""


async def test_statements_have_a_timeout_and_snapshots_have_none(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_SECONDS", 0.1)
    database = Database(fresh_database)
    try:
        await database.start()
        for run in (database.read, database.write):
            with pytest.raises(Unavailable, match="statement timeout"):
                await run(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(60)"))
        rows = await database.snapshot(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(0.3), 1").all())
        assert len(rows) == 1
    finally:
        await database.close()


async def test_broken_idle_connections_fail_no_request(start_storage: StartStorage, blob_url: str) -> None:
    with postgresql_cluster() as cluster:
        storage = await start_storage(at=(cluster.url, blob_url))
        images = await asyncio.gather(*(storage.store_image(an_image()) for _ in range(20)))
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(cluster.start)
        assert await asyncio.gather(*(storage.client.images.retrieve(image.id) for image in images)) == images
        assert (await storage.store_image(images[0])).version == 2


async def test_reads_continue_while_writes_wait_for_a_lock(start_storage: StartStorage, fresh_database: str) -> None:
    storage = await start_storage()
    image = await storage.store_image(an_image())
    engine = create_engine(fresh_database)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql(f"LOCK TABLE {SCHEMA}.outbox IN ACCESS EXCLUSIVE MODE")
        writes = [asyncio.create_task(storage.store_image(an_image())) for _ in range(100)]
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

        def writes_wait() -> bool:
            with engine.connect() as other:
                return other.execute(waiting).scalar_one() >= 2

        await eventually(writes_wait, "writes wait for the lock")
        for _ in range(20):
            assert await storage.client.images.retrieve(image.id) == image
        assert not any(write.done() for write in writes)
    engine.dispose()
    assert len({written.id for written in await asyncio.gather(*writes)}) == len(writes)
