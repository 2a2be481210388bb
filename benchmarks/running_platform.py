"""The platform on real servers: `serve` and `storage` processes on one RabbitMQ and one PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aio_pika
import grpc
from aio_pika.abc import AbstractIncomingMessage
from google.rpc import error_details_pb2, status_pb2
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from benchmarks import servers
from benchmarks.machine import cpu_seconds
from image_grpc.hub import topology
from image_grpc_testkit.servers.postgresql import Cluster
from image_grpc_testkit.servers.rabbitmq import Node

R = TypeVar("R")

WAIT_SECONDS = 60
"""How long a call waits for its picture."""


@dataclass(kw_only=True, slots=True)
class Platform:
    """Running processes."""

    hub_url: str
    channels: list[grpc.aio.Channel]
    """One for each `serve`."""
    pids: dict[str, list[int]]
    """The processes by part."""
    refused_calls: int = 0
    """Calls so far that were refused while too many others were in progress."""

    async def rate(self, count: int, side: int) -> float:
        """Request pictures at once and return how many were made per second, until the last one."""
        started = time.perf_counter()
        channels = itertools.islice(itertools.cycle(self.channels), count)
        await asyncio.gather(*(self._make(channel, side) for channel in channels))
        return count / (time.perf_counter() - started)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time of each part so far."""
        return {
            part: sum(cpu_seconds(pid, descendants=pid != os.getpid()) for pid in pids)
            for part, pids in self.pids.items()
        }

    async def operations_per_picture(self, count: int, side: int) -> Counter[str]:
        """Make pictures one after the other, and return the number of storage operations by name."""
        counts: Counter[str] = Counter()

        async def handle(message: AbstractIncomingMessage) -> None:
            counts[(message.routing_key or "").rpartition(".")[2]] += 1

        async with await aio_pika.connect(self.hub_url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(topology.REQUESTS, "image.storage.*")
            await queue.consume(handle, no_ack=True)
            for _ in range(count):
                await self._make(self.channels[0], side)
        return counts

    async def _make(self, channel: grpc.aio.Channel, side: int) -> None:
        """Generate a picture that differs from all others."""
        stub = GenerationServiceStub(channel)
        request = GeneratePortraitRequest(theme="fantasy", details=str(uuid.uuid4()), request_id=str(uuid.uuid4()))
        request.size.width = request.size.height = side
        request.wait_for.seconds = WAIT_SECONDS
        generation = (await self._repeat_refused(lambda: stub.GeneratePortrait(request, timeout=600))).generation
        wait = WaitGenerationRequest(generation_id=generation.id)
        while generation.state < GenerationState.GENERATION_STATE_SUCCEEDED:
            generation = (await self._repeat_refused(lambda: stub.WaitGeneration(wait, timeout=600))).generation
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED, generation

    async def _repeat_refused(self, call: Callable[[], Awaitable[R]]) -> R:
        """Return the result of a call, which is repeated while too many others are in progress."""
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                self.refused_calls += 1
                delay = _retry_seconds(error)
            await asyncio.sleep(delay * random.uniform(1, 1.1))


@asynccontextmanager
async def running(
    folder: Path, node: Node, cluster: Cluster, standin: str, *, count: int = 1
) -> AsyncIterator[Platform]:
    """Run `count` processes of `serve` and as many of `storage`."""
    settings = {"hub_url": node.url, "database_url": cluster.url, "blob_url": f"file://{folder}/blobs"}
    async with AsyncExitStack() as stack:
        storages, serves, channels = [], [], []
        for number in range(count):
            storages.append(await stack.enter_async_context(servers.storage_service(settings)))
            server = servers.server(folder / str(number), standin, hub_url=node.url)
            serves.append(await stack.enter_async_context(server))
            channels.append(await stack.enter_async_context(grpc.aio.insecure_channel(serves[-1].address)))
        yield Platform(
            hub_url=node.url,
            channels=channels,
            pids={
                "serve": [process.pid for process in serves],
                "storage": [process.pid for process in storages],
                "RabbitMQ": [node.pid],
                "PostgreSQL": [cluster.pid],
                "the client": [os.getpid()],
            },
        )


def _retry_seconds(error: grpc.aio.AioRpcError) -> float:
    """Return the delay that the server asks for."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"])
    retry = error_details_pb2.RetryInfo()
    assert any(each.Unpack(retry) for each in status.details)
    return float(retry.retry_delay.ToTimedelta().total_seconds())
