"""An HTTP server on loopback that says exactly what a test wants, also what no honest server would say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.contracts.patience import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Drip:
    """An answer that begins, and then goes on byte by byte for ever."""

    head: bytes

    async def send(self, writer: asyncio.StreamWriter) -> None:
        """Sends it until the client hangs up."""
        writer.write(self.head)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)


@dataclass(slots=True)
class Canned:
    """A server that listens."""

    url: str
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""


@asynccontextmanager
async def canned(answers: bytes | Drip | Mapping[str, bytes | Drip]) -> AsyncIterator[Canned]:
    """Answers a request by the beginning of its path, or all alike, and hangs up."""
    server = Canned("")
    by_path = {"": answers} if isinstance(answers, bytes | Drip) else answers
    under_way: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        server.asked.append(path)
        wanted = next(each for start, each in by_path.items() if path.startswith(start))
        if isinstance(wanted, bytes):
            writer.write(wanted)
            await writer.drain()
        else:
            await wanted.send(writer)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                await answer(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    listener = await asyncio.start_server(connection, "127.0.0.1", 0)
    async with listener:
        host, port = listener.sockets[0].getsockname()[:2]
        server.url = f"http://{host}:{port}"
        yield server
    await asyncio.wait_for(asyncio.gather(*under_way), PATIENCE_SECONDS)


def response(body: bytes = b"", status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP response."""
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
