"""A throwaway RabbitMQ node."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from image_grpc_testkit.servers.processes import find_program, free_port, start_server

PACKAGE = "rabbitmq-server"


@dataclass(kw_only=True, slots=True)
class Node:
    """A RabbitMQ node."""

    url: str
    environment: dict[str, str]
    port: int
    log: Path
    """The output of its processes."""
    _process: subprocess.Popen[bytes] | None = None
    """Set in the process that started it."""

    @property
    def pid(self) -> int:
        """The leader of the session that contains all processes of the node."""
        assert self._process is not None, "the node was not started"
        return self._process.pid

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl on the node and return what it prints."""
        node = ["--node", self.environment["RABBITMQ_NODENAME"]]
        command = [find_program("rabbitmqctl", PACKAGE), "--quiet", *node, *arguments]
        return subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def evaluate(self, code: str) -> str:
        """Run Erlang code on the node and return its result as text. Raises RuntimeError if it fails.

        This takes milliseconds, while `control` starts an Erlang machine of its own.
        """
        cookie = Path(self.environment["HOME"], ".erlang.cookie").read_text()
        node = ["-sname", self.environment["RABBITMQ_NODENAME"]]
        # A node refuses a client while another with the same name is connected. The default name is constant.
        client = ["-h", f"c{uuid.uuid4().hex}"]
        done = subprocess.run(
            [find_program("erl_call", PACKAGE), *node, *client, "-c", cookie, "-e"],
            env=self.environment,
            input=f"{code}.\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.stdout.startswith("{ok, "):
            raise RuntimeError(f"{code}: {done.stdout}{done.stderr}")
        return done.stdout.removeprefix("{ok, ").removesuffix("}")

    def pause(self) -> None:
        """Let the node hang: its connections stay open, and nothing is processed."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continue a paused node."""
        os.killpg(self.pid, signal.SIGCONT)

    def set_memory_limit(self, fraction: float) -> None:
        """Block publishers if the node uses more than this fraction of the memory."""
        self.evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({fraction:.5f})")

    def bindings(self, virtual_host: str = "/") -> set[str]:
        """Return a line per binding: source, destination and routing key."""
        binding = "{binding, {resource, _, _, S}, K, {resource, _, _, D}, _}"
        line = r'binary_to_list(S) ++ "\t" ++ binary_to_list(D) ++ "\t" ++ binary_to_list(K)'
        return set(json.loads(self.evaluate(f'[{line} || {binding} <- rabbit_binding:list(<<"{virtual_host}">>)]')))

    def queue_lengths(self) -> dict[str, int]:
        """Return the number of messages in each queue, with those that a consumer holds."""
        queue = "[{name, {resource, _, _, N}}, {messages, M}]"
        queues = 'rabbit_amqqueue:info_all(<<"/">>, [name, messages])'
        listed = self.evaluate(f"[{{binary_to_list(N), M}} || {queue} <- {queues}]")
        return dict(json.loads(listed.replace("{", "[").replace("}", "]")))

    def add_virtual_host(self) -> str:
        """Create an empty virtual host and return its URL."""
        name = uuid.uuid4().hex
        self.evaluate(
            f'rabbit_vhost:add(<<"{name}">>, <<"test">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"guest">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)'
        )
        return self.url + name

    def add_user(self, url: str, configure: str, write: str, read: str) -> str:
        """Create a user with these permissions on the virtual host of a URL, and return the URL with that user."""
        name, host = f"u{uuid.uuid4().hex}", url.rpartition("/")[2]
        patterns = ", ".join('<<"{}">>'.format(each.replace("\\", "\\\\")) for each in (configure, write, read))
        self.evaluate(
            f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"secret">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"{name}">>, <<"{host}">>, {patterns}, <<"test">>)'
        )
        return url.replace("//guest:guest@", f"//{name}:secret@")

    def start(self) -> None:
        """Start the server on its existing data."""
        self._process = start_server(
            [find_program("rabbitmq-server", PACKAGE)],
            port=self.port,
            log=self.log,
            env=self.environment,
            start_new_session=True,
        )

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
def rabbitmq(configuration: str = "", *, plugins: Iterable[str] = ()) -> Iterator[Node]:
    """Run a RabbitMQ node with these plugins; `configuration` is the content of its rabbitmq.conf."""
    with tempfile.TemporaryDirectory(prefix="image-grpc-rabbitmq-", ignore_cleanup_errors=True) as folder:
        port, distribution = free_port(), free_port()
        Path(folder, "rabbitmq.conf").write_text(configuration)
        Path(folder, "plugins").write_text(f"[{','.join(plugins)}].")
        environment = os.environ | {
            "HOME": folder,  # the Erlang cookie
            "RABBITMQ_NODENAME": f"test-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            # Schedulers without work sleep instead of spinning: several nodes share few cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        url = f"amqp://guest:guest@127.0.0.1:{port}/"
        node = Node(url=url, environment=environment, port=port, log=Path(folder, "log"))
        try:
            node.start()
            yield node
        finally:
            node.kill()


@contextmanager
def shared_rabbitmq(folder: Path) -> Iterator[Node]:
    """Use one RabbitMQ node in all processes that share a folder.

    The first process runs the node, and waits in the end until no other uses it.
    """
    description = folder / "rabbitmq.json"
    with (folder / "rabbitmq.lock").open("w") as lock:
        if not _is_first(lock, description):
            fields = json.loads(description.read_text())
            yield Node(**fields | {"log": Path(fields["log"])})
            return
        with rabbitmq() as node:
            fields = {"url": node.url, "environment": node.environment, "port": node.port, "log": str(node.log)}
            description.write_text(json.dumps(fields))
            try:
                fcntl.flock(lock, fcntl.LOCK_SH)
                yield node
            finally:
                fcntl.flock(lock, fcntl.LOCK_EX)
                description.unlink(missing_ok=True)


def _is_first(lock: TextIO, description: Path) -> bool:
    """Return True with an exclusive lock if no process runs the node, otherwise False with a shared one."""
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits until the node has started
        if description.exists():
            return False
