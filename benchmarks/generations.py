"""Generations: our overhead in a single one, and a hundred in progress, beside the bare libraries doing the same."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import httpx
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from benchmarks import health_probe, servers
from benchmarks.bare_picture import fit, generate
from benchmarks.report import Row, compared, percentile

T = TypeVar("T")

SEQUENTIAL = 20
IN_PROGRESS = 100
"""Generations that are in progress until the last ones of TOTAL have been requested."""
TOTAL = 200
LATENCY_SECONDS = 5.0
SIDE = 1024


async def measure(folder: Path) -> list[Row]:
    """Measure single generations, then TOTAL with IN_PROGRESS at a time."""
    async with servers.standin("--latency", "0.2", "--variety", "1") as standin:
        row = await _single(folder / "single", standin.address)
    async with servers.standin("--latency", str(LATENCY_SECONDS), "--variety", "1") as standin:
        return [row, *await _concurrent(folder / "concurrent", standin.address)]


async def _single(data_dir: Path, url: str) -> Row:
    """Compare what we add to GetImg.AI's time with downloading, decoding and encoding the same picture."""
    async with servers.service(data_dir, url) as ours, grpc.aio.insecure_channel(ours.address) as channel:
        overheads, floors = [], []
        async with httpx.AsyncClient() as http:
            for number in range(SEQUENTIAL + 1):  # the first warms up
                overheads.append(await _overhead(channel, number))
                floors.append(await _bare_processing_time(http, url))
    name = "our overhead in a 1024 x 1024 generation"
    return compared(name, overheads[1:], floors[1:], unit="ms", target="< 100 ms")


async def _overhead(channel: grpc.aio.Channel, number: int) -> float:
    """Return the milliseconds of a generation that were not spent in GetImg.AI."""
    request = _request(f"single {number}")
    request.wait_for.seconds = 60
    started = time.perf_counter()
    generation = (await GenerationServiceStub(channel).GeneratePortrait(request)).generation
    total = (time.perf_counter() - started) * 1000
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED, generation
    return total - (generation.generate_time.ToMicroseconds() - generation.start_time.ToMicroseconds()) / 1000.0


async def _bare_processing_time(http: httpx.AsyncClient, url: str) -> float:
    """Return the milliseconds to download, decode, fit and encode a picture with the bare libraries."""
    picture_url = await generate(http, url)
    started = time.perf_counter()
    data = (await http.get(picture_url)).content
    await asyncio.to_thread(fit, data, SIDE)
    return (time.perf_counter() - started) * 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Concurrent:
    """Results of TOTAL generations."""

    seconds: float
    succeeded: int
    health_latencies: list[float]
    """In milliseconds, while IN_PROGRESS generations were in progress."""
    initial_megabytes: float
    peak_megabytes: float


async def _concurrent(data_dir: Path, url: str) -> list[Row]:
    ours = await _run_concurrently(data_dir, url)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=IN_PROGRESS)) as http:
        max_in_flight = (await http.get(f"{url}/_standin")).json()["max_in_flight_seen"]
        started = time.perf_counter()
        decoders = asyncio.Semaphore(8)
        await in_progress(TOTAL, IN_PROGRESS, lambda _: _bare_generation(http, url, decoders))
        floor = time.perf_counter() - started
    latencies = ours.health_latencies
    return [
        Row(
            name=f"health check with {IN_PROGRESS} generations in progress: median, P95",
            ours=f"{statistics.median(latencies):.1f} ms, {percentile(latencies, 0.95):.1f} ms",
            target="P95 < 5 ms",
        ),
        Row(
            name=f"{TOTAL} generations, {IN_PROGRESS} at a time, {LATENCY_SECONDS:g} s GetImg.AI: time to the last",
            ours=f"{ours.seconds:.1f} s",
            floor=f"{floor:.1f} s",
            ratio=f"{ours.seconds / floor:.2f}",
        ),
        Row(
            name="  succeeded; peak of calls in flight at GetImg.AI",
            ours=f"{ours.succeeded}; {max_in_flight}",
            target=f"{TOTAL}; {IN_PROGRESS}",
        ),
        Row(
            name="  peak memory of the process (before, after)",
            ours=f"{ours.initial_megabytes:.0f} MB, {ours.peak_megabytes:.0f} MB",
        ),
    ]


async def _run_concurrently(data_dir: Path, url: str) -> Concurrent:
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(servers.service(data_dir, url))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(ours.address))
        probe = await stack.enter_async_context(health_probe.running(ours.address))
        initial_megabytes = ours.peak_megabytes()
        unfinished = TOTAL

        async def run(number: int) -> GenerationState:
            nonlocal unfinished
            state = await run_generation(channel, _request(f"concurrent {number}"))
            unfinished -= 1
            if unfinished < IN_PROGRESS:
                probe.stop()
            return state

        started = time.perf_counter()
        states = await in_progress(TOTAL, IN_PROGRESS, run)
        return Concurrent(
            seconds=time.perf_counter() - started,
            succeeded=states.count(GenerationState.GENERATION_STATE_SUCCEEDED),
            health_latencies=await probe.milliseconds(),
            initial_megabytes=initial_megabytes,
            peak_megabytes=ours.peak_megabytes(),
        )


async def in_progress(total: int, at_once: int, call: Callable[[int], Awaitable[T]]) -> list[T]:
    """Make `total` numbered calls, of which `at_once` are in progress as long as there are more to make."""
    numbers = iter(range(total))
    results = list[T]()

    async def call_sequentially() -> None:
        for number in numbers:
            results.append(await call(number))

    await asyncio.gather(*(call_sequentially() for _ in range(at_once)))
    return results


async def run_generation(channel: grpc.aio.Channel, request: GeneratePortraitRequest) -> GenerationState:
    """Request a picture and return the final state of its generation."""
    stub = GenerationServiceStub(channel)
    generation = (await stub.GeneratePortrait(request)).generation
    wait = WaitGenerationRequest(generation_id=generation.id)
    while generation.state < GenerationState.GENERATION_STATE_SUCCEEDED:
        generation = (await stub.WaitGeneration(wait, timeout=600)).generation
    return generation.state


async def _bare_generation(http: httpx.AsyncClient, url: str, decoders: asyncio.Semaphore) -> None:
    picture_url = await generate(http, url)
    async with decoders:
        data = (await http.get(picture_url, timeout=60)).content
        await asyncio.to_thread(fit, data, SIDE)


def _request(details: str) -> GeneratePortraitRequest:
    return GeneratePortraitRequest(theme="fantasy", details=details)
