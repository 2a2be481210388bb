"""An HTTP server on loopback that sends scripted responses, including invalid ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from image_grpc_testkit.eventually import MAX_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class EndlessResponse:
    """A response that starts with `head` and then continues byte by byte forever."""

    head: bytes

    async def send(self, writer: asyncio.StreamWriter) -> None:
        """Send until the client disconnects."""
        writer.write(self.head)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class ScriptedServer:
    url: str = ""
    requested_paths: list[str] = field(default_factory=list)


@asynccontextmanager
async def scripted_server(
    responses: bytes | EndlessResponse | Mapping[str, bytes | EndlessResponse],
) -> AsyncIterator[ScriptedServer]:
    """Serve one response for all requests, or one per path prefix. The connection is closed after each."""
    server = ScriptedServer()
    by_prefix = {"": responses} if isinstance(responses, bytes | EndlessResponse) else responses
    connections: set[asyncio.Task[None]] = set()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        server.requested_paths.append(path)
        scripted = next(response for prefix, response in by_prefix.items() if path.startswith(prefix))
        if isinstance(scripted, bytes):
            writer.write(scripted)
            await writer.drain()
        else:
            await scripted.send(writer)

    async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await respond(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    listener = await asyncio.start_server(handle_connection, "127.0.0.1", 0)
    async with listener:
        host, port = listener.sockets[0].getsockname()[:2]
        server.url = f"http://{host}:{port}"
        yield server
    await asyncio.wait_for(asyncio.gather(*connections), MAX_WAIT_SECONDS)


def response(body: bytes = b"", status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """Return a complete HTTP response."""
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
