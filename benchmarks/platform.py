"""Pictures per second of all processes on real servers, beside Dramatiq doing the bare work on the same servers."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import aio_pika
import grpc
from aio_pika.abc import AbstractIncomingMessage
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from benchmarks import servers
from benchmarks.machine import cpu_seconds
from benchmarks.peers import dramatiq_pictures
from benchmarks.report import Row, compared
from image_grpc.hub import topology
from image_grpc_testkit.servers.postgresql import Cluster, postgresql_cluster
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq

R = TypeVar("R")

LATENCY_SECONDS = 1.0
"""Simulated latency of GetImg.AI."""
ROUNDS = 2
BURST, LARGE_BURST = 200, 2000
TARGETS = {64: ">= 0.6", 1024: ">= 1.0"}
"""By side of the pictures: the ratio to Dramatiq."""
WAIT_SECONDS = 60
"""How long a call waits for its picture."""
COUNTED = 20
"""Pictures whose storage operations are counted."""
REFUSED_SECONDS = 1.0
"""Pause of a caller whose call was refused because too many are in progress."""


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database."""
    rows: list[Row] = []
    with rabbitmq() as node, postgresql_cluster() as cluster:
        async with servers.standin("--latency", str(LATENCY_SECONDS), "--variety", "1") as standin:
            for side, target in TARGETS.items():
                rows += await _compare(folder, node, cluster, standin.address, side, target)
    return rows


async def _compare(folder: Path, node: Node, cluster: Cluster, standin: str, side: int, target: str) -> list[Row]:
    ours, peer, parts = list[float](), list[float](), list[dict[str, float]]()
    for round_ in range(ROUNDS):
        async with _platform(folder / f"{side}-{round_}", node, cluster, standin) as platform:
            await platform.rate(8, side)  # warms up
            rate, cpu = await _with_cpu(platform.pids, partial(platform.rate, BURST, side))
            ours.append(rate)
            parts.append({part: seconds * 1000 / BURST for part, seconds in cpu.items()})
            if round_ == ROUNDS - 1:
                large = await platform.rate(LARGE_BURST, side)
                operations = await platform.operations_per_picture(side)
        async with dramatiq_pictures.running(node.url, cluster, standin, folder) as worker:
            await worker.rate(8, side)
            peer.append(await worker.rate(BURST, side))
    name = f"{side} x {side}"
    mean = {part: statistics.mean(each[part] for each in parts) for part in parts[0]}
    return [
        compared(f"{name}, {BURST} at once, pictures a second, beside Dramatiq", ours, peer, unit="/s", target=target),
        Row(
            name=f"  {LARGE_BURST} at once, beside {BURST} at once",
            ours=f"{large:.3g} /s",
            floor=f"{statistics.median(ours):.3g} /s",
            ratio=f"{large / statistics.median(ours):.2f}",
            target=">= 1",
        ),
        Row(name="  CPU of a picture by process", ours=", ".join(f"{part} {ms:.1f} ms" for part, ms in mean.items())),
        Row(
            name="  storage operations of a picture",
            ours=", ".join(f"{count / COUNTED:g} {name}" for name, count in sorted(operations.items())),
            target="<= 5",
        ),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """A running `serve` and `storage`."""

    hub_url: str
    channel: grpc.aio.Channel
    pids: dict[str, int]
    """The processes by part."""

    async def rate(self, count: int, side: int) -> float:
        """Request pictures at once and return how many were made per second, until the last one."""
        started = time.perf_counter()
        await asyncio.gather(*(self._make(side) for _ in range(count)))
        return count / (time.perf_counter() - started)

    async def operations_per_picture(self, side: int) -> Counter[str]:
        """Return the number of storage operations of COUNTED pictures by name."""
        counts: Counter[str] = Counter()

        async def count(message: AbstractIncomingMessage) -> None:
            counts[(message.routing_key or "").rpartition(".")[2]] += 1

        async with await aio_pika.connect(self.hub_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(topology.REQUESTS, "image.storage.*")
            await queue.consume(count, no_ack=True)
            for _ in range(COUNTED):
                await self._make(side)
        return counts

    async def _make(self, side: int) -> None:
        stub = GenerationServiceStub(self.channel)
        request = GeneratePortraitRequest(theme="fantasy", details=str(uuid.uuid4()), request_id=str(uuid.uuid4()))
        request.size.width = request.size.height = side
        request.wait_for.seconds = WAIT_SECONDS
        generation = (await _repeat_refused(lambda: stub.GeneratePortrait(request, timeout=600))).generation
        wait = WaitGenerationRequest(generation_id=generation.id)
        while generation.state < GenerationState.GENERATION_STATE_SUCCEEDED:
            generation = (await _repeat_refused(lambda: stub.WaitGeneration(wait, timeout=600))).generation
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED, generation


@asynccontextmanager
async def _platform(folder: Path, node: Node, cluster: Cluster, standin: str) -> AsyncIterator[Platform]:
    settings = {"hub_url": node.url, "database_url": cluster.url, "blob_url": f"file://{folder}/blobs"}
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(servers.storage_service(settings))
        server = await stack.enter_async_context(servers.server(folder, standin, hub_url=node.url))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        yield Platform(
            hub_url=node.url,
            channel=channel,
            pids={
                "serve": server.pid,
                "storage": storage.pid,
                "RabbitMQ": node.pid,
                "PostgreSQL": cluster.pid,
                "the client": os.getpid(),
            },
        )


async def _with_cpu(pids: dict[str, int], call: Callable[[], Awaitable[float]]) -> tuple[float, dict[str, float]]:
    """Return the result of a call, and the CPU seconds of each process meanwhile."""
    before = {part: cpu_seconds(pid, descendants=pid != os.getpid()) for part, pid in pids.items()}
    result = await call()
    return result, {part: cpu_seconds(pid, descendants=pid != os.getpid()) - before[part] for part, pid in pids.items()}


async def _repeat_refused(call: Callable[[], Awaitable[R]]) -> R:
    """Return the result of a call, which is repeated while too many others are in progress."""
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
        await asyncio.sleep(REFUSED_SECONDS)
