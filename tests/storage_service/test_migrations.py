"""Migrations create exactly the tables of the code, and refuse the data of a pre-release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, create_engine, text

from image_grpc.app.storage_service import run_storage_service
from image_grpc.errors import StorageServiceError
from image_grpc.hub.memory import MemoryHub
from image_grpc.settings import StorageServiceSettings, load
from image_grpc.storage_service.database import Database, IncompatibleDatabase
from image_grpc.storage_service.schema import SCHEMA, metadata

PRE_RELEASE = "written by a pre-release version of image-grpc"


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


@pytest.fixture
def pre_release(engine: Engine) -> Engine:
    """A database with the empty tables of a pre-release."""
    config = Config()
    config.set_main_option("script_location", "image_grpc.storage_service:migrations")
    config.attributes["engine"] = engine
    command.upgrade(config, "0001")
    return engine


async def migrate(url: str) -> None:
    database = Database(url)
    try:
        await database.start()
    finally:
        await database.close()


def insert(engine: Engine, table: str, **values: Any) -> None:
    """Insert a row into a table of a pre-release."""
    columns, parameters = ", ".join(values), ", ".join(f":{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {qualified(engine, table)} ({columns}) VALUES ({parameters})"), values)


def qualified(engine: Engine, table: str) -> str:
    return table if engine.dialect.name == "sqlite" else f"{SCHEMA}.{table}"


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {qualified(engine, table)}")).scalar_one()


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


def insert_record(engine: Engine) -> None:
    """Insert a record as a pre-release did."""
    times = {"version": 1, "create_time": 1, "update_time": 1}
    index = {"type": 1, "subtype": 1, "theme": "", "source_id": "", "service": "", "state": 0, "map_id": ""}
    insert(engine, "record", kind=1, id="old", **times, **index, body=b"old")


async def test_migrations_of_an_empty_database_create_the_tables_of_the_code(database_url: str, engine: Engine) -> None:
    assert {each[1].name for each in differences(engine) if each[0] == "add_table"} == {
        "record",
        "record_version",
        "blob",
        "applied_request",
        "outbox",
    }
    await migrate(database_url)
    assert differences(engine) == []


async def test_an_empty_database_of_a_pre_release_is_migrated(database_url: str, pre_release: Engine) -> None:
    insert(pre_release, "applied_request", storage_correlation_id="old", digest=b"", response=b"", expire_time=1)
    insert(pre_release, "outbox", claim_time=1, message=b"old")
    insert(pre_release, "blob", sha256="old", byte_size=1, state=3, touch_time=1)
    await migrate(database_url)
    assert differences(pre_release) == []
    assert [count(pre_release, table) for table in ("applied_request", "outbox", "blob")] == [0, 0, 1]


async def test_a_database_with_records_of_a_pre_release_is_refused_and_left_unchanged(
    database_url: str, pre_release: Engine
) -> None:
    insert_record(pre_release)
    for _ in range(2):
        with pytest.raises(IncompatibleDatabase, match=PRE_RELEASE):
            await migrate(database_url)
    with pre_release.connect() as connection:
        body = connection.execute(text(f"SELECT body FROM {qualified(pre_release, 'record')}")).scalar_one()
    assert bytes(body) == b"old"


async def test_a_start_on_records_of_a_pre_release_reports_a_service_error(
    database_url: str, pre_release: Engine, tmp_path: Path
) -> None:
    insert_record(pre_release)
    settings = load(StorageServiceSettings, database_url=database_url, blob_url=f"file://{tmp_path}/blobs")
    hub = MemoryHub()
    await hub.start()
    try:
        with pytest.raises(StorageServiceError, match=f"cannot start: this database was {PRE_RELEASE}"):
            async with run_storage_service(settings, hub):
                pass
    finally:
        await hub.close()
