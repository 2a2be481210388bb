"""The fault-injecting proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.proxy import Direction, Proxy, proxy


@asynccontextmanager
async def echo() -> AsyncIterator[Proxy]:
    """Run a proxy in front of a server that sends back what it receives."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy(server.sockets[0].getsockname()[1]) as running:
        yield running
    server.close()


@asynccontextmanager
async def connection(proxied: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxied.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def assert_echoed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    assert await reader.readexactly(len(data)) == data


async def test_all_bytes_are_forwarded() -> None:
    async with echo() as proxied, connection(proxied) as (reader, writer):
        await assert_echoed(reader, writer, b"x" * 300_000)


async def test_a_cut_ends_the_connection_but_new_ones_work() -> None:
    async with echo() as proxied:
        async with connection(proxied) as (reader, writer):
            await assert_echoed(reader, writer, b"before")
            proxied.cut()
            assert await reader.read() == b""
        async with connection(proxied) as (reader, writer):
            await assert_echoed(reader, writer, b"after")


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_connection_is_cut_after_a_number_of_bytes(direction: Direction) -> None:
    async with echo() as proxied, connection(proxied) as (reader, writer):
        await assert_echoed(reader, writer, b"before")
        proxied.cut_after(10, direction)
        writer.write(b"x" * 100)
        assert len(await reader.read()) <= 10
        assert proxied.cuts == 1


async def test_dropped_bytes_are_lost_while_the_connection_stays_open() -> None:
    async with echo() as proxied, connection(proxied) as (reader, writer):
        await assert_echoed(reader, writer, b"before")
        proxied.dropped_directions.add(Direction.UP)
        writer.write(b"lost")
        await eventually(lambda: proxied.dropped_bytes == 4, "the bytes are dropped")
        proxied.heal()
        await assert_echoed(reader, writer, b"after")


async def test_new_connections_are_refused_until_the_proxy_is_healed() -> None:
    async with echo() as proxied:
        proxied.refusing = True
        async with connection(proxied) as (reader, _):
            assert await reader.read() == b""
        proxied.heal()
        async with connection(proxied) as (reader, writer):
            await assert_echoed(reader, writer, b"after")
