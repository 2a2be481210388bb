"""What a database says about itself, for operators."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from image_grpc.storage_service.schema import applied_request, metadata

_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseState:
    """A database that can be read."""

    name: str
    """The product, for example `PostgreSQL`."""
    version: str
    """For example `17.2 (Debian 17.2-1)`."""
    clock_skew: float | None
    """How far its clock is ahead of this host's, in seconds; None if they are the same."""


def inspect(connection: Connection) -> DatabaseState:
    """Return the state of a database."""
    if connection.dialect.name == "sqlite":
        version = connection.execute(sa.text("select sqlite_version()")).scalar_one()
        return DatabaseState(name="SQLite", version=version, clock_skew=None)
    version, now = connection.execute(
        sa.text("select current_setting('server_version'), extract(epoch from clock_timestamp())")
    ).one()
    return DatabaseState(name="PostgreSQL", version=version, clock_skew=float(now) - time.time())


def missing_privileges(connection: Connection) -> Sequence[str]:
    """Return which privileges the user lacks on which tables, for example `INSERT on image_storage_db.record`."""
    if connection.dialect.name == "sqlite":
        return []
    check = sa.text("select has_table_privilege(:table, :privilege)")
    pairs = [(privilege, table) for table in sorted(metadata.tables) for privilege in _PRIVILEGES]
    return [
        f"{privilege} on {table}"
        for privilege, table in pairs
        if not connection.execute(check, {"table": table, "privilege": privilege}).scalar_one()
    ]


def write_and_roll_back(connection: Connection) -> None:
    """Write a row as the Storage Service does, and take it back before others can see it."""
    row = {"storage_correlation_id": str(uuid.uuid4()), "digest": b"", "response": b"", "expire_time": 0}
    savepoint = connection.begin_nested()
    connection.execute(sa.insert(applied_request), row)
    savepoint.rollback()
