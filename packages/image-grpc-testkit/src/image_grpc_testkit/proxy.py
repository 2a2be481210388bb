"""A TCP proxy in this process that injects network faults."""

import asyncio
import contextlib
import enum
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK_BYTES = 64 * 1024


class Direction(enum.Enum):
    """The direction in which bytes flow."""

    UP = "to the server"
    DOWN = "to the client"


class Proxy:
    """Forwards bytes between its clients and one server.

    Faults apply to existing and new connections until `heal`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self.server_port = port
        """The port that new connections lead to."""
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        """The loopback port that the proxy listens on."""
        self.delay = 0.0
        """Delay of every chunk of data, in seconds."""
        self.dropped_directions: set[Direction] = set()
        """Directions whose bytes are discarded while the connections stay open."""
        self.refusing = False
        """Whether new connections are closed at once."""
        self.cuts = 0
        """Number of connections that were cut so far."""
        self.dropped_bytes = 0
        """Number of bytes that were discarded so far."""

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
        """Abort all connections, including the data in flight."""
        for connection in list(self._connections):
            connection.cut()

    def cut_random(self, rng: random.Random) -> None:
        """Abort one randomly chosen connection, if there are any."""
        if self._connections:
            rng.choice(sorted(self._connections, key=id)).cut()

    def cut_after(self, count: int, direction: Direction) -> None:
        """Abort each open connection after it has forwarded `count` more bytes in this direction."""
        for connection in self._connections:
            connection.remaining[direction] = count

    def heal(self) -> None:
        """Forward everything again. Discarded bytes are lost."""
        self.delay, self.refusing = 0.0, False
        self.dropped_directions.clear()
        for connection in self._connections:
            connection.remaining.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(self._host, self.server_port)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(self, writer, server_writer)
        self._connections.add(connection)
        try:
            await connection.run(reader, server_reader)
        finally:
            self._connections.discard(connection)


class _Connection:
    """A client's connection and the matching connection to the server."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers = {Direction.UP: server, Direction.DOWN: client}
        self.remaining: dict[Direction, int] = {}
        """Number of bytes to forward in each direction before the connection is cut."""

    def cut(self) -> None:
        self._proxy.cuts += 1
        self._abort()

    def _abort(self) -> None:
        for writer in self._writers.values():
            writer.transport.abort()

    async def run(self, client: asyncio.StreamReader, server: asyncio.StreamReader) -> None:
        """Forward bytes until either side closes."""
        tasks = [
            asyncio.create_task(self._forward(client, Direction.UP)),
            asyncio.create_task(self._forward(server, Direction.DOWN)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._abort()

    async def _forward(self, reader: asyncio.StreamReader, direction: Direction) -> None:
        writer = self._writers[direction]
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                if direction in self._proxy.dropped_directions:
                    self._proxy.dropped_bytes += len(data)
                    continue
                remaining = self.remaining.get(direction)
                if remaining is not None and remaining < len(data):
                    writer.write(data[:remaining])
                    await writer.drain()
                    self.cut()
                    return
                if remaining is not None:
                    self.remaining[direction] = remaining - len(data)
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxy(port: int, host: str = "127.0.0.1") -> AsyncIterator[Proxy]:
    """Run a proxy in front of the server at this port within the block."""
    running = Proxy(host, port)
    await running.start()
    try:
        yield running
    finally:
        await running.close()
