"""What a database says about itself, for operators."""

import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseState:
    """A database that can be read."""

    version: str
    """Name and version, for example `PostgreSQL 17.2`."""
    clock_skew: float
    """How far its clock is ahead of this host's, in seconds."""


def inspect(connection: Connection) -> DatabaseState:
    """Return the state of a database."""
    if connection.dialect.name == "sqlite":
        version = connection.execute(sa.text("select sqlite_version()")).scalar_one()
        return DatabaseState(version=f"SQLite {version}", clock_skew=0.0)
    version, now = connection.execute(
        sa.text("select current_setting('server_version'), extract(epoch from clock_timestamp())")
    ).one()
    return DatabaseState(version=f"PostgreSQL {version}", clock_skew=float(now) - time.time())
