"""Storage through RabbitMQ and PostgreSQL, beside bare aio-pika and psycopg moving the same bytes.

The servers and the database are the same for both. PostgreSQL does not wait for the disk, which would hide what is
compared.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme

from benchmarks import servers
from benchmarks.bare_requester import BareRequester, bare_requester
from benchmarks.machine import cpu_seconds
from benchmarks.report import Row, compared
from image_grpc.hub.amqp import AmqpHub
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.collections import store_one
from image_grpc_testkit.servers.postgresql import postgresql_cluster
from image_grpc_testkit.servers.rabbitmq import rabbitmq

ROUNDS = 9
CALLS = 60
BLOB_BYTES = 5_000_000
PART_BYTES = 1024 * 1024

Call = Callable[[], Awaitable[object]]


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database."""
    with rabbitmq() as node, postgresql_cluster() as cluster:
        settings = {"hub_url": node.url, "database_url": cluster.url, "blob_url": f"file://{folder}/blobs"}
        async with servers.storage_service(settings) as service:
            hub = AmqpHub(node.url)
            await hub.start()
            client = ImageStorageClient(hub, Telemetry(), timeout=30)
            try:
                async with bare_requester(node.url, cluster.libpq_url) as floor:
                    rows = await _metadata(client, floor, service.pid)
                    return [*rows, *await _blobs(client, floor), await _bulk(client)]
            finally:
                await hub.close()


class Operation:
    """An operation of the Storage Service and its floor: their durations and their CPU time, measured alternately."""

    def __init__(self, name: str, ours: Call, floor: Call) -> None:
        self.name, self._ours, self._floor = name, ours, floor
        self.milliseconds: tuple[list[float], list[float]] = ([], [])
        self._cpu: tuple[list[float], list[float]] = ([0.0, 0.0], [0.0, 0.0])

    async def measure(self, service_pid: int, consumer_pid: int) -> None:
        """Measure CALLS sequential calls of each."""
        for call, pid, milliseconds, cpu in zip(
            (self._ours, self._floor), (service_pid, consumer_pid), self.milliseconds, self._cpu, strict=True
        ):
            before = _cpu_of(pid)
            milliseconds.append(await _mean_milliseconds(call))
            for index, (end, start) in enumerate(zip(_cpu_of(pid), before, strict=True)):
                cpu[index] += (end - start) * 1000 / CALLS / ROUNDS

    def rows(self) -> list[Row]:
        """Return the rows for what was measured."""
        ours, floor = ("{:.2f} ms; {:.2f} ms".format(*cpu) for cpu in self._cpu)
        return [
            compared(f"metadata {self.name}, 1 kB", *self.milliseconds, unit="ms", target="<= 1.5, < 100 ms"),
            Row(name=f"  CPU of a {self.name}: service; caller", ours=ours, floor=floor),
        ]


async def _metadata(client: ImageStorageClient, floor: BareRequester, service_pid: int) -> list[Row]:
    theme = Theme(name="bench", description="d" * 900)
    stored = await store_one(client.themes, client.themes.put(theme))
    size = stored.ByteSize() + 100
    key = await floor.insert(os.urandom(size))
    operations = [
        Operation(
            "store", lambda: store_one(client.themes, client.themes.put(theme)), lambda: floor.insert(os.urandom(size))
        ),
        Operation("retrieve", lambda: client.themes.retrieve("bench"), lambda: floor.select(key)),
    ]
    for _ in range(ROUNDS):
        for operation in operations:
            await operation.measure(service_pid, floor.consumer_pid)
    return [row for operation in operations for row in operation.rows()]


def _cpu_of(pid: int) -> tuple[float, float]:
    """Return the CPU seconds so far of a process, and of this one."""
    return cpu_seconds(pid), cpu_seconds(os.getpid(), descendants=False)


async def _blobs(client: ImageStorageClient, floor: BareRequester) -> list[Row]:
    puts: tuple[list[float], list[float]] = ([], [])
    reads: tuple[list[float], list[float]] = ([], [])
    part_sizes = [min(PART_BYTES, BLOB_BYTES - offset) for offset in range(0, BLOB_BYTES, PART_BYTES)]
    for _ in range(ROUNDS):
        data = os.urandom(BLOB_BYTES)
        puts[0].append(await _throughput(partial(client.blobs.put, data)))
        puts[1].append(await _throughput(lambda: _all(floor.exchange(os.urandom(size), 10) for size in part_sizes)))
    sha256 = await _store_blob(client, data)
    for _ in range(ROUNDS):
        reads[0].append(await _throughput(lambda: client.blobs.read_all(sha256, BLOB_BYTES)))
        reads[1].append(await _throughput(lambda: _all(floor.exchange(b"", size) for size in part_sizes)))
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


async def _mean_milliseconds(call: Call) -> float:
    """Return the mean duration of CALLS sequential calls."""
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS * 1000


async def _milliseconds(call: Call) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000


async def _throughput(call: Call) -> float:
    """Return the megabytes per second of a call that moves BLOB_BYTES."""
    started = time.perf_counter()
    await call()
    return BLOB_BYTES / (time.perf_counter() - started) / 1e6
