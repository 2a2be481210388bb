"""Runs the application under uvicorn in the current event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from getimg_standin.connections import Connections

_DATE_HEADER_SECONDS = 1.0
_STOP_SECONDS = 2.0

# Longer than clients keep idle connections (httpx: 5 s): if the server closed first, a client could send a
# request into a closing connection. uvicorn's default is 5 s, too.
_KEEP_ALIVE_SECONDS = 75
_UVICORN_TICKS_PER_SECOND = 10


@asynccontextmanager
async def serve(app: ASGIApp, host: str, port: int, connections: Connections) -> AsyncIterator[str]:
    """Serve `app` until the block ends; yield the base URL. Port 0 selects a free port.

    Raises OSError if the address cannot be bound. At the end, open connections are reset, including hanging
    requests, so that stopping waits for pictures in progress only.
    """
    listener = _bind(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    server = _EmbeddedServer(config, connections)
    connections.attach(server)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.wait_started(task)
        bound_port = listener.getsockname()[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
    finally:
        server.stop()
        await task


class _EmbeddedServer(uvicorn.Server):
    """A server that installs no signal handlers and stops immediately."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._connections = connections
        self._started = asyncio.Event()
        self._stop = asyncio.Event()

    async def wait_started(self, task: asyncio.Task[None]) -> None:
        """Return once requests are accepted. Raises the exception that ended `task`, which runs the server."""
        started = asyncio.create_task(self._started.wait())
        await asyncio.wait({started, task}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if task.done():
            await task

    def stop(self) -> None:
        self._stop.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        self._started.set()
        ticks = 0
        while not self._stop.is_set():
            # uvicorn refreshes the Date header on every tenth tick.
            await self.on_tick(ticks)
            ticks += _UVICORN_TICKS_PER_SECOND
            try:
                await asyncio.wait_for(self._stop.wait(), _DATE_HEADER_SECONDS)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own shutdown first sleeps and then waits for each client to disconnect.
        for listener in self.servers:
            listener.close()
        for bound in sockets or []:
            bound.close()
        self._connections.reset_all()
        running = set(self.server_state.tasks)
        if running:
            _, stuck = await asyncio.wait(running, timeout=_STOP_SECONDS)
            for task in stuck:
                task.cancel()


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener
