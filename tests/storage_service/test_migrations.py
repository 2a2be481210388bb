"""Creating and migrating the schema give the tables of the code, and databases of a pre-release are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, create_engine, inspect, text
from sqlalchemy.schema import CreateSchema

from image_grpc.app.storage_service import run_storage_service
from image_grpc.errors import StorageServiceError
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.errors import IncompatibleDatabase
from image_grpc.storage_service.schema import REVISION, SCHEMA, metadata, migrate, upgrade

PRE_RELEASE = "written by a pre-release version of image-grpc"
TABLES = {"record", "record_version", "blob", "applied_request", "counter", "outbox"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/storage.db"
    url: str = request.getfixturevalue("fresh_database")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(params=["0001", "0002", "no revision"])
def pre_release(request: pytest.FixtureRequest, engine: Engine) -> Engine:
    """A database with a record of a pre-release."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(CreateSchema(SCHEMA))
        if request.param != "no revision":
            version = qualified(engine, "alembic_version")
            connection.exec_driver_sql(f"CREATE TABLE {version} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql(f"INSERT INTO {version} VALUES ('{request.param}')")
        time = "update_time" if request.param == "no revision" else "create_time"
        record = qualified(engine, "record")
        connection.exec_driver_sql(f"CREATE TABLE {record} (id VARCHAR(64) NOT NULL PRIMARY KEY, {time} BIGINT)")
        connection.exec_driver_sql(f"INSERT INTO {record} VALUES ('old', 1)")
    return engine


async def start(url: str) -> None:
    database = Database(url)
    try:
        await database.start()
    finally:
        await database.close()


async def schema_after(url: str, build: Callable[[Connection], None]) -> list[Any]:
    """Return all that the database has after `build` ran in an empty database; it is rolled back."""

    def transaction(connection: Connection) -> list[Any]:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
        build(connection)
        schema, inspector = None if sqlite else SCHEMA, inspect(connection)
        content = [
            reflect(schema=schema)
            for reflect in (
                inspector.get_multi_columns,
                inspector.get_multi_pk_constraint,
                inspector.get_multi_indexes,
                inspector.get_multi_unique_constraints,
            )
        ]
        revision = connection.execute(text(f"SELECT * FROM {qualified(connection, 'alembic_version')}")).all()
        connection.rollback()
        return [*(sorted(repr(each) for each in part.items()) for part in content), revision]

    database = Database(url)
    try:
        return await database.write(transaction)
    finally:
        await database.close()


def qualified(database: Engine | Connection, table: str) -> str:
    return table if database.dialect.name == "sqlite" else f"{SCHEMA}.{table}"


def differences(engine: Engine) -> list[Any]:
    """Return how the tables differ from those of the code."""
    sqlite = engine.dialect.name == "sqlite"
    expected = metadata
    if sqlite:  # has no schemas
        expected = MetaData()
        for table in metadata.sorted_tables:
            table.to_metadata(expected, schema=None)
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_schemas": not sqlite,
        "version_table_schema": None if sqlite else SCHEMA,
    }
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), expected))


async def test_a_start_on_an_empty_database_creates_the_tables_of_the_code(database_url: str, engine: Engine) -> None:
    assert {each[1].name for each in differences(engine) if each[0] == "add_table"} == TABLES
    for _ in range(2):
        await start(database_url)
        assert differences(engine) == []


async def test_migrations_create_the_same_schema(database_url: str) -> None:
    created, migrated = [await schema_after(database_url, build) for build in (migrate, upgrade)]
    assert all(any(f"'{table}'" in each for each in created[0]) for table in (*TABLES, "alembic_version"))
    assert migrated == created


async def test_a_database_with_an_unknown_revision_is_refused(database_url: str, engine: Engine) -> None:
    await start(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {qualified(engine, 'alembic_version')} SET version_num = 'newer'")
    with pytest.raises(CommandError, match="Can't locate revision identified by 'newer'"):
        await start(database_url)


async def test_a_database_of_an_earlier_revision_is_migrated_at_the_start(database_url: str, engine: Engine) -> None:
    await start(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {qualified(engine, 'counter')}")
        connection.exec_driver_sql(f"UPDATE {qualified(engine, 'alembic_version')} SET version_num = 'initial'")
    await start(database_url)
    assert differences(engine) == []


def test_the_newest_migration_is_the_revision_of_the_schema() -> None:
    config = Config()
    config.set_main_option("script_location", "image_grpc.storage_service:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


START = """
import asyncio, sys
from image_grpc.storage_service.database import Database

async def start():
    database = Database(sys.argv[1])
    await database.start()
    await database.close()

asyncio.run(start())
print("alembic" in sys.modules)
"""


def test_an_empty_or_current_database_does_without_alembic(database_url: str) -> None:
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", START, database_url], capture_output=True, text=True, check=False)
        assert done.stdout == "False\n", done.stderr


async def test_a_database_of_a_pre_release_is_refused_and_left_unchanged(
    database_url: str, pre_release: Engine
) -> None:
    tables = inspect(pre_release).get_table_names(schema=None if "sqlite" in database_url else SCHEMA)
    for _ in range(2):
        with pytest.raises(IncompatibleDatabase, match=PRE_RELEASE):
            await start(database_url)
    assert inspect(pre_release).get_table_names(schema=None if "sqlite" in database_url else SCHEMA) == tables
    with pre_release.connect() as connection:
        assert connection.execute(text(f"SELECT id FROM {qualified(pre_release, 'record')}")).scalar_one() == "old"


async def test_a_start_on_records_of_a_pre_release_reports_a_service_error(
    database_url: str, pre_release: Engine, tmp_path: Path
) -> None:
    settings = load(StorageServiceSettings, database_url=database_url, blob_url=f"file://{tmp_path}/blobs")
    hub = MemoryHub()
    await hub.start()
    try:
        with pytest.raises(StorageServiceError, match=f"cannot start: this database was {PRE_RELEASE}"):
            async with run_storage_service(settings, hub):
                pass
    finally:
        await hub.close()
