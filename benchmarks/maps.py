"""Maps: composed ones beside skia, and beside decoding and encoding alone; reads through the service; rules."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pyvips
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest, UploadImageDescription, UploadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from benchmarks import map_rules, servers
from benchmarks.map_content import elements, map_of, overlay_of
from benchmarks.peers.skia_maps import SkiaMap
from benchmarks.report import Row, compared
from image_grpc import pictures
from image_grpc.maps import fonts
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map

SIDE = 4096
ROUNDS, SKIA_ROUNDS = 5, 9
FORMATS = {
    "JPEG": ImageFormat.IMAGE_FORMAT_JPEG,
    "WebP": ImageFormat.IMAGE_FORMAT_WEBP,
    "PNG": ImageFormat.IMAGE_FORMAT_PNG,
    "AVIF": ImageFormat.IMAGE_FORMAT_AVIF,
}


async def measure(folder: Path) -> list[Row]:
    """Measure composing beside skia, rules, reads through the service, and what composing adds to decode and encode."""
    pictures.configure()
    fonts.configure()
    async with servers.standin("--latency", "0") as standin:
        async with servers.service(folder / "data", standin.address) as ours:
            options = [("grpc.max_receive_message_length", -1)]
            async with grpc.aio.insecure_channel(ours.address, options=options) as channel:
                picture = await _generated_map(channel)
                rows = await _through_the_service(channel, picture)
                rows.append(_only("memory of the service at its peak", f"{ours.peak_megabytes():.0f} MB"))
    return [
        await asyncio.to_thread(_beside_skia, picture),
        *await asyncio.to_thread(map_rules.measure),
        *rows,
        *await asyncio.to_thread(_beside_decode_and_encode, picture),
    ]


def _beside_skia(picture: bytes) -> Row:
    """Compare a map that nobody has read before: its drawing is computed, not only drawn."""
    data, image, overlay = _scaled(picture, SIDE), map_of(SIDE), overlay_of(200, SIDE, seed=1)
    skia = SkiaMap(draw_map(image, [overlay], Coverage(), {}).svg())

    def compose() -> None:
        drawing = draw_map(image, [overlay], Coverage(), {})
        pictures.render(
            data, pictures.View(format=ImageFormat.IMAGE_FORMAT_JPEG), pictures.Composition(drawing=drawing)
        )

    ours, peer = [], []
    for _ in range(SKIA_ROUNDS + 1):  # the first warms up
        ours.append(_seconds(compose))
        peer.append(_seconds(lambda: skia.compose(data)))
    name = f"composed {SIDE} x {SIDE}, 200 elements, JPEG, beside skia, decode and encode"
    return compared(name, ours[1:], peer[1:], unit="s", target="<= 1.0, < 1 s")


async def _through_the_service(channel: grpc.aio.Channel, picture: bytes) -> list[Row]:
    """Measure the first and second read of a composed map of 4096 x 4096 pixels with 200 elements."""
    images: Any = ImageServiceStub(channel)
    overlays: Any = OverlayServiceStub(channel)
    rows = []
    for name in ("JPEG", "WebP"):
        format_ = FORMATS[name]
        firsts, seconds = [], []
        for round_ in range(ROUNDS):
            uploaded: Any = await images.UploadImage(_upload(_scaled(picture, SIDE)))
            image = uploaded.image
            request = CreateTacticalOverlayRequest(map_id=image.id, elements=elements(200, SIDE, seed=round_))
            await overlays.CreateTacticalOverlay(request)
            read = ReadImageRequest(image_id=image.id, layer=ImageLayer.IMAGE_LAYER_COMPOSED, format=format_)
            firsts.append(await _seconds_of(images, read))
            seconds.append(await _seconds_of(images, read))
        rows.append(
            compared(
                f"ReadImage COMPOSED {SIDE} x {SIDE}, 200 elements, {name}: first read beside the second",
                firsts,
                seconds,
                unit="s",
                target="< 1 s, and >= 10 x the second",
            )
        )
    return rows


async def _seconds_of(images: Any, request: ReadImageRequest) -> float:
    started = time.perf_counter()
    async for _ in images.ReadImage(request):
        pass
    return time.perf_counter() - started


def _beside_decode_and_encode(picture: bytes) -> list[Row]:
    rows = []
    cases = [(SIDE, 200, name) for name in FORMATS]
    cases += [(SIDE, count, "JPEG") for count in (0, 500)]
    cases.append((2048, 200, "JPEG"))
    for side, count, name in cases:
        format_ = FORMATS[name]
        data = _scaled(picture, side)
        image = map_of(side)
        overlay = overlay_of(count, side, seed=1)

        def compose(
            data: bytes = data, image: Image = image, overlay: Overlay = overlay, format_: ImageFormat = format_
        ) -> None:
            pictures.render(
                data,
                pictures.View(format=format_),
                pictures.Composition(drawing=draw_map(image, [overlay], Coverage(), {})),
            )

        def bare(data: bytes = data, format_: ImageFormat = format_) -> None:
            pictures.render(data, pictures.View(format=format_))

        ours, floor = [], []
        for _ in range(ROUNDS):
            ours.append(_seconds(compose))
            floor.append(_seconds(bare))
        title = f"compositing {side} x {side}, {count} elements, {name}, beside decode and encode"
        rows.append(compared(title, ours, floor, unit="s", target="< 1 s" if name in ("JPEG", "WebP") else ""))
    return rows


async def _upload(data: bytes) -> AsyncIterator[UploadImageRequest]:
    description = UploadImageDescription(
        type="IMAGE_TYPE_MAP", subtype="IMAGE_SUBTYPE_TACTICAL", theme="fantasy", map=map_of(SIDE).map
    )
    yield UploadImageRequest(description=description)
    for start in range(0, len(data), 1024 * 1024):
        yield UploadImageRequest(data=data[start : start + 1024 * 1024])


async def _generated_map(channel: grpc.aio.Channel) -> bytes:
    """Return a map that the stand-in generates."""
    request = GenerateTacticalMapRequest(theme="fantasy")
    request.wait_for.seconds = 120
    response: Any = await GenerationServiceStub(channel).GenerateTacticalMap(request)
    read: Any = ImageServiceStub(channel).ReadImage(ReadImageRequest(image_id=response.generation.image.id))
    return b"".join([part.data async for part in read])


def _scaled(data: bytes, side: int) -> bytes:
    picture = pyvips.Image.new_from_buffer(data, "")
    return bytes(picture.resize(side / picture.width).write_to_buffer(".jpg", Q=90))


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _only(name: str, value: str) -> Row:
    return Row(name=name, ours=value, floor="", ratio="", target="")
