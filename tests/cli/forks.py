"""Runs commands in forks of one process that has imported them: most commands take less time than starting Python.

python -m tests.cli.forks FD    FD is a socket; each of its messages is a Command with three files: standard output,
                                standard error, and the one into which the exit code is written as the command ends

What modules read from the environment when they are imported comes from the first test that runs a command.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

MAX_BYTES = 200_000
"""Longest message: arguments and environment."""
MAX_SECONDS = 400.0
"""Longest duration of a command, which may be many times longer than usual on a busy machine."""
ROOT = Path(__file__).parents[2]


class Forks:
    """The process that is forked. It ends with this one."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = [sys.executable, "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], cwd=ROOT)
        self._sending = threading.Lock()
        atexit.register(self._stop)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run a command in the current folder, and return its exit code, standard output and standard error."""
        command = json.dumps({"arguments": arguments, "environment": dict(environment), "folder": str(Path.cwd())})
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            reader, writer = os.pipe()
            with os.fdopen(reader, "rb") as code:
                try:
                    with self._sending:
                        socket.send_fds(self._socket, [command.encode()], [out.fileno(), error.fileno(), writer])
                finally:
                    os.close(writer)
                if not select.select([code], [], [], MAX_SECONDS)[0]:
                    raise TimeoutError(f"{' '.join(arguments)} did not end: {_text(error.fileno())}")
                exit_code = int(code.read())
            return exit_code, _text(out.fileno()), _text(error.fileno())

    def _stop(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def forks() -> Forks:
    """Return the forks of this process."""
    return Forks()


def _text(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode()


def serve(commands: socket.socket) -> None:
    """Run commands until the other end of the socket is closed."""
    # These imports take long. Commands import some of them only when they need them.
    import getimg_standin  # noqa: F401
    from image_grpc import __main__ as program
    from image_grpc import app, cli, storage_service  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    while True:
        message, files, _, _ = socket.recv_fds(commands, MAX_BYTES, 3)
        if not message:
            return
        if os.fork() == 0:
            commands.close()
            _run_and_report(program, json.loads(message), *files)
        for file in files:
            os.close(file)


def _run_and_report(program: object, command: dict[str, object], out: int, error: int, report: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(report)
        _run(program, command, out, error)
    _, status = os.waitpid(child, 0)
    os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run(program: object, command: dict[str, object], out: int, error: int) -> None:
    """Become the process that `python -m image_grpc` would be."""
    for file, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (error, 2)):
        os.dup2(file, standard)
        os.close(file)
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    sys.argv = [program.__file__, *command["arguments"]]
    sys.modules["__main__"] = program
    program.run()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
