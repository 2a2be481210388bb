"""Generations: our overhead in a single one, and hundreds in flight, beside the bare libraries doing the same."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from benchmarks import servers
from benchmarks.bare_picture import API_PATH, api_request, fit
from benchmarks.report import Row, compared, percentile

SEQUENTIAL = 20
IN_FLIGHT = 500
LATENCY_SECONDS = 5.0
SIDE = 1024


async def measure(folder: Path) -> list[Row]:
    """Measure single generations, then IN_FLIGHT concurrent ones."""
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
    picture_url = await _generate_directly(http, url)
    started = time.perf_counter()
    data = (await http.get(picture_url)).content
    await asyncio.to_thread(fit, data, SIDE)
    return (time.perf_counter() - started) * 1000


async def _generate_directly(http: httpx.AsyncClient, url: str) -> str:
    """Call the API of GetImg.AI and return the URL of the picture."""
    headers = {"Authorization": f"Bearer {servers.STANDIN_KEY}"}
    response = await http.post(url + API_PATH, json=api_request(), headers=headers, timeout=60)
    return str(response.json()["data"][0]["url"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Concurrent:
    """Results of IN_FLIGHT concurrent generations."""

    seconds: float
    succeeded: int
    health_latencies: list[float]
    """In milliseconds."""
    initial_megabytes: float
    peak_megabytes: float


async def _concurrent(data_dir: Path, url: str) -> list[Row]:
    ours = await _run_concurrently(data_dir, url)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=IN_FLIGHT)) as http:
        max_in_flight = (await http.get(f"{url}/_standin")).json()["max_in_flight_seen"]
        started = time.perf_counter()
        decoders = asyncio.Semaphore(8)
        await asyncio.gather(*(_bare_generation(http, url, decoders) for _ in range(IN_FLIGHT)))
        floor = time.perf_counter() - started
    latencies = ours.health_latencies
    return [
        Row(
            name=f"{IN_FLIGHT} generations at once, {LATENCY_SECONDS:g} s GetImg.AI: time to the last",
            ours=f"{ours.seconds:.1f} s",
            floor=f"{floor:.1f} s",
            ratio=f"{ours.seconds / floor:.2f}",
            target=f"{IN_FLIGHT} in flight",
        ),
        Row(
            name="  succeeded; peak of calls in flight at GetImg.AI",
            ours=f"{ours.succeeded}; {max_in_flight}",
            target=f"{IN_FLIGHT}; {IN_FLIGHT}",
        ),
        Row(
            name="  pictures per hour at this rate",
            ours=f"{ours.succeeded / ours.seconds * 3600:,.0f}",
            floor=f"{IN_FLIGHT / floor * 3600:,.0f}",
            target="50,000",
        ),
        Row(
            name="  peak memory of the process (before, after)",
            ours=f"{ours.initial_megabytes:.0f} MB, {ours.peak_megabytes:.0f} MB",
        ),
        Row(
            name="  health check meanwhile, median and P95",
            ours=f"{statistics.median(latencies):.1f} ms, {percentile(latencies, 0.95):.1f} ms",
            target="< 5 ms",
        ),
    ]


async def _run_concurrently(data_dir: Path, url: str) -> Concurrent:
    settings = {"generation_concurrency": IN_FLIGHT, "getimg_max_in_flight": IN_FLIGHT}
    async with servers.service(data_dir, url, **settings) as ours:
        async with grpc.aio.insecure_channel(ours.address) as channel:
            initial_megabytes = ours.peak_megabytes()
            probe = asyncio.create_task(_probe_health(channel))
            started = time.perf_counter()
            requests = (_request(f"concurrent {number}") for number in range(IN_FLIGHT))
            states = await asyncio.gather(*(run_generation(channel, request) for request in requests))
            seconds = time.perf_counter() - started
            probe.cancel()
            return Concurrent(
                seconds=seconds,
                succeeded=states.count(GenerationState.GENERATION_STATE_SUCCEEDED),
                health_latencies=await probe,
                initial_megabytes=initial_megabytes,
                peak_megabytes=ours.peak_megabytes(),
            )


async def run_generation(channel: grpc.aio.Channel, request: GeneratePortraitRequest) -> GenerationState:
    """Request a picture and return the final state of its generation."""
    stub = GenerationServiceStub(channel)
    generation = (await stub.GeneratePortrait(request)).generation
    wait = WaitGenerationRequest(generation_id=generation.id)
    while generation.state < GenerationState.GENERATION_STATE_SUCCEEDED:
        generation = (await stub.WaitGeneration(wait, timeout=600)).generation
    return generation.state


async def _bare_generation(http: httpx.AsyncClient, url: str, decoders: asyncio.Semaphore) -> None:
    picture_url = await _generate_directly(http, url)
    async with decoders:
        data = (await http.get(picture_url, timeout=60)).content
        await asyncio.to_thread(fit, data, SIDE)


async def _probe_health(channel: grpc.aio.Channel) -> list[float]:
    """Return the latencies in milliseconds of ten health checks per second until cancellation."""
    stub = health_pb2_grpc.HealthStub(channel)
    latencies = []
    try:
        while True:
            started = time.perf_counter()
            await stub.Check(health_pb2.HealthCheckRequest())
            latencies.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return latencies


def _request(details: str) -> GeneratePortraitRequest:
    return GeneratePortraitRequest(theme="fantasy", details=details)
