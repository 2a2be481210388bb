"""Several `serve` processes that share one address, over which the system spreads connections."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from image_grpc.app import require_broker, stop_signals
from image_grpc.settings import EmbeddedSettings, variable

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0


async def run_workers(settings: EmbeddedSettings, count: int, options: Sequence[str]) -> int:
    """Runs so many until SIGTERM or SIGINT, which each of them is told. One that is killed is started anew. One
    that ends by itself could not serve, and has said why: all end, with its exit code, which is answered.

    Raises InvalidSettings for a hub that is inside of one process, OSError if the port cannot be had.
    """
    require_broker(settings)
    with stop_signals() as stop, _reserved(settings.listen) as address:
        command = [sys.executable, "-m", "image_grpc", "serve", *options]
        given = {  # not as options, which everybody on the machine can read
            variable("listen"): address,
            variable("listen_shared"): "true",
            variable("hub_url"): settings.hub_url,
            variable("data_dir"): str(settings.data_dir),
        }
        codes = await asyncio.gather(*(_keep_running(command, os.environ | given, stop) for _ in range(count)))
    return max(codes)


async def _keep_running(command: Sequence[str], environment: Mapping[str, str], stop: asyncio.Event) -> int:
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        worker = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            start_new_session=True,  # a Ctrl-C reaches this process alone, which hands it on once
        )
        ending = asyncio.create_task(worker.wait())
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            worker.terminate()
        code = await ending
        if code >= 0:
            stop.set()
            return code
        log.warning("a worker was killed", signal=-code)
        await asyncio.wait([stopping], timeout=RESTART_SECONDS)
    return 0


@contextmanager
def _reserved(listen: str) -> Iterator[str]:
    """Within the block, the address is for workers; answers it with the real port. Raises OSError if somebody has
    it already, whether he would share it or not."""
    host, _, port = listen.rpartition(":")
    family, kind, _, _, wanted = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            alone.bind(wanted)
        except OSError as problem:
            raise OSError(f"cannot listen on {listen}: {problem.strerror}") from problem
        found = alone.getsockname()
    with socket.socket(family, kind) as shared:  # it never listens, so no connection comes to it
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(found)
        yield f"{host}:{found[1]}"
