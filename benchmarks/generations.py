"""Generations: our own share of one, and hundreds in flight, beside the bare libraries drawing the same."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pyvips
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from benchmarks import servers
from benchmarks.report import Row, compared, percentile

ONE_BY_ONE = 20
IN_FLIGHT = 500
LATENCY_SECONDS = 5.0
SIDE = 1024


async def measure(folder: Path) -> list[Row]:
    """All figures."""
    async with servers.standin("--latency", "0.2", "--variety", "1") as standin:
        rows = await _own_share(folder / "share", standin.address)
    async with servers.standin("--latency", str(LATENCY_SECONDS), "--variety", "1") as standin:
        rows += await _many(folder / "many", standin.address)
    return rows


async def _own_share(data_dir: Path, url: str) -> list[Row]:
    """What we add to GetImg.AI's time, beside the bare download, decoding and encoding of the same picture."""
    async with servers.service(data_dir, url) as ours, grpc.aio.insecure_channel(ours.address) as channel:
        shares, floors = [], []
        async with httpx.AsyncClient() as http:
            for number in range(ONE_BY_ONE + 1):
                shares.append(await _share(channel, number))
                floors.append(await _bare_picture(http, url))
    return [
        compared(
            "our share of a 1024 x 1024 generation",
            shares[1:],
            floors[1:],
            unit="ms",
            target="< 100 ms",
        )
    ]


async def _share(channel: grpc.aio.Channel, number: int) -> float:
    """Milliseconds of a generation that were not GetImg.AI's."""
    stub: Any = GenerationServiceStub(channel)
    started = time.perf_counter()
    generation = (await stub.GeneratePortrait(_request(f"share {number}", wait=True))).generation
    total = (time.perf_counter() - started) * 1000
    assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED, generation
    return total - (generation.draw_time.ToMicroseconds() - generation.start_time.ToMicroseconds()) / 1000


async def _bare_picture(http: httpx.AsyncClient, url: str) -> float:
    """Milliseconds to download a drawn picture, decode it, fit it and encode it, with the libraries alone."""
    drawn = await _draw(http, url)
    started = time.perf_counter()
    data = (await http.get(drawn)).content
    await asyncio.to_thread(_fit, data)
    return (time.perf_counter() - started) * 1000


async def _draw(http: httpx.AsyncClient, url: str) -> str:
    body = {"model": "seedream-5-lite", "prompt": "character portrait", "aspect_ratio": "1:1", "resolution": "1K"}
    headers = {"Authorization": f"Bearer {servers.STANDIN_KEY}"}
    answer = await http.post(f"{url}/v2/images/generations", json=body, headers=headers, timeout=60)
    return str(answer.json()["data"][0]["url"])


def _fit(data: bytes) -> bytes:
    drawn = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
    fitted = drawn.thumbnail_image(SIDE, height=SIDE, size="both", crop="centre")
    encoded: bytes = fitted.write_to_buffer(".png", compression=6, keep="none")
    return encoded


async def _many(data_dir: Path, url: str) -> list[Row]:
    """IN_FLIGHT generations at once: time, memory, health meanwhile."""
    settings = {"generation_concurrency": IN_FLIGHT, "getimg_max_in_flight": IN_FLIGHT}
    async with servers.service(data_dir, url, **settings) as ours:
        async with grpc.aio.insecure_channel(ours.address) as channel:
            before = ours.peak_megabytes()
            probing = asyncio.create_task(_probe(channel))
            started = time.perf_counter()
            asked = (_request(f"many {n}", wait=False) for n in range(IN_FLIGHT))
            states = await asyncio.gather(*(finished(channel, request) for request in asked))
            seconds = time.perf_counter() - started
            probing.cancel()
            probes = await probing
            after = ours.peak_megabytes()
    succeeded = sum(state == GenerationState.GENERATION_STATE_SUCCEEDED for state in states)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=IN_FLIGHT)) as http:
        seen = (await http.get(f"{url}/_standin")).json()["max_in_flight_seen"]
        floor_started = time.perf_counter()
        slots = asyncio.Semaphore(8)
        await asyncio.gather(*(_bare_generation(http, url, slots) for _ in range(IN_FLIGHT)))
        floor = time.perf_counter() - floor_started
    return [
        Row(
            name=f"{IN_FLIGHT} generations at once, {LATENCY_SECONDS:g} s GetImg.AI: time to the last",
            ours=f"{seconds:.1f} s",
            floor=f"{floor:.1f} s",
            ratio=f"{seconds / floor:.2f}",
            target=f"{IN_FLIGHT} in flight",
        ),
        Row(
            name="  succeeded; calls in flight at GetImg.AI at the most",
            ours=f"{succeeded}; {seen}",
            floor="",
            ratio="",
            target=f"{IN_FLIGHT}; {IN_FLIGHT}",
        ),
        Row(
            name="  pictures an hour at this rate",
            ours=f"{succeeded / seconds * 3600:,.0f}",
            floor=f"{IN_FLIGHT / floor * 3600:,.0f}",
            ratio="",
            target="50,000",
        ),
        Row(
            name="  peak memory of the process (before, after)",
            ours=f"{before:.0f} MB, {after:.0f} MB",
            floor="",
            ratio="",
            target="",
        ),
        Row(
            name="  health check meanwhile, median and P95",
            ours=f"{statistics.median(probes):.1f} ms, {percentile(probes, 0.95):.1f} ms",
            floor="",
            ratio="",
            target="< 5 ms",
        ),
    ]


async def finished(channel: grpc.aio.Channel, request: GeneratePortraitRequest) -> GenerationState:
    """Asks for a picture, and answers how that ended."""
    stub: Any = GenerationServiceStub(channel)
    generation: Generation = (await stub.GeneratePortrait(request)).generation
    while generation.state < GenerationState.GENERATION_STATE_SUCCEEDED:
        waited = await stub.WaitGeneration(WaitGenerationRequest(generation_id=generation.id), timeout=600)
        generation = waited.generation
    return generation.state


async def _bare_generation(http: httpx.AsyncClient, url: str, slots: asyncio.Semaphore) -> None:
    drawn = await _draw(http, url)
    async with slots:
        data = (await http.get(drawn, timeout=60)).content
        await asyncio.to_thread(_fit, data)


async def _probe(channel: grpc.aio.Channel) -> list[float]:
    """Milliseconds of health checks, ten a second, until it is cancelled."""
    stub: Any = health_pb2_grpc.HealthStub(channel)
    taken = []
    try:
        while True:
            started = time.perf_counter()
            await stub.Check(health_pb2.HealthCheckRequest())
            taken.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return taken


def _request(details: str, *, wait: bool) -> GeneratePortraitRequest:
    request = GeneratePortraitRequest(theme="fantasy", details=details)
    if wait:
        request.wait_for.seconds = 60
    return request
