"""The migrations make exactly the tables that the code has."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from image_grpc.storage_service.database import Database
from image_grpc.storage_service.schema import metadata


def tables_without_schema() -> MetaData:
    """The tables as they are in SQLite, which has no schemas."""
    bare = MetaData()
    for table in metadata.sorted_tables:
        table.to_metadata(bare, schema=None)
    return bare


async def test_the_migrations_end_at_the_tables_of_the_code(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/storage.db"
    database = Database(url)
    await database.start()
    await database.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables_without_schema()) == []
    engine.dispose()


async def test_an_empty_database_would_differ(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables_without_schema())
    engine.dispose()
    added = {each[1].name for each in differences if each[0] == "add_table"}
    assert added == {"record", "record_version", "blob", "applied_request", "outbox"}
