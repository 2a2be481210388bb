"""The database, named by URL: SQLite or PostgreSQL. Transactions are plain functions that run in threads."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, Row, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from image_grpc.storage_service.errors import DatabaseError, IncompatibleDatabase, Unavailable
from image_grpc.storage_service.schema import SCHEMA, migrate, require_current

T = TypeVar("T")

STATEMENT_SECONDS = 30.0
"""Timeout of statements on PostgreSQL, when clients no longer wait. Migrations and snapshots have none."""
LOCK_SECONDS = 5.0
"""Longest wait for a lock on PostgreSQL. The client then repeats its request."""
MAX_WAITING_WRITES = 30
"""With the unfinished puts, fewer than the requests that a replica handles at once, so that it reads meanwhile."""
_CONNECTION = {
    # A dead server is detected within half a minute.
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # A standby, or a primary that was demoted, is refused: its data may be old.
    "target_session_attrs": "read-write",
}
"""Defaults of libpq parameters."""
_MOVED = ("25006", "57P01", "57P02", "57P03")
"""SQLSTATEs of a server that is no longer the primary: read only, shutting down, crashed, starting."""

_STATEMENT_STATES = ("40001", "40P01", "55P03", "57014")
"""SQLSTATEs of a conflict with another transaction: not serializable, deadlock, lock not available, timeout."""

_SQLITE_OPTIONS = {"schema_translate_map": {SCHEMA: None}}
"""SQLite has no schemas."""

Mode = Literal["read", "snapshot", "write", "single write"]
"""The kind of a transaction."""
_BEGIN = {
    # A writer takes the write lock first: upgrading a read lock later could fail.
    "sqlite": {
        "read": ["BEGIN"],
        "snapshot": ["BEGIN"],
        "write": ["BEGIN IMMEDIATE"],
        "single write": ["BEGIN IMMEDIATE"],
    },
    # Each statement sees what was committed when it began, in a transaction or not, so reads need none.
    "postgresql": {
        "read": [],
        "snapshot": ["BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL statement_timeout = 0"],
        "write": ["BEGIN"],
        "single write": [],
    },
}
"""The statements that begin a transaction. The drivers do not begin any by themselves."""
_POOLED = "pooled"
"""Key in the info of a connection that a pooler such as PgBouncer may give to another client after each transaction.

Nothing may be set for its session, and statements must not be prepared.
"""


class Database:
    """Runs transactions. On SQLite there is one writer at a time, which does not block readers."""

    def __init__(self, url: str, *, threads: int = 4) -> None:
        sqlite = make_url(url).get_backend_name() == "sqlite"
        self._file = Path(make_url(url).database or "") if sqlite else None
        self._engine = _engine(url, threads)
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="database-read")
        self._writers = ThreadPoolExecutor(1, "database-write") if sqlite else self._readers
        # Writes that wait for a lock must leave a thread for reads. On SQLite, they have a thread of their own.
        self._writes = asyncio.Semaphore(threads if sqlite else threads - 1)
        self._waiting_writes = 0

    async def start(self) -> None:
        """Create the schema, or migrate it to the latest revision. Raises Unavailable, IncompatibleDatabase."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        await self.write(migrate)

    async def open_existing(self) -> None:
        """Require a database that needs no migration, and change nothing. Raises Unavailable, IncompatibleDatabase."""
        if self._file is not None:
            if not self._file.is_file():
                raise IncompatibleDatabase(f"the database {self._file} does not exist")
            await asyncio.to_thread(_require_current_file, self._engine.url)
        else:
            await self.read(require_current)

    async def write(self, transaction: Callable[[Connection], T]) -> T:
        """Run a transaction that may write. Its changes are durable when this returns. Raises Unavailable."""
        return await self._write("write", transaction)

    async def _write(self, mode: Mode, transaction: Callable[[Connection], T]) -> T:
        if self._waiting_writes >= MAX_WAITING_WRITES:
            raise Unavailable("too many writes are waiting")
        self._waiting_writes += 1
        try:
            async with self._writes:
                return await self._run(self._writers, mode, transaction)
        finally:
            self._waiting_writes -= 1

    async def write_one(self, statement: Callable[[Connection], T]) -> T:
        """Run one statement that may write, like `write` but on PostgreSQL without a transaction around it."""
        return await self._write("single write", statement)

    async def write_at_once(self, transaction: Callable[[Connection], T]) -> T:
        """Run a transaction like `write`, without waiting for other writes. Raises Unavailable."""
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
            raise Unavailable(str(failure.orig), by_statement=_concerns_statement(failure)) from failure


