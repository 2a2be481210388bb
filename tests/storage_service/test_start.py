"""Replicas that start concurrently on an empty database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from image_grpc.storage_service.schema import SCHEMA
from image_grpc_testkit.contracts.records import an_image
from image_grpc_testkit.contracts.storage_testkit import StartStorage

REPLICAS = 10


@pytest.fixture
def database_url(fresh_database: str) -> str:
    return fresh_database


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    engine = create_engine(fresh_database)
    yield engine
    engine.dispose()


async def test_ten_replicas_start_concurrently_on_an_empty_database(
    start_storage: StartStorage, engine: Engine
) -> None:
    replicas = await asyncio.gather(*(start_storage() for _ in range(REPLICAS)))
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {SCHEMA}.alembic_version")).scalar() == 1
    image = await replicas[0].store_image(an_image())
    for replica in replicas:
        assert await replica.client.images.retrieve(image.id) == image


MIGRATE = """
import asyncio, os, sys
from image_grpc.storage_service.database import Database

database = Database(sys.argv[1])  # does not connect yet

async def start():
    await database.start()
    await database.close()

def replica(begin):
    os.read(begin, 1)
    asyncio.run(start())
    os._exit(0)

begin, go = os.pipe()
children = [os.fork() or replica(begin) for _ in range(int(sys.argv[2]))]
os.write(go, b"x" * len(children))
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_ten_processes_migrate_an_empty_database_concurrently(fresh_database: str, engine: Engine) -> None:
    command = [sys.executable, "-c", MIGRATE, fresh_database, str(REPLICAS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    assert done.stdout == f"{[0] * REPLICAS}\n", done.stderr
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {SCHEMA}.alembic_version")).scalar() == 1


async def test_a_replica_has_at_most_four_connections(start_storage: StartStorage, engine: Engine) -> None:
    storage = await start_storage()
    await asyncio.gather(*(storage.store_image(an_image()) for _ in range(100)))
    with engine.connect() as connection:
        query = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'"""  # not autovacuum
        assert connection.execute(text(query)).scalar_one() - 1 <= 4  # one belongs to this test


async def test_a_postgresql_url_needs_no_driver_name(
    start_storage: StartStorage, fresh_database: str, blob_url: str
) -> None:
    bare = fresh_database.replace("postgresql+psycopg://", "postgresql://")
    assert bare.startswith("postgresql://")
    storage = await start_storage(at=(bare, blob_url))
    image = await storage.store_image(an_image())
    assert await storage.client.images.retrieve(image.id) == image
