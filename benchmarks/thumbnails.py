"""Thumbnails of a large JPEG picture, beside sharp making them of the same bytes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from benchmarks.peers import sharp_thumbnails
from benchmarks.report import Row, compared
from image_grpc import pictures

SIDE, THUMBNAIL_SIDE = 4096, 512
ROUNDS = 15
QUALITY = 85
"""Of `render`, for JPEG."""
TARGET = "<= 1.1"
NAME = f"{THUMBNAIL_SIDE} px thumbnail of a {SIDE} x {SIDE} JPEG, beside sharp"


async def measure(folder: Path) -> list[Row]:
    """Measure alternately, each in its own process and both with the picture in memory."""
    pictures.configure()
    data = await asyncio.to_thread(_picture)
    path = folder / "picture.jpg"
    path.write_bytes(data)
    try:
        async with sharp_thumbnails.running(folder / "sharp", path, THUMBNAIL_SIDE, QUALITY) as sharp:
            ours, peer = [], []
            for _ in range(ROUNDS + 1):  # the first warms up
                ours.append(await asyncio.to_thread(_seconds, data) * 1000)
                peer.append(await sharp.seconds() * 1000)
    except sharp_thumbnails.NotAvailable as reason:
        milliseconds = [await asyncio.to_thread(_seconds, data) * 1000 for _ in range(ROUNDS)]
        return [Row(name=NAME, ours=f"{min(milliseconds):.3g} ms", floor=f"not measured: {reason}", target=TARGET)]
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    return [
        compared(NAME, ours[1:], peer[1:], unit="ms", target=TARGET),
        Row(name="  versions", ours=f"libvips {libvips}", floor=sharp.description),
    ]


def _picture() -> bytes:
    """Return a JPEG picture with details of every size."""
    bands = []
    for seed in range(3):
        coarse = pyvips.Image.perlin(SIDE, SIDE, cell_size=512, seed=seed) * 80 + 128
        fine = pyvips.Image.gaussnoise(SIDE, SIDE, mean=0, sigma=12, seed=seed)
        bands.append((coarse + fine).cast("uchar"))
    picture = bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")
    return bytes(picture.write_to_buffer(".jpg", Q=90))


def _seconds(data: bytes) -> float:
    started = time.perf_counter()
    pictures.render(data, pictures.View(format=ImageFormat.IMAGE_FORMAT_JPEG, max_side=THUMBNAIL_SIDE))
    return time.perf_counter() - started
