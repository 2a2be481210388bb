"""Several `serve` processes that share an address, with connections distributed by the operating system."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from image_grpc.app import require_broker
from image_grpc.app.signals import stop_signals
from image_grpc.settings import EmbeddedSettings, InvalidSettings, variable

log = structlog.get_logger(__name__)


async def run_workers(settings: EmbeddedSettings, count: int, options: Sequence[str]) -> int:
    """Run workers until SIGTERM or SIGINT, which is passed on to them, and return their highest exit code.

    A killed worker is restarted. A worker that exits could not serve, and has printed why: the others are stopped. All
    stop when this process ends, even if it is killed.

    Raises InvalidSettings for an in-memory hub, OSError if the address cannot be bound.
    """
    require_broker(settings)
    if settings.prometheus_listen:
        raise InvalidSettings(
            f"{variable('prometheus_listen')}: workers cannot share it; run processes of their own, or use OTLP"
        )
    with stop_signals() as stop, _reserved(settings.listen) as address, _lifeline() as pipe:
        command = [sys.executable, "-m", "image_grpc", "serve", "--parent", str(pipe), *options]
        environment = os.environ | {  # not as options, which all users of the machine can read
            variable("listen"): address,
            variable("listen_shared"): "true",
            variable("hub_url"): settings.hub_url,
            variable("data_dir"): str(settings.data_dir),
        }
        environment.pop(f"{variable('hub_url')}_FILE", None)  # read already
        codes = await asyncio.gather(*(_keep_running(command, environment, pipe, stop) for _ in range(count)))
    return max(codes)


async def _keep_running(command: Sequence[str], environment: Mapping[str, str], pipe: int, stop: asyncio.Event) -> int:
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        worker = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            pass_fds=[pipe],
            start_new_session=True,  # Ctrl-C signals this process only, which passes it on once
        )
        ending = asyncio.create_task(worker.wait())
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            worker.terminate()
        code = await ending
        if code >= 0:
            stop.set()
            return code
        log.warning("worker killed", signal=-code)
        await asyncio.wait([stopping], timeout=1.0)  # before the restart
    return 0


@contextmanager
def _lifeline() -> Iterator[int]:
    """Yield the end of a pipe for workers. Only this process has the other end, which the system closes with it."""
    for_workers, own = os.pipe()
    try:
        yield for_workers
    finally:
        os.close(own)
        os.close(for_workers)


@contextmanager
def _reserved(listen: str) -> Iterator[str]:
    """Within the block, reserve the address for workers. Yields it with the actual port.

    Raises OSError if another process uses the address, even if it would share it.
    """
    host, _, port = listen.rpartition(":")
    family, kind, _, _, requested = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as exclusive:
        exclusive.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            exclusive.bind(requested)
        except OSError as error:
            raise OSError(f"cannot listen on {listen}: {error.strerror}") from error
        bound = exclusive.getsockname()
    with socket.socket(family, kind) as shared:  # never listens, so it receives no connections
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(bound)
        yield f"{host}:{bound[1]}"
