"""Throwaway PostgreSQL clusters and PgBouncer."""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from image_grpc_testkit.servers.processes import await_condition, find_program, free_port, start_server


@dataclass(kw_only=True, slots=True)
class Cluster:
    """A PostgreSQL cluster."""

    url: str
    port: int
    log: Path
    """The output of its processes."""
    _command: list[str]
    _run: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The parent of the cluster's processes."""
        assert self._process is not None, "the cluster was not started"
        return self._process.pid

    @property
    def libpq_url(self) -> str:
        """The URL for clients other than SQLAlchemy."""
        return self.url.replace("+psycopg", "")

    def start(self) -> None:
        """Start the server on its existing data."""
        self._process = start_server(self._command, port=self.port, log=self.log, **self._run)
        # It listens before it accepts connections: it refuses them until it has replayed its write-ahead log.
        failure = f"PostgreSQL does not accept connections on port {self.port}"
        await_condition(self._accepts, self._process, failure, self.log)

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.libpq_url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop the cluster and its connections. Its data is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    def query(self, statement: LiteralString) -> Any:
        """Return the first value that a query returns."""
        with psycopg.connect(self.libpq_url, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def execute(self, statement: LiteralString) -> None:
        """Execute a statement as superuser, outside of a transaction."""
        with psycopg.connect(self.libpq_url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL cluster without durability and yield its URL."""
    with postgresql_cluster() as cluster:
        yield cluster.url


@contextmanager
def postgresql_cluster() -> Iterator[Cluster]:
    """Run a PostgreSQL cluster that can be stopped and started again."""

    def initialize(data: str, run: dict[str, Any]) -> None:
        initdb = [_postgresql_program("initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **run)

    with _cluster(initialize) as cluster:
        yield cluster


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    """Run a cluster that follows a primary until it is promoted with `SELECT pg_promote()`."""

    def copy(data: str, run: dict[str, Any]) -> None:
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "test", "--checkpoint=fast", "--no-sync"]
        # Fetch: the write-ahead log comes at the end, instead of through a second process.
        options = ["--wal-method=fetch", "--write-recovery-conf"]
        command = [_postgresql_program("pg_basebackup"), *source, "-D", data, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **run)

    with _cluster(copy) as cluster:
        yield cluster


@contextmanager
def _cluster(create: Callable[[str, dict[str, Any]], None]) -> Iterator[Cluster]:
    """Run a cluster whose data folder `create` makes; it gets the folder, and arguments for subprocess.run."""
    with tempfile.TemporaryDirectory(prefix="image-grpc-postgresql-") as folder:
        port, data = free_port(), f"{folder}/data"
        run = _unprivileged(folder, "postgres")
        create(data, run)
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        server = [_postgresql_program("postgres"), "-D", data, "-p", str(port)]
        server += [part for option in options for part in ("-c", option)]
        url = f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        cluster = Cluster(url=url, port=port, log=Path(folder, "log"), _command=server, _run=run)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def pgbouncer(cluster: Cluster, *, pool_size: int = 2) -> Iterator[str]:
    """Run PgBouncer in transaction mode in front of a cluster, and yield the URL of the same database behind it."""
    with tempfile.TemporaryDirectory(prefix="image-grpc-pgbouncer-") as folder:
        port = free_port()
        run = _unprivileged(folder, "postgres")
        Path(folder, "users").write_text('"test" ""\n')
        Path(folder, "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={cluster.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {folder}/users\n"
            f"pool_mode = transaction\ndefault_pool_size = {pool_size}\n"
        )
        command = [find_program("pgbouncer", "pgbouncer"), f"{folder}/pgbouncer.ini"]
        process = start_server(command, port=port, log=Path(folder, "log"), **run)
        try:
            yield cluster.url.replace(f":{cluster.port}/", f":{port}/")
        finally:
            process.kill()
            process.wait()


def _unprivileged(folder: str, user: str) -> dict[str, Any]:
    """Return arguments that run a process in a folder, as `user` if this process is root."""
    if os.geteuid() != 0:
        user = getpass.getuser()
    else:
        shutil.chown(folder, user)
    return {"user": user, "cwd": folder}


def _postgresql_program(name: str) -> str:
    programs = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not programs:
        raise FileNotFoundError("postgresql is not installed; install Debian's package")
    return str(programs[-1])
