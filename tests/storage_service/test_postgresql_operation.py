"""What operators do with PostgreSQL: switch over to a standby, and put a pooler in front."""

from __future__ import annotations

import asyncio

import pytest

from image_grpc.storage_service.database import Database
from image_grpc.storage_service.errors import DatabaseError, Unavailable
from image_grpc_testkit.contracts.records import an_image
from image_grpc_testkit.contracts.storage_testkit import StartStorage
from image_grpc_testkit.proxy import proxy
from image_grpc_testkit.servers.postgresql import pgbouncer, postgresql_cluster, standby_of


async def test_a_switchover_moves_reads_and_writes_to_the_new_primary(
    start_storage: StartStorage, blob_url: str
) -> None:
    with postgresql_cluster() as old, standby_of(old) as new:
        async with proxy(old.port) as address:
            url = old.url.replace(f":{old.port}/", f":{address.port}/")
            storage = await start_storage(at=(url, blob_url))
            before = await storage.store_image(an_image())
            # The old primary stays up with its connections, and is read only.
            await asyncio.to_thread(old.execute, "ALTER SYSTEM SET default_transaction_read_only = on")
            await asyncio.to_thread(old.execute, "SELECT pg_reload_conf()")
            await asyncio.to_thread(new.execute, "SELECT pg_promote()")
            address.server_port = new.port
            after = await storage.store_image(an_image())
            assert await storage.client.images.retrieve(before.id) == before
            assert await storage.client.images.retrieve(after.id) == after


async def test_a_standby_is_not_used() -> None:
    with postgresql_cluster() as primary, standby_of(primary) as standby:
        database = Database(standby.url)
        try:
            with pytest.raises(Unavailable, match="session is read-only"):
                await database.read(lambda connection: connection.exec_driver_sql("SELECT 1").all())
        finally:
            await database.close()


async def test_pgbouncer_in_transaction_mode_is_supported(start_storage: StartStorage, blob_url: str) -> None:
    with postgresql_cluster() as cluster, pgbouncer(cluster) as url:
        first, second = await start_storage(at=(url, blob_url)), await start_storage(at=(url, blob_url))
        # More often than the driver executes a statement before it prepares it.
        for _ in range(8):
            stored = await asyncio.gather(*(each.store_image(an_image()) for each in (first, second) * 10))
            read = await asyncio.gather(*(second.client.images.retrieve(image.id) for image in stored))
            assert read == stored
        database = Database(url)
        try:
            show = await database.read(lambda connection: connection.exec_driver_sql("SHOW lock_timeout").scalar_one())
            assert show == "5s"
        finally:
            await database.close()


async def test_an_unknown_parameter_of_the_url_is_named() -> None:
    with pytest.raises(DatabaseError, match="'prepare_threshold'"):
        Database("postgresql+psycopg://test@127.0.0.1/postgres?prepare_threshold=0")
