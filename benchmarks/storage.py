"""Storage through RabbitMQ and PostgreSQL, beside bare aio-pika moving the same bytes."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme

from benchmarks import servers
from benchmarks.report import Row, compared
from image_grpc.hub.amqp import AmqpHub
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.rabbitmq import rabbitmq

ROUNDS = 9
CALLS = 60
BLOB_BYTES = 5_000_000
PART_BYTES = 1024 * 1024


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database."""
    with rabbitmq() as node, postgresql() as database:
        settings = {"hub_url": node.url, "database_url": database, "blob_url": f"file://{folder}/blobs"}
        async with servers.storage_service(settings):
            hub = AmqpHub(node.url)
            await hub.start()
            client = ImageStorageClient(hub, Telemetry(), timeout=30)
            try:
                async with bare_requester(node.url) as floor:
                    return [*await _metadata(client, floor), *await _blobs(client, floor), await _bulk(client)]
            finally:
                await hub.close()


class BareRequester:
    """Sends requests to `bare_consumer`, which replies with as many bytes as they ask for."""

    def __init__(self, channel: AbstractChannel, reply_to: str) -> None:
        self._channel, self._reply_to = channel, reply_to
        self._pending: dict[str | None, asyncio.Future[bytes]] = {}

    async def handle_reply(self, message: AbstractIncomingMessage) -> None:
        """Finish the request that the message replies to."""
        self._pending[message.correlation_id].set_result(message.body)

    async def request(self, body: bytes, reply_bytes: int) -> bytes:
        """Send a request and return its reply."""
        id_ = uuid.uuid4().hex
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[id_] = reply
        message = aio_pika.Message(
            body, correlation_id=id_, reply_to=self._reply_to, headers={"reply_bytes": reply_bytes}
        )
        await self._channel.default_exchange.publish(message, "bare")
        try:
            return await reply
        finally:
            del self._pending[id_]


@asynccontextmanager
async def bare_requester(hub_url: str) -> AsyncIterator[BareRequester]:
    """A requester in this process, and the consumer in another."""
    arguments = ("-m", "benchmarks.bare_consumer", hub_url)
    async with servers.running(arguments, r"(consumes)", {}), await aio_pika.connect(hub_url) as connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        requester = BareRequester(channel, replies.name)
        await replies.consume(requester.handle_reply, no_ack=True)
        yield requester


async def _metadata(client: ImageStorageClient, floor: BareRequester) -> list[Row]:
    theme = Theme(name="bench", description="d" * 900)
    stored = await store_one(client.themes, client.themes.put(theme))
    size = stored.ByteSize() + 100
    series: dict[str, tuple[list[float], list[float]]] = {"store": ([], []), "retrieve": ([], [])}
    for _ in range(ROUNDS):
        series["store"][0].append(await _mean_milliseconds(lambda: store_one(client.themes, client.themes.put(theme))))
        series["store"][1].append(await _mean_milliseconds(lambda: floor.request(os.urandom(size), size)))
        series["retrieve"][0].append(await _mean_milliseconds(lambda: client.themes.retrieve("bench")))
        series["retrieve"][1].append(await _mean_milliseconds(lambda: floor.request(os.urandom(100), size)))
    return [
        compared(f"metadata {name}, 1 kB", *both, unit="ms", target="<= 1.5, < 100 ms") for name, both in series.items()
    ]


async def _blobs(client: ImageStorageClient, floor: BareRequester) -> list[Row]:
    puts: tuple[list[float], list[float]] = ([], [])
    reads: tuple[list[float], list[float]] = ([], [])
    part_sizes = [min(PART_BYTES, BLOB_BYTES - offset) for offset in range(0, BLOB_BYTES, PART_BYTES)]
    for _ in range(ROUNDS):
        data = os.urandom(BLOB_BYTES)
        puts[0].append(await _throughput(partial(client.blobs.put, data)))
        puts[1].append(await _throughput(lambda: _all(floor.request(os.urandom(size), 10) for size in part_sizes)))
    sha256 = await _store_blob(client, data)
    for _ in range(ROUNDS):
        reads[0].append(await _throughput(lambda: client.blobs.read_all(sha256, BLOB_BYTES)))
        reads[1].append(await _throughput(lambda: _all(floor.request(b"", size) for size in part_sizes)))
    return [
        compared("5 MB put in parts", *puts, unit="MB/s", target=">= 0.6, < 1 s"),
        compared("5 MB read in parts", *reads, unit="MB/s", target=">= 0.6, < 1 s"),
    ]


async def _store_blob(client: ImageStorageClient, data: bytes) -> str:
    sha256 = await client.blobs.put(data)
    image = Image(id=str(uuid.uuid4()))
    image.content.sha256, image.content.byte_size = sha256, len(data)
    await store_one(client.images, client.images.put(image))
    return sha256


async def _bulk(client: ImageStorageClient) -> Row:
    one, hundred = [], []
    for number in range(ROUNDS):
        themes = [Theme(name=f"bulk_{number}_{index}", description="d" * 900) for index in range(100)]
        hundred.append(await _milliseconds(partial(_store_together, client, themes)))
        put = client.themes.put(Theme(name="one", description="d" * 900))
        one.append(await _mean_milliseconds(partial(store_one, client.themes, put)))
    return compared("100 records in one store, beside one", hundred, one, unit="ms", target="<= 10, < 5 s")


async def _store_together(client: ImageStorageClient, themes: Sequence[Theme]) -> None:
    await client.store([client.themes.put(theme) for theme in themes])


async def _all(calls: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*calls)


async def _mean_milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    """Return the mean duration of CALLS sequential calls."""
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS * 1000


async def _milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000


async def _throughput(call: Callable[[], Awaitable[object]]) -> float:
    """Return the megabytes per second of a call that moves BLOB_BYTES."""
    started = time.perf_counter()
    await call()
    return BLOB_BYTES / (time.perf_counter() - started) / 1e6
