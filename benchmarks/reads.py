"""Cached reads: GetImage beside a bare echo, ReadImage beside a bare stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import GetImageRequest, GetImageResponse, ReadImageRequest, ReadImageResponse
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub

if TYPE_CHECKING:
    from tabletop.image.v1.image_service_pb2_grpc import ImageServiceAsyncStub

from benchmarks import servers
from benchmarks.bare_server import write_responses
from benchmarks.report import Row, compared

ROUNDS = 15
CALLS = 400
STREAMS = 8


async def measure(folder: Path) -> list[Row]:
    """Measure the service and the floor alternately."""
    async with servers.standin("--latency", "0") as standin:
        async with servers.service(folder / "data", standin.address) as ours:
            async with grpc.aio.insecure_channel(ours.address) as channel:
                return await _compare_with_floor(folder, channel)


async def _compare_with_floor(folder: Path, channel: grpc.aio.Channel) -> list[Row]:
    images = ImageServiceStub(channel)
    image_id = await _generate_picture(channel)
    request = GetImageRequest(image_id=image_id)
    image = await images.GetImage(request)
    data = b"".join([part.data async for part in images.ReadImage(ReadImageRequest(image_id=image_id))])
    write_responses(folder, image, data)
    async with servers.bare_server(folder) as bare, grpc.aio.insecure_channel(bare.address) as floor:
        echo = floor.unary_unary(
            "/bare/Echo",
            request_serializer=GetImageRequest.SerializeToString,
            response_deserializer=GetImageResponse.FromString,
        )
        stream = floor.unary_stream(
            "/bare/Stream",
            request_serializer=GetImageRequest.SerializeToString,
            response_deserializer=ReadImageResponse.FromString,
        )
        read = ReadImageRequest(image_id=image_id)
        gets: tuple[list[float], list[float]] = ([], [])
        speeds: tuple[list[float], list[float]] = ([], [])
        firsts: list[float] = []
        for _ in range(ROUNDS):
            gets[0].append(await _call_time(lambda: images.GetImage(request)))
            gets[1].append(await _call_time(lambda: echo(request)))
            speeds[0].append(await _throughput(lambda: images.ReadImage(read), len(data)))
            speeds[1].append(await _throughput(lambda: stream(request), len(data)))
            firsts.append(await _first_byte_time(images, read))
    size = f"{len(data) / 1e6:.1f} MB"
    return [
        compared("cached GetImage, microseconds per call", *gets, unit="us", target="<= 1.2"),
        compared(f"cached ReadImage of {size}, throughput", *speeds, unit="MB/s", target=">= 0.6"),
        Row(
            name=f"first byte of a cached {size} picture",
            ours=f"{sorted(firsts)[len(firsts) // 2]:.1f} ms",
            target="< 10 ms",
        ),
    ]


async def _generate_picture(channel: grpc.aio.Channel) -> str:
    """Generate a picture of about 5 MB, and return the id of its image."""
    request = GenerateTacticalMapRequest(theme="fantasy", details="for reading")
    request.size.width = request.size.height = 2300
    request.wait_for.seconds = 120
    response = await GenerationServiceStub(channel).GenerateTacticalMap(request)
    return response.generation.image.id


async def _call_time(call: Callable[[], Awaitable[object]]) -> float:
    """Return the mean duration of CALLS sequential calls, in microseconds."""
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS * 1e6


async def _throughput(open_stream: Callable[[], AsyncIterable[object]], size: int) -> float:
    """Return megabytes per second over STREAMS streams, two at a time."""

    async def drain() -> None:
        for _ in range(STREAMS // 2):
            async for _part in open_stream():
                pass

    started = time.perf_counter()
    await asyncio.gather(drain(), drain())
    return STREAMS * size / (time.perf_counter() - started) / 1e6


async def _first_byte_time(images: ImageServiceAsyncStub, request: ReadImageRequest) -> float:
    """Return the milliseconds until the first bytes of a picture arrive."""
    started = time.perf_counter()
    stream = images.ReadImage(request)
    await stream.read()
    await stream.read()
    seconds = time.perf_counter() - started
    stream.cancel()
    return seconds * 1000
