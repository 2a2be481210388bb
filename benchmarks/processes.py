"""Generations per second with four `serve` processes, beside one, on the same RabbitMQ and storage."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest

from benchmarks import servers
from benchmarks.generations import run_generation
from benchmarks.report import Row, compared
from image_grpc_testkit.servers.postgresql import postgresql
from image_grpc_testkit.servers.rabbitmq import rabbitmq

PROCESSES = 4
ROUNDS = 3
LATENCY_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Generations that are requested together, and how many of them each process runs at once."""

    name: str
    generations: int
    side: int
    concurrency: int
    target: str


LOADS = (
    Load(name="bound by GetImg.AI, 4 at once each", generations=32, side=64, concurrency=4, target=">= 3"),
    Load(name="bound by this machine, 1024 x 1024", generations=40, side=1024, concurrency=100, target=""),
)


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database. The floor is one process in the same run."""
    with rabbitmq() as node, postgresql() as database:
        settings = {"hub_url": node.url, "database_url": database, "blob_url": f"file://{folder}/blobs"}
        options = ("--latency", str(LATENCY_SECONDS), "--variety", "1")
        async with servers.standin(*options) as standin, servers.storage_service(settings):
            return [await _compare_with_one(load, folder, standin.address, node.url) for load in LOADS]


async def _compare_with_one(load: Load, folder: Path, standin: str, hub: str) -> Row:
    series: dict[int, list[float]] = {PROCESSES: [], 1: []}
    for _ in range(ROUNDS):
        for count, rates in series.items():
            rates.append(await _rate(load, count, folder, standin, hub))
    name = f"{PROCESSES} processes, {load.name}: generations a second"
    return compared(name, series[PROCESSES], series[1], unit="/s", target=load.target)


async def _rate(load: Load, processes: int, folder: Path, standin: str, hub: str) -> float:
    """Return generations per second, from the first request to the last picture."""
    async with AsyncExitStack() as stack:
        channels = []
        for number in range(processes):
            server = servers.server(folder / str(number), standin, hub_url=hub, generation_concurrency=load.concurrency)
            address = (await stack.enter_async_context(server)).address
            channels.append(await stack.enter_async_context(grpc.aio.insecure_channel(address)))
        await asyncio.gather(
            *(run_generation(channel, _portrait(load)) for channel in channels)
        )  # warms up all processes
        started = time.perf_counter()
        assignments = zip(range(load.generations), itertools.cycle(channels), strict=False)
        states = await asyncio.gather(*(run_generation(channel, _portrait(load)) for _, channel in assignments))
        seconds = time.perf_counter() - started
    assert set(states) == {GenerationState.GENERATION_STATE_SUCCEEDED}
    return load.generations / seconds


def _portrait(load: Load) -> GeneratePortraitRequest:
    """Return a request that differs from all others."""
    request = GeneratePortraitRequest(theme="fantasy", details=str(uuid.uuid4()))
    request.size.width = request.size.height = load.side
    return request
