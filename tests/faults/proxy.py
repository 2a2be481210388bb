"""A TCP proxy in this process that does to connections what networks do."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK_BYTES = 64 * 1024


class Direction(enum.Enum):
    """Where bytes flow."""

    UP = "to the server"
    DOWN = "to the client"


class Proxy:
    """Passes bytes on between its clients and one server, until it is told to do otherwise. What it is told holds
    for the connections that are there and for those that come, until `heal`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._server_port = host, port
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        """Where it listens on the loopback."""
        self.delay = 0.0
        """Seconds that every piece of data is held back."""
        self.swallowed: set[Direction] = set()
        """Bytes of these directions vanish, while the connections stay open."""
        self.refusing = False
        """Whether new connections are closed at once."""
        self.cuts = 0
        """Connections that were cut so far."""
        self.vanished = 0
        """Bytes that were swallowed so far."""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self.refusing = True
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Ends all connections, and what is on its way in them is gone."""
        for connection in list(self._connections):
            connection.cut()

    def cut_one(self, choice: random.Random) -> None:
        """Ends one of the connections, if there are any."""
        if self._connections:
            choice.choice(sorted(self._connections, key=id)).cut()

    def cut_after(self, count: int, direction: Direction) -> None:
        """Ends each connection that is open once so many more bytes have passed in this direction: the bytes
        before arrive, those after do not."""
        for connection in self._connections:
            connection.left[direction] = count

    def heal(self) -> None:
        """Passes everything on again. What was swallowed is gone."""
        self.delay, self.refusing = 0.0, False
        self.swallowed.clear()
        for connection in self._connections:
            connection.left.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection(self._host, self._server_port)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(self, writer, there[1])
        self._connections.add(connection)
        try:
            await connection.run(reader, there[0])
        finally:
            self._connections.discard(connection)


class _Connection:
    """One client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers = {Direction.UP: server, Direction.DOWN: client}
        self.left: dict[Direction, int] = {}
        """Bytes that may pass before it is cut."""

    def cut(self) -> None:
        self._proxy.cuts += 1
        self._end()

    def _end(self) -> None:
        for writer in self._writers.values():
            writer.transport.abort()

    async def run(self, client: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Passes bytes on until either side closes."""
        ways = [
            asyncio.create_task(self._pass_on(client, Direction.UP)),
            asyncio.create_task(self._pass_on(server, Direction.DOWN)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._end()

    async def _pass_on(self, reader: asyncio.StreamReader, direction: Direction) -> None:
        writer = self._writers[direction]
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                if direction in self._proxy.swallowed:
                    self._proxy.vanished += len(data)
                    continue
                left = self.left.get(direction)
                if left is not None and left < len(data):
                    writer.write(data[:left])
                    await writer.drain()
                    self.cut()
                    return
                if left is not None:
                    self.left[direction] = left - len(data)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxy(port: int, host: str = "127.0.0.1") -> AsyncIterator[Proxy]:
    """A proxy before the server at this port."""
    made = Proxy(host, port)
    await made.start()
    try:
        yield made
    finally:
        await made.close()
