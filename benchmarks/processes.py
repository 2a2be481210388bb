"""Pictures per second with several processes, beside one, on the same RabbitMQ and PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import grpc
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest

from benchmarks import running_platform, servers
from benchmarks.generations import run_generation
from benchmarks.report import Row, compared
from image_grpc_testkit.servers.postgresql import Cluster, postgresql_cluster
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq

PROCESSES = 4
GENERATIONS, CONCURRENCY = 32, 4
"""Generations that are requested together, and how many of them each process runs at once."""
LATENCY_SECONDS, LOW_LATENCY_SECONDS = 1.0, 0.2
"""Simulated latency of GetImg.AI, if it is the bound and if the machine is."""
ROUNDS = 2
PLATFORM_SIZES = (2, 1)
"""Processes of `serve`, and of `storage`."""
BURST = 200
SIDE = 64


async def measure(folder: Path) -> list[Row]:
    """Measure with a new broker and database. The floor is one process in the same run."""
    with rabbitmq() as node, postgresql_cluster() as cluster:
        settings = {"hub_url": node.url, "database_url": cluster.url, "blob_url": f"file://{folder}/blobs"}
        async with _standin(LATENCY_SECONDS) as standin, servers.storage_service(settings):
            serves = await _bound_by_getimg(folder, standin.address, node.url)
        async with _standin(LOW_LATENCY_SECONDS) as standin:
            return [serves, *await _bound_by_machine(folder, node, cluster, standin.address)]


def _standin(latency: float) -> AbstractAsyncContextManager[servers.Process]:
    return servers.standin("--latency", str(latency), "--variety", "1")


async def _bound_by_getimg(folder: Path, standin: str, hub: str) -> Row:
    """Compare several `serve` processes with one, each of which waits for GetImg.AI most of the time."""
    series: dict[int, list[float]] = {PROCESSES: [], 1: []}
    for _ in range(ROUNDS):
        for count, rates in series.items():
            rates.append(await _rate(count, folder, standin, hub))
    name = f"{PROCESSES} serve beside 1, bound by GetImg.AI, {CONCURRENCY} at once each: generations a second"
    return compared(name, series[PROCESSES], series[1], unit="/s", target=">= 3")


async def _rate(processes: int, folder: Path, standin: str, hub: str) -> float:
    """Return generations per second, from the first request to the last picture."""
    async with AsyncExitStack() as stack:
        channels = []
        for number in range(processes):
            server = servers.server(folder / str(number), standin, hub_url=hub, generation_concurrency=CONCURRENCY)
            address = (await stack.enter_async_context(server)).address
            channels.append(await stack.enter_async_context(grpc.aio.insecure_channel(address)))
        await asyncio.gather(*(run_generation(channel, _portrait()) for channel in channels))  # warms up all processes
        started = time.perf_counter()
        assignments = itertools.islice(itertools.cycle(channels), GENERATIONS)
        states = await asyncio.gather(*(run_generation(channel, _portrait()) for channel in assignments))
        seconds = time.perf_counter() - started
    assert set(states) == {GenerationState.GENERATION_STATE_SUCCEEDED}
    return GENERATIONS / seconds


async def _bound_by_machine(folder: Path, node: Node, cluster: Cluster, standin: str) -> list[Row]:
    """Compare two platforms on one machine: more processes help up to its number of cores."""
    series: dict[int, list[float]] = {count: [] for count in PLATFORM_SIZES}
    cpu: dict[int, list[float]] = {count: [] for count in PLATFORM_SIZES}
    for round_ in range(ROUNDS):
        for count, rates in series.items():
            data = folder / f"platform-{round_}-{count}"
            async with running_platform.running(data, node, cluster, standin, count=count) as platform:
                await platform.rate(8 * count, SIDE)  # warms up
                before = platform.cpu_seconds()
                rates.append(await platform.rate(BURST, SIDE))
                after = platform.cpu_seconds()
                cpu[count].append(sum(after[part] - before[part] for part in ("serve", "storage")) * 1000 / BURST)
    two, one = PLATFORM_SIZES
    name = f"{two} serve and {two} storage beside {one} of each, {SIDE} x {SIDE}, {BURST} at once: pictures a second"
    return [
        compared(name, series[two], series[one], unit="/s", target=""),
        compared("  CPU of our processes per picture", cpu[two], cpu[one], unit="ms", target=""),
    ]


def _portrait() -> GeneratePortraitRequest:
    """Return a request that differs from all others."""
    request = GeneratePortraitRequest(theme="fantasy", details=str(uuid.uuid4()))
    request.size.width = request.size.height = SIDE
    return request
