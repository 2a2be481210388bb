"""Start the processes of servers on loopback ports."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_SECONDS = 300.0
LOG_CHARACTERS = 2_000
"""How much of the end of its log is shown if a server does not start."""


def free_port() -> int:
    """Return a loopback port that nothing listens on.

    It is outside of the range that the kernel assigns, so a server that restarts finds it free again.
    """
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def find_program(name: str, package: str) -> str:
    """Return the path of an installed program. Raises FileNotFoundError with the Debian package to install."""
    # RabbitMQ's scripts come first: Debian's wrappers of them change the user.
    program = shutil.which(name, path=f"/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:{os.environ['PATH']}")
    if program is None:
        raise FileNotFoundError(f"{name} is not installed; install Debian's package {package}")
    return program


def start_server(command: list[str], *, port: int, log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a process whose output is appended to a log, and return it when it listens on a port.

    `options` are arguments for subprocess.Popen. Raises RuntimeError with the end of the log if it does not listen.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
    await_condition(lambda: _listens(port), process, f"{command[0]} does not listen on port {port}", log)
    return process


def await_condition(condition: Callable[[], bool], process: subprocess.Popen[bytes], failure: str, log: Path) -> None:
    """Wait until a starting server meets a condition.

    If it does not, the process is killed, and RuntimeError is raised with the end of its log.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if condition():
            return
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"{failure} (exit code {process.wait()}):\n{log.read_text(errors='replace')[-LOG_CHARACTERS:]}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except OSError:
        return False
    return True
