"""The database, named by URL: SQLite or PostgreSQL. Transactions are plain functions that run in threads."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from image_grpc.storage_service.errors import Unavailable
from image_grpc.storage_service.schema import SCHEMA, migrate

T = TypeVar("T")

STATEMENT_SECONDS = 30.0
"""Timeout of statements on PostgreSQL, when clients no longer wait. Migrations and snapshots have none."""
_NETWORK = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Defaults of libpq parameters: a dead server is detected within half a minute."""

Mode = Literal["read", "snapshot", "write"]
"""The kind of a transaction."""
_BEGIN = {
    # A writer takes the write lock first: upgrading a read lock later could fail.
    "sqlite": {"read": ["BEGIN"], "snapshot": ["BEGIN"], "write": ["BEGIN IMMEDIATE"]},
    # Each statement sees what was committed when it began, in a transaction or not, so reads need none.
    "postgresql": {
        "read": [],
        "snapshot": ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL statement_timeout = 0"],
        "write": ["BEGIN"],
    },
}
"""The statements that begin a transaction. The drivers do not begin any by themselves."""


class Database:
    """Runs transactions. On SQLite there is one writer at a time, which does not block readers."""

    def __init__(self, url: str, *, threads: int = 4) -> None:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        if sqlite:
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(url, threads)
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="database-read")
        self._writers = ThreadPoolExecutor(1, "database-write") if sqlite else self._readers

    async def start(self) -> None:
        """Create the schema, or migrate it to the latest revision. Raises Unavailable, IncompatibleDatabase."""
        await self.write(migrate)

    async def write(self, transaction: Callable[[Connection], T]) -> T:
        """Run a transaction that may write. Its changes are durable when this returns. Raises Unavailable."""
        return await self._run(self._writers, "write", transaction)

    async def read(self, statements: Callable[[Connection], T]) -> T:
        """Run statements that only read. Each may see a later state than the previous one. Raises Unavailable."""
        return await self._run(self._readers, "read", statements)

    async def snapshot(self, transaction: Callable[[Connection], T]) -> T:
        """Run a transaction that only reads, and sees one state throughout. Raises Unavailable."""
        return await self._run(self._readers, "snapshot", transaction)

    async def close(self) -> None:
        """Wait for running transactions and close all connections."""
        for pool in {self._readers, self._writers}:
            await asyncio.to_thread(pool.shutdown)
        self._engine.dispose()

    async def _run(self, pool: ThreadPoolExecutor, mode: Mode, transaction: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, self._transact, mode, transaction)

    def _transact(self, mode: Mode, transaction: Callable[[Connection], T]) -> T:
        # Broken connections are detected on use: a ping before each use costs as much as a read. SQLAlchemy then
        # discards all connections of the same age, and the client retries.
        try:
            with self._engine.connect().execution_options(mode=mode) as connection, connection.begin():
                return transaction(connection)
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
    connection.isolation_level = None  # _begin begins transactions, not the driver
    # FULL: committed transactions survive a power failure.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET statement_timeout = {int(STATEMENT_SECONDS * 1000)}")
    connection.commit()  # the driver may have begun a transaction


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("mode", "write")
    for statement in _BEGIN[connection.dialect.name][mode]:
        connection.exec_driver_sql(statement)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows with new keys and return their number. Waits for transactions that insert the same keys."""
    return len(connection.execute(_insert_new(connection.dialect.name, table), rows).all())


@cache  # building a statement takes as long as running it
def _insert_new(dialect: str, table: Table) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing().returning(*table.primary_key)


def microseconds(seconds_from_now: float = 0) -> int:
    """Return the current time, or one relative to it, in microseconds since the epoch."""
    return int((time.time() + seconds_from_now) * 1e6)
