"""The database by URL: SQLite in a file, or PostgreSQL. Transactions are plain functions run in threads."""

from __future__ import annotations

import asyncio
import enum
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from image_grpc.storage_service.schema import SCHEMA

T = TypeVar("T")

_ALEMBIC = threading.Lock()
"""Alembic hands the migrations their context in a global of its own: one at a time in a process."""


STATEMENT_SECONDS = 30.0
"""Longest time of a statement of PostgreSQL, by which whoever asked has gone; not of migrations and snapshots."""
_UNLIMITED = "SET LOCAL statement_timeout = 0"
_NETWORK = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Parameters of libpq, unless the URL has others: a machine that has gone is found out within half a minute."""


class Unavailable(Exception):
    """The database did not answer, or could not serialise the transaction: it may be tried again."""


class Mode(enum.Enum):
    """What a transaction is for."""

    READ = enum.auto()
    SNAPSHOT = enum.auto()
    WRITE = enum.auto()


_BEGIN = {
    # A writer takes the lock at once: upgrading a read lock could fail half-way.
    "sqlite": {Mode.READ: ["BEGIN"], Mode.SNAPSHOT: ["BEGIN"], Mode.WRITE: ["BEGIN IMMEDIATE"]},
    # A statement sees what is committed when it begins, in a transaction or not: reads need none.
    "postgresql": {
        Mode.READ: [],
        Mode.SNAPSHOT: ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", _UNLIMITED],
        Mode.WRITE: ["BEGIN"],
    },
}
"""How a transaction begins, which the drivers leave to us."""


class Database:
    """Runs transactions. SQLite has one writer at a time, and readers that it does not hold up."""

    def __init__(self, url: str, *, threads: int = 4) -> None:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        if sqlite:
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(url, threads)
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="database-read")
        self._writers = ThreadPoolExecutor(1, "database-write") if sqlite else self._readers

    async def start(self) -> None:
        """Brings the schema up to date. Raises Unavailable."""
        await self._run(self._writers, self._migrate)

    async def write(self, transaction: Callable[[Connection], T]) -> T:
        """Runs a transaction that changes something; it is durable when this returns."""
        return await self._run(self._writers, lambda: self._transact(transaction, Mode.WRITE))

    async def read(self, statements: Callable[[Connection], T]) -> T:
        """Runs statements that only read, each of which may see another moment."""
        return await self._run(self._readers, lambda: self._transact(statements, Mode.READ))

    async def snapshot(self, transaction: Callable[[Connection], T]) -> T:
        """Runs a transaction that only reads, and sees one moment."""
        return await self._run(self._readers, lambda: self._transact(transaction, Mode.SNAPSHOT))

    async def close(self) -> None:
        """Waits for what is running."""
        for pool in {self._readers, self._writers}:
            await asyncio.to_thread(pool.shutdown)
        self._engine.dispose()

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    def _transact(self, transaction: Callable[[Connection], T], mode: Mode) -> T:
        # A connection that broke since it was used last is found out here: pinging it before each use costs as
        # much as a read. All that are as old are thrown away with it, and whoever asked tries again.
        try:
            with self._engine.connect().execution_options(mode=mode) as connection, connection.begin():
                return transaction(connection)
        except DBAPIError as failure:
            raise Unavailable(str(failure.orig)) from failure

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", "image_grpc.storage_service:migrations")
        config.attributes["engine"] = self._engine
        try:
            with _ALEMBIC:
                command.upgrade(config, "head")
        except DBAPIError as failure:
            raise Unavailable(str(failure.orig)) from failure


def _engine(url: str, threads: int) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            pool_size=threads + 1,
            max_overflow=0,
            connect_args={"check_same_thread": False},
            execution_options={"schema_translate_map": {SCHEMA: None}},
        )
        event.listen(engine, "connect", _set_up_sqlite)
    else:
        network = {name: value for name, value in _NETWORK.items() if name not in make_url(url).query}
        engine = create_engine(
            url, pool_size=threads, max_overflow=0, isolation_level="AUTOCOMMIT", connect_args=network
        )
        event.listen(engine, "connect", _set_up_postgresql)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, not by the driver
    # FULL: what is committed survives a power cut, as what was answered must.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET statement_timeout = {int(STATEMENT_SECONDS * 1000)}")
    connection.commit()  # the driver may have begun a transaction for it


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("mode", Mode.WRITE)
    for statement in _BEGIN[connection.dialect.name][mode]:
        connection.exec_driver_sql(statement)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Inserts the rows whose keys are not there yet, and answers how many those were.

    Waits for a transaction that is about to insert the same.
    """
    return len(connection.execute(_insert_new(connection.dialect.name, table), rows).all())


@cache  # building a statement takes as long as running it
def _insert_new(dialect: str, table: Table) -> Any:
    made: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return made.on_conflict_do_nothing().returning(*table.primary_key)


def microseconds(seconds_from_now: float = 0) -> int:
    """The present time, or one near it, as the tables have it."""
    return int((time.time() + seconds_from_now) * 1e6)
