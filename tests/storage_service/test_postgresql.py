"""The Storage Service on PostgreSQL and files keeps the storage contract."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.storage_service import database as database_module
from image_grpc.storage_service.database import Database, Unavailable
from tests.contracts.records import an_image
from tests.contracts.storage_bench import StartStorage
from tests.contracts.storage_contract import StorageContract
from tests.servers import postgresql_cluster


@pytest.fixture
def database_url(fresh_database: str) -> str:
    return fresh_database


class TestOnPostgresql(StorageContract):
    """The contract."""


async def test_a_statement_that_hangs_is_ended_and_a_snapshot_is_not(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "STATEMENT_SECONDS", 0.1)
    database = Database(fresh_database)
    try:
        await database.start()
        for run in (database.read, database.write):
            with pytest.raises(Unavailable, match="statement timeout"):
                await run(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(60)"))
        slept = await database.snapshot(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(0.3), 1").all())
        assert len(slept) == 1
    finally:
        await database.close()


async def test_connections_that_broke_while_nobody_used_them_cost_no_request(
    start_storage: StartStorage, blob_url: str
) -> None:
    with postgresql_cluster() as cluster:
        client = (await start_storage(at=(cluster.url, blob_url))).client
        images = await asyncio.gather(*(client.images.store(an_image()) for _ in range(20)))
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(cluster.start)
        assert await asyncio.gather(*(client.images.retrieve(image.id) for image in images)) == images
        assert (await client.images.store(images[0])).version == 2
