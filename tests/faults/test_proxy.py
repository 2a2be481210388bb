"""The proxy does to connections what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.proxy import Direction, Proxy, proxy


@asynccontextmanager
async def echo() -> AsyncIterator[Proxy]:
    """A proxy before a server that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with proxy(server.sockets[0].getsockname()[1]) as made:
        yield made
    server.close()


@asynccontextmanager
async def connection(way: Proxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def arrives(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    assert await reader.readexactly(len(data)) == data


async def test_it_passes_everything_on() -> None:
    async with echo() as way, connection(way) as (reader, writer):
        await arrives(reader, writer, b"x" * 300_000)


async def test_a_connection_that_is_cut_ends_and_a_new_one_works() -> None:
    async with echo() as way:
        async with connection(way) as (reader, writer):
            await arrives(reader, writer, b"before")
            way.cut()
            assert await reader.read() == b""
        async with connection(way) as (reader, writer):
            await arrives(reader, writer, b"after")


@pytest.mark.parametrize("direction", list(Direction))
async def test_a_connection_is_cut_in_the_middle_of_its_bytes(direction: Direction) -> None:
    async with echo() as way, connection(way) as (reader, writer):
        await arrives(reader, writer, b"before")
        way.cut_after(10, direction)
        writer.write(b"x" * 100)
        assert len(await reader.read()) <= 10
        assert way.cuts == 1


async def test_swallowed_bytes_are_gone_while_the_connection_stays() -> None:
    async with echo() as way, connection(way) as (reader, writer):
        await arrives(reader, writer, b"before")
        way.dropped_directions.add(Direction.UP)
        writer.write(b"lost")
        await eventually(lambda: way.dropped_bytes == 4, "the bytes are swallowed")
        way.heal()
        await arrives(reader, writer, b"after")


async def test_it_refuses_new_connections_until_it_is_healed() -> None:
    async with echo() as way:
        way.refusing = True
        async with connection(way) as (reader, _):
            assert await reader.read() == b""
        way.heal()
        async with connection(way) as (reader, writer):
            await arrives(reader, writer, b"after")
