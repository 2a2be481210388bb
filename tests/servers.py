"""Throwaway servers of the tests' own, started from the installed binaries."""

from __future__ import annotations

import contextlib
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

START_SECONDS = 300.0


@dataclass(kw_only=True, slots=True)
class Node:
    """A RabbitMQ node. It runs, unless it was stopped."""

    url: str
    environment: dict[str, str]
    port: int
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The leader of the session that all its processes are in."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def control(self, *arguments: str) -> None:
        """Runs rabbitmqctl on it."""
        command = [_program("rabbitmqctl"), "--quiet", "--node", self.environment["RABBITMQ_NODENAME"], *arguments]
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Starts it on the data that it has."""
        self._process = subprocess.Popen(
            [_program("rabbitmq-server")],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _await_port(self.port, self._process)

    def stop(self) -> None:
        """Ends it as its operator does. Its data stay."""
        self.control("stop")
        if self._process is not None:
            self._process.wait()

    def kill(self) -> None:
        """Ends it without a warning. Its data stay."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def rabbitmq(configuration: str = "") -> Iterator[Node]:
    """A RabbitMQ node on a random port of the loopback; `configuration` is what its rabbitmq.conf says."""
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
    """A PostgreSQL cluster. It runs, unless it was stopped."""

    url: str
    port: int
    _command: list[str]
    _run: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it on the data that it has."""
        self._process = subprocess.Popen(self._command, **self._run)
        _await_port(self.port, self._process)
        # It listens before it takes anybody: until it has read its log, it refuses them.
        _await(self._answers, self._process, f"PostgreSQL does not answer on port {self.port}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Ends it and all connections. Its data stay."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL cluster on a random port of the loopback, without durability; yields its URL."""
    with postgresql_cluster() as cluster:
        yield cluster.url


@contextmanager
def postgresql_cluster() -> Iterator[Cluster]:
    """As `postgresql`, for who wants to stop and start it."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise FileNotFoundError("postgresql is not installed: `make test` installs it")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="image-grpc-postgresql-") as folder:
        if user:
            shutil.chown(folder, user)
        port, data = free_port(), f"{folder}/data"
        run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        initdb = [str(binaries[-1] / "initdb"), "-D", data, "-U", "test", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, **run)  # type: ignore[call-overload]
        options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off"]
        server = [str(binaries[-1] / "postgres"), "-D", data, "-p", str(port)]
        server += [part for option in options for part in ("-c", option)]
        url = f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        cluster = Cluster(url=url, port=port, _command=server, _run=run)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """An empty bucket of an S3 server that runs."""

    url: str
    environment: dict[str, str]
    """The AWS_* variables that lead to it."""


@contextmanager
def s3() -> Iterator[Bucket]:
    """An S3 server on a random port of the loopback, in memory, with a bucket."""
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
    # Debian's own scripts, not the wrappers before them, which change the user.
    found = shutil.which(name, path="/usr/lib/rabbitmq/bin:" + os.environ["PATH"])
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: `make test` installs it")
    return found


def free_port() -> int:
    """A port of the loopback that nothing listens on, also when a server that is stopped comes back to it: it is
    none of those that the kernel gives to whoever asks for any."""
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

    _await(listens, process, f"nothing listens on port {port}")


def _await(condition: Callable[[], bool], process: subprocess.Popen[bytes], otherwise: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if condition():
            return
        time.sleep(0.1)
    raise RuntimeError(otherwise)