def _concerns_statement(failure: DBAPIError) -> bool:
    """Return whether the database works, but rejected a statement, or the statement timed out waiting for a lock."""
    if isinstance(failure, DataError | IntegrityError):
        return True
    return getattr(failure.orig, "sqlstate", None) in _STATEMENT_STATES


def _require_current_file(url: URL) -> None:
    # Without the settings of `_set_up_sqlite`, which a file of another program would keep.
    engine = create_engine(url, poolclass=NullPool, execution_options=_SQLITE_OPTIONS)
    try:
        with engine.connect() as connection:
            require_current(connection)
    except DBAPIError as failure:
        raise IncompatibleDatabase(f"{url.database}: {failure.orig}") from failure


def _engine(url: str, threads: int) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            pool_size=threads + 1,
            max_overflow=0,
            connect_args={"check_same_thread": False},
            execution_options=_SQLITE_OPTIONS,
        )
        event.listen(engine, "connect", _set_up_sqlite)
    else:
        parameters = make_url(url).query
        _require_known(parameters)
        defaults = {name: value for name, value in _CONNECTION.items() if name not in parameters}
        engine = create_engine(
            url, pool_size=threads, max_overflow=0, isolation_level="AUTOCOMMIT", connect_args=defaults
        )
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "handle_error", _drop_connections_if_moved)
    event.listen(engine, "begin", _begin)
    return engine


def _require_known(parameters: Iterable[str]) -> None:
    """Raise DatabaseError for parameters of a URL that libpq does not have."""
    import psycopg

    options = psycopg.pq.Conninfo.get_defaults()
    names = {option.keyword.decode() for option in options}
    for name in parameters:
        if name not in names:
            raise DatabaseError(f"the database URL has the parameter {name!r}, which is not one of PostgreSQL's")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # _begin begins transactions, not the driver
    # FULL: committed transactions survive a power failure.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _drop_connections_if_moved(context: ExceptionContext) -> None:
    """Let the pool close its connections: the address may lead to another server by now, for reads as well."""
    if getattr(context.original_exception, "sqlstate", None) in _MOVED:
        context.is_disconnect = True


def _set_up_postgresql(connection: Any, record: Any) -> None:
    try:
        _prepare_session(connection, record)
    except BaseException:
        connection.close()  # the pool does not know it yet
        raise


def _prepare_session(connection: Any, record: Any) -> None:
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    # A pooler does not tell its clients the process that serves them.
    record.info[_POOLED] = pid != connection.info.backend_pid
    if record.info[_POOLED]:
        connection.prepare_threshold = None
    else:
        connection.execute(_timeouts("SET"))
    connection.commit()  # the driver may have begun a transaction


def _timeouts(command: str) -> str:
    statement, lock = int(STATEMENT_SECONDS * 1000), int(LOCK_SECONDS * 1000)
    return f"{command} statement_timeout = {statement}; {command} lock_timeout = {lock}"


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("mode", "write")
    statements = _BEGIN[connection.dialect.name][mode]
    if connection.info.get(_POOLED) and mode != "snapshot":
        statements = [f"BEGIN; {_timeouts('SET LOCAL')}"]
    for statement in statements:
        connection.exec_driver_sql(statement)


def insert_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> Sequence[Row[Any]]:
    """Insert the rows with new keys and return their keys. Waits for transactions that insert the same keys."""
    return connection.execute(_insert_new(connection.dialect.name, table), rows).all()


@cache  # building a statement takes as long as running it
def _insert_new(dialect: str, table: Table) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing().returning(*table.primary_key)


def microseconds(seconds_from_now: float = 0) -> int:
    """Return the current time, or one relative to it, in microseconds since the epoch."""
    return int((time.time() + seconds_from_now) * 1e6)
