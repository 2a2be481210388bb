"""Cached reads: GetImage beside a bare echo, ReadImage beside a bare stream."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import (
    GetImageRequest,
    GetImageResponse,
    ReadImageRequest,
    ReadImageResponse,
)
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub

from benchmarks import servers
from benchmarks.report import Row, compared

ROUNDS = 15
CALLS = 400
STREAMS = 8


async def measure(folder: Path) -> list[Row]:
    """Both figures, ours and the floor in turn."""
    async with servers.standin("--latency", "0") as standin:
        async with servers.service(folder / "data", standin.address) as ours:
            async with grpc.aio.insecure_channel(ours.address) as channel:
                return await _beside_floor(folder, channel)


async def _beside_floor(folder: Path, channel: grpc.aio.Channel) -> list[Row]:
    images: Any = ImageServiceStub(channel)
    image_id = await _picture(channel)
    request = GetImageRequest(image_id=image_id)
    echoed = await images.GetImage(request)
    data = b"".join([part.data async for part in images.ReadImage(ReadImageRequest(image_id=image_id))])
    payload = folder / "payload.binpb"
    payload.write_bytes(ReadImageResponse(data=data).SerializeToString())
    payload.with_suffix(".echo").write_bytes(echoed.SerializeToString())
    async with servers.bare(payload) as bare, grpc.aio.insecure_channel(bare.address) as floor:
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
            gets[0].append(await _one_after_the_other(lambda: images.GetImage(request)))
            gets[1].append(await _one_after_the_other(lambda: echo(request)))
            speeds[0].append(await _throughput(lambda: images.ReadImage(read), len(data)))
            speeds[1].append(await _throughput(lambda: stream(request), len(data)))
            firsts.append(await _first_byte(images, read))
    size = f"{len(data) / 1e6:.1f} MB"
    return [
        compared("cached GetImage, microseconds a call", *gets, unit="us", target="<= 1.2"),
        compared(f"cached ReadImage of {size}, throughput", *speeds, unit="MB/s", target=">= 0.6"),
        Row(
            name=f"first byte of a cached {size} picture",
            ours=f"{sorted(firsts)[len(firsts) // 2]:.1f} ms",
            floor="",
            ratio="",
            target="< 10 ms",
        ),
    ]


async def _picture(channel: grpc.aio.Channel) -> str:
    """A stored picture of about 5 MB."""
    request = GenerateTacticalMapRequest(theme="fantasy", details="for reading")
    request.size.width = request.size.height = 2300
    request.wait_for.seconds = 120
    stub: Any = GenerationServiceStub(channel)
    answer = await stub.GenerateTacticalMap(request)
    return str(answer.generation.image.id)


async def _one_after_the_other(call: Any) -> float:
    """Microseconds that a call takes, mean of CALLS."""
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS * 1e6


async def _throughput(open_stream: Any, size: int) -> float:
    """Megabytes a second over STREAMS streams, two at a time."""

    async def drain() -> None:
        for _ in range(STREAMS // 2):
            async for _part in open_stream():
                pass

    started = time.perf_counter()
    await asyncio.gather(drain(), drain())
    return STREAMS * size / (time.perf_counter() - started) / 1e6


async def _first_byte(images: Any, request: ReadImageRequest) -> float:
    """Milliseconds until the first bytes of a picture are there."""
    started = time.perf_counter()
    stream = images.ReadImage(request)
    await stream.read()
    await stream.read()
    seconds = time.perf_counter() - started
    stream.cancel()
    return seconds * 1000
