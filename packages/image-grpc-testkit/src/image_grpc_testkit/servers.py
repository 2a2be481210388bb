"""Throwaway servers on random loopback ports, started from installed binaries."""

import contextlib
import getpass
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

START_SECONDS = 300.0


@dataclass(kw_only=True, slots=True)
class Node:
    """A RabbitMQ node."""

    url: str
    environment: dict[str, str]
    port: int
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The leader of the session that contains all processes of the node."""
        assert self._process is not None, "the node was not started"
        return self._process.pid

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl on the node."""
        command = [_program("rabbitmqctl"), "--quiet", "--node", self.environment["RABBITMQ_NODENAME"], *arguments]
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def pause(self) -> None:
        """Let the node hang: its connections stay open, and nothing is processed."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue a paused node."""
        os.killpg(self.pid, signal.SIGCONT)

    def bindings(self) -> set[str]:
        """Return a line per binding: source, destination and routing key."""
        node = ["--node", self.environment["RABBITMQ_NODENAME"]]
        columns = ["source_name", "destination_name", "routing_key"]
        command = [_program("rabbitmqctl"), "--quiet", *node, "list_bindings", *columns]
        listed = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        return set(listed.splitlines())

    def queue_lengths(self) -> dict[str, int]:
        """Return the number of messages in each queue, with those that a consumer holds."""
        node = ["--node", self.environment["RABBITMQ_NODENAME"], "--formatter", "json"]
        command = [_program("rabbitmqctl"), "--quiet", *node, "list_queues", "name", "messages"]
        listed = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE).stdout
        return {queue["name"]: queue["messages"] for queue in json.loads(listed)}

    def add_virtual_host(self) -> str:
        """Create an empty virtual host and return its URL."""
        name = uuid.uuid4().hex
        # One command for both, as each starts an Erlang machine of its own.
        self.control(
            "eval",
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"guest">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>).',
        )
        return self.url + name

    def add_user(self, url: str, configure: str, write: str, read: str) -> str:
        """Create a user with these permissions on the virtual host of a URL, and return the URL with that user."""
        name, host = f"u{uuid.uuid4().hex}", url.rpartition("/")[2]
        patterns = ", ".join('<<"{}">>'.format(each.replace("\\", "\\\\")) for each in (configure, write, read))
        self.control(
            "eval",
            f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"secret">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"{name}">>, <<"{host}">>, {patterns}, <<"test">>).',
        )
        return url.replace("//guest:guest@", f"//{name}:secret@")

    def start(self) -> None:
        """Start the server on its existing data."""
        self._process = subprocess.Popen(
            [_program("rabbitmq-server")],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _await_port(self.port, self._process)

    def stop(self) -> None:
        """Stop the node as an operator does. Its data is kept."""
        self.control("stop")
        if self._process is not None:
            self._process.wait()

    def kill(self) -> None:
        """Kill the node. Its data is kept."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def rabbitmq(configuration: str = "") -> Iterator[Node]:
    """Run a RabbitMQ node; `configuration` is the content of its rabbitmq.conf."""
    with tempfile.TemporaryDirectory(prefix="image-grpc-rabbitmq-", ignore_cleanup_errors=True) as folder:
        port, distribution = free_port(), free_port()
        Path(folder, "rabbitmq.conf").write_text(configuration)
        environment = os.environ | {
            "HOME": folder,  # the Erlang cookie
            "RABBITMQ_NODENAME": f"test-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }
        node = Node(url=f"amqp://guest:guest@127.0.0.1:{port}/", environment=environment, port=port)
        try:
            node.start()
            yield node
        finally:
            node.kill()


@dataclass(kw_only=True, slots=True)
class Cluster:
    """A PostgreSQL cluster."""

    url: str
    port: int
    _command: list[str]
    _run: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server on its existing data."""
        self._process = subprocess.Popen(self._command, **self._run)
        _await_port(self.port, self._process)
        # It listens before it accepts connections: it refuses them until it has replayed its log.
        _await(self._accepts, self._process, f"PostgreSQL does not accept connections on port {self.port}")

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=10).close()
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
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def execute(self, statement: LiteralString) -> None:
        """Execute a statement as superuser, outside of a transaction."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
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
        subprocess.run(initdb, check=True, **run)

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
        subprocess.run(command, check=True, **run)

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
        cluster = Cluster(url=url, port=port, _command=server, _run=run)
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
        process = subprocess.Popen([_debian_program("pgbouncer"), f"{folder}/pgbouncer.ini"], **run)
        try:
            _await_port(port, process)
            yield cluster.url.replace(f":{cluster.port}/", f":{port}/")
        finally:
            process.kill()
            process.wait()


def _unprivileged(folder: str, user: str) -> dict[str, Any]:
    """Return arguments that run a quiet process in a folder, as `user` if this process is root."""
    if os.geteuid() != 0:
        user = getpass.getuser()
    else:
        shutil.chown(folder, user)
    return {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _postgresql_program(name: str) -> str:
    programs = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not programs:
        raise FileNotFoundError("postgresql is not installed; install Debian's package")
    return str(programs[-1])


def _debian_program(name: str) -> str:
    program = shutil.which(name, path=f"/usr/sbin:/usr/bin:{os.environ['PATH']}")
    if program is None:
        raise FileNotFoundError(f"{name} is not installed; install Debian's package")
    return program


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """An empty bucket of a running S3 server."""

    url: str
    environment: dict[str, str]
    """The AWS_* variables for access to the bucket."""


@contextmanager
def s3() -> Iterator[Bucket]:
    """Run an in-memory S3 server with one bucket."""
    port = free_port()
    process = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(port, process)
        endpoint = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/images", method="PUT")).close()
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        yield Bucket(url="s3://images", environment=environment)
    finally:
        process.kill()
        process.wait()


def _program(name: str) -> str:
    # Debian's wrappers around these scripts change the user.
    program = shutil.which(name, path="/usr/lib/rabbitmq/bin:" + os.environ["PATH"])
    if program is None:
        raise FileNotFoundError(f"{name} is not installed; install Debian's package rabbitmq-server")
    return program


def free_port() -> int:
    """Return a loopback port that nothing listens on.

    It is outside of the range that the kernel assigns, so a server that restarts finds it free again.
    """
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    def listens() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        except OSError:
            return False
        return True

    _await(listens, process, f"no server listens on port {port}")


def _await(condition: Callable[[], bool], process: subprocess.Popen[bytes], failure: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if condition():
            return
        time.sleep(0.1)
    raise RuntimeError(failure)
