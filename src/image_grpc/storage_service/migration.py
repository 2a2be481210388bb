"""Creating the schema of a database, or migrating it to the current one.

Importing and running alembic takes most of a second, so only a database with an older revision pays for it.
"""

import threading

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select
from sqlalchemy.schema import CreateSchema

from image_grpc.storage_service.errors import IncompatibleDatabase
from image_grpc.storage_service.schema import SCHEMA, metadata

REVISION = "initial"
"""The newest revision in `migrations/versions`, which creates the tables in `schema`."""

_ALEMBIC = threading.Lock()
"""Alembic passes the context of a migration in a global variable: one migration at a time in a process."""

_alembic_version = Table(
    "alembic_version",
    MetaData(schema=SCHEMA),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def migrate(connection: Connection) -> None:
    """Create the schema in an empty database, or migrate it, within a transaction. Raises IncompatibleDatabase."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # Replicas that start together migrate one at a time.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5213477)")
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    _alembic_version.create(connection, checkfirst=True)
    revision = connection.execute(select(_alembic_version.c.version_num)).scalar_one_or_none()
    if revision == REVISION:
        return
    if revision in ("0001", "0002") or _has_pre_release_records(connection):
        raise IncompatibleDatabase(
            "this database was written by a pre-release version of image-grpc; "
            "export nothing, start with an empty database or folder"
        )
    if revision is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(_alembic_version).values(version_num=REVISION))
    else:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database has not had yet, within a transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "image_grpc.storage_service:migrations")
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, "head")


def _has_pre_release_records(connection: Connection) -> bool:
    inspector, schema = inspect(connection), None if connection.dialect.name == "sqlite" else SCHEMA
    if not inspector.has_table("record", schema=schema):
        return False
    return any(column["name"] == "update_time" for column in inspector.get_columns("record", schema=schema))
