"""Generations a second with four `serve` processes, beside one, on the same RabbitMQ, PostgreSQL and `storage`."""

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
from benchmarks.generations import finished
from benchmarks.report import Row, compared
from tests.servers import postgresql, rabbitmq

PROCESSES = 4
ROUNDS = 3
LATENCY_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What is asked for at once, and how much of it each process does at once."""

    name: str
    pictures: int
    side: int
    at_once: int
    target: str


LOADS = (
    Load(name="bound by GetImg.AI, 4 at once each", pictures=32, side=64, at_once=4, target=">= 3"),
    Load(name="bound by this machine, 1024 x 1024", pictures=40, side=1024, at_once=100, target=""),
)


async def measure(folder: Path) -> list[Row]:
    """All figures, on a broker and a database of their own. The floor is one process in the same run."""
    with rabbitmq() as node, postgresql() as database:
        keeping = {"hub_url": node.url, "database_url": database, "blob_url": f"file://{folder}/blobs"}
        standin = servers.standin("--latency", str(LATENCY_SECONDS), "--variety", "1")
        async with standin as drawing, servers.storage_service(keeping):
            return [await _beside_one(load, folder, drawing.address, node.url) for load in LOADS]


async def _beside_one(load: Load, folder: Path, standin: str, hub: str) -> Row:
    series: dict[int, list[float]] = {PROCESSES: [], 1: []}
    for _ in range(ROUNDS):
        for count, rates in series.items():
            rates.append(await _rate(load, count, folder, standin, hub))
    name = f"{PROCESSES} processes, {load.name}: generations a second"
    return compared(name, series[PROCESSES], series[1], unit="/s", target=load.target)


async def _rate(load: Load, processes: int, folder: Path, standin: str, hub: str) -> float:
    """Generations a second, from the first request to the last picture."""
    async with AsyncExitStack() as stack:
        channels = []
        for number in range(processes):
            serving = servers.server(
                folder / str(number), standin, hub_url=hub, generation_concurrency=load.at_once
            )
            address = (await stack.enter_async_context(serving)).address
            channels.append(await stack.enter_async_context(grpc.aio.insecure_channel(address)))
        await asyncio.gather(*(finished(channel, _portrait(load)) for channel in channels))  # all are warm now
        started = time.perf_counter()
        spread = zip(range(load.pictures), itertools.cycle(channels), strict=False)
        states = await asyncio.gather(*(finished(channel, _portrait(load)) for _, channel in spread))
        seconds = time.perf_counter() - started
    assert set(states) == {GenerationState.GENERATION_STATE_SUCCEEDED}
    return load.pictures / seconds


def _portrait(load: Load) -> GeneratePortraitRequest:
    """One that nobody asked for before."""
    request = GeneratePortraitRequest(theme="fantasy", details=str(uuid.uuid4()))
    request.size.width = request.size.height = load.side
    return request
