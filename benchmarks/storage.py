"""Storage through RabbitMQ and PostgreSQL, beside bare aio-pika moving the same bytes."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme

from benchmarks import servers
from benchmarks.report import Row, compared
from image_grpc.hub.amqp import AmqpHub
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry
from tests.servers import postgresql, rabbitmq

ROUNDS = 9
CALLS = 60
BLOB_BYTES = 5_000_000
PART_BYTES = 1024 * 1024


async def measure(folder: Path) -> list[Row]:
    """All figures, on a broker and a database of their own."""
    with rabbitmq() as node, postgresql() as database:
        settings = {"hub_url": node.url, "database_url": database, "blob_url": f"file://{folder}/blobs"}
        async with servers.storage_service(settings):
            hub = AmqpHub(node.url)
            await hub.start()
            client = ImageStorageClient(hub, Telemetry(), timeout=30)
            try:
                async with bare(node.url) as floor:
                    return [*await _metadata(client, floor), *await _blobs(client, floor), await _bulk(client)]
            finally:
                await hub.close()


class Bare:
    """Request and reply with nothing around them: the consumer answers with as many bytes as it is told."""

    def __init__(self, channel: Any, replies: str) -> None:
        self._channel, self._replies = channel, replies
        self.waiting: dict[str, asyncio.Future[bytes]] = {}

    async def ask(self, request: bytes, reply_bytes: int) -> bytes:
        """Sends a request, awaits its reply."""
        token = uuid.uuid4().hex
        reply = self.waiting[token] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            request, correlation_id=token, reply_to=self._replies, headers={"reply_bytes": reply_bytes}
        )
        await self._channel.default_exchange.publish(message, "bare")
        try:
            return await reply
        finally:
            del self.waiting[token]


@asynccontextmanager
async def bare(url: str) -> AsyncIterator[Bare]:
    """A consumer in a process of its own, and a requester here."""
    arguments = ("-m", "benchmarks.bare_consumer", url)
    async with servers.running(arguments, r"(consumes)", {}), await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        requester = Bare(channel, replies.name)

        async def take(message: Any) -> None:
            requester.waiting[message.correlation_id].set_result(message.body)

        await replies.consume(take, no_ack=True)
        yield requester


async def _metadata(client: ImageStorageClient, floor: Bare) -> list[Row]:
    theme = Theme(name="bench", description="d" * 900)
    stored = await client.themes.store(theme)
    size = stored.ByteSize() + 100
    series: dict[str, tuple[list[float], list[float]]] = {"store": ([], []), "retrieve": ([], [])}
    for _ in range(ROUNDS):
        series["store"][0].append(await _milliseconds(lambda: client.themes.store(theme)))
        series["store"][1].append(await _milliseconds(lambda: floor.ask(os.urandom(size), size)))
        series["retrieve"][0].append(await _milliseconds(lambda: client.themes.retrieve("bench")))
        series["retrieve"][1].append(await _milliseconds(lambda: floor.ask(os.urandom(100), size)))
    return [
        compared(f"metadata {name}, 1 kB", *both, unit="ms", target="<= 1.5, < 100 ms")
        for name, both in series.items()
    ]


async def _blobs(client: ImageStorageClient, floor: Bare) -> list[Row]:
    puts: tuple[list[float], list[float]] = ([], [])
    reads: tuple[list[float], list[float]] = ([], [])
    parts = [min(PART_BYTES, BLOB_BYTES - at) for at in range(0, BLOB_BYTES, PART_BYTES)]
    for _ in range(ROUNDS):
        data = os.urandom(BLOB_BYTES)
        puts[0].append(await _speed(lambda data=data: client.blobs.put(data)))  # type: ignore[misc]
        puts[1].append(await _speed(lambda: _all(floor.ask(os.urandom(size), 10) for size in parts)))
    sha256 = await _stored_blob(client, data)
    for _ in range(ROUNDS):
        reads[0].append(await _speed(lambda: client.blobs.read_all(sha256, BLOB_BYTES)))
        reads[1].append(await _speed(lambda: _all(floor.ask(b"", size) for size in parts)))
    return [
        compared("5 MB put in parts", *puts, unit="MB/s", target=">= 0.6, < 1 s"),
        compared("5 MB read in parts", *reads, unit="MB/s", target=">= 0.6, < 1 s"),
    ]


async def _stored_blob(client: ImageStorageClient, data: bytes) -> str:
    sha256 = await client.blobs.put(data)
    image = Image(id=str(uuid.uuid4()))
    image.content.sha256, image.content.byte_size = sha256, len(data)
    await client.images.store(image)
    return sha256


async def _bulk(client: ImageStorageClient) -> Row:
    one, hundred = [], []
    for number in range(ROUNDS):
        themes = [Theme(name=f"bulk_{number}_{each}", description="d" * 900) for each in range(100)]
        hundred.append(await _once(lambda themes=themes: client.store([client.themes.put(t) for t in themes])))  # type: ignore[misc]
        one.append(await _milliseconds(lambda: client.themes.store(Theme(name="one", description="d" * 900))))
    return compared("100 records in one store, beside one", hundred, one, unit="ms", target="<= 10, < 5 s")


async def _all(calls: Any) -> None:
    await asyncio.gather(*calls)


async def _milliseconds(call: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS * 1000


async def _once(call: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000


async def _speed(call: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await call()
    return BLOB_BYTES / (time.perf_counter() - started) / 1e6
