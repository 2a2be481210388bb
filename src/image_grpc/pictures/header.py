"""Pictures as bytes: looked at, checked, fitted, encoded. Everything that decodes runs in a worker thread."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.errors import GenerationError

MAX_SIDE = 8192
"""Pictures with a longer side are refused before they are decoded."""
MAX_PIXELS = 40_000_000
"""So are those with more pixels: a picture of some hundred kilobytes can decode to gigabytes."""

# libvips would keep decoded pictures of earlier operations; here none comes twice.
pyvips.cache_set_max(0)

_SIGNATURES = {
    ImageFormat.IMAGE_FORMAT_PNG: re.compile(rb"\x89PNG\r\n\x1a\n"),
    ImageFormat.IMAGE_FORMAT_JPEG: re.compile(rb"\xff\xd8\xff"),
    ImageFormat.IMAGE_FORMAT_WEBP: re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}

_ENCODINGS: dict[ImageFormat, tuple[str, dict[str, Any]]] = {
    ImageFormat.IMAGE_FORMAT_PNG: (".png", {"compression": 3}),
    ImageFormat.IMAGE_FORMAT_JPEG: (".jpg", {"Q": 90, "optimize_coding": True, "background": [255]}),
    ImageFormat.IMAGE_FORMAT_WEBP: (".webp", {"Q": 88, "effort": 3}),
}
# Made while the caller waits, so speed goes before size.
_QUICK_ENCODINGS: dict[ImageFormat, tuple[str, dict[str, Any]]] = {
    ImageFormat.IMAGE_FORMAT_PNG: (".png", {"compression": 1}),
    ImageFormat.IMAGE_FORMAT_JPEG: (".jpg", {"Q": 85, "background": [255]}),
    ImageFormat.IMAGE_FORMAT_WEBP: (".webp", {"Q": 75, "effort": 0}),
    ImageFormat.IMAGE_FORMAT_AVIF: (".avif", {"Q": 55, "effort": 1}),
}
_TILE = 1408
"""Pixels of the tiles that a drawing is rendered in: 2 x 2 of the largest map."""


class BadPicture(GenerationError):
    """Bytes that are no picture, or not one that is safe to decode."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a picture's header says."""

    format: ImageFormat
    width: int
    height: int


def describe(data: bytes) -> Description:
    """Reads a picture's header, without decoding it. Takes PNG, JPEG and WebP.

    Raises BadPicture for anything else, and for sides and areas that are not sane.
    """
    format_ = next((each for each, signature in _SIGNATURES.items() if signature.match(data)), None)
    if format_ is None:
        raise BadPicture("the bytes are no PNG, JPEG or WebP picture", retry_delay=1.0)
    try:
        header = pyvips.Image.new_from_buffer(data, "", access="sequential")
    except pyvips.Error as problem:
        raise BadPicture("the picture's header cannot be read", retry_delay=1.0) from problem
    width, height = header.width, header.height
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise BadPicture(f"the picture is {width} x {height} pixels, more than is sane")
    return Description(format_, width, height)


async def fit(data: bytes, size: Size, format_: ImageFormat, *, xmp: bytes = b"") -> bytes:
    """The picture scaled to cover `size`, cropped about its centre to exactly that, in another format.

    Its metadata is dropped, and `xmp` written instead. Raises BadPicture.
    """
    return await asyncio.to_thread(_fit, data, size.width, size.height, format_, xmp)


async def check(data: bytes) -> Description:
    """Decodes a picture to see that it is whole. Raises BadPicture."""
    return await asyncio.to_thread(_check, data)


class Drawing(Protocol):
    """Something to be drawn over a picture, of the picture's size."""

    def svg(self, part: tuple[float, float, float, float] | None = None, *, scale: float = 1.0) -> str:
        """An SVG document of a part: left, top, width, height in pixels of the picture; None is all of it."""


def render(
    data: bytes, format_: ImageFormat, *, max_side: int = 0, drawing: Drawing | None = None, xmp: bytes = b""
) -> bytes:
    """A picture with a drawing over it, no side longer than `max_side` (0: as it is), in another format. Without
    `xmp`, that of the picture is kept. Takes time: for worker threads. Raises BadPicture.
    """
    describe(data)
    try:
        picture = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
        scale = min(1.0, max_side / max(picture.width, picture.height)) if max_side else 1.0
        if scale < 1:
            width, height = (max(1, round(side * scale)) for side in (picture.width, picture.height))
            # As it lies in the file: so is the drawing, and so it comes out where it is not made smaller.
            picture = picture.thumbnail_image(width, height=height, size="force", no_rotate=True)
        if drawing is not None:
            picture = _over(picture, _rasterised(drawing, scale, picture.width, picture.height))
        return _encoded(picture, *_QUICK_ENCODINGS[format_], xmp=xmp)
    except pyvips.Error as problem:
        raise BadPicture("the picture is damaged", retry_delay=1.0) from problem


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height by the header of a picture of ours."""
    header = pyvips.Image.new_from_buffer(data, "", access="sequential")
    return header.width, header.height


def square(data: bytes, side: int) -> bytes:
    """The middle of a picture, scaled to a square, as JPEG. Takes time: for worker threads. Raises BadPicture."""
    return _fit(data, side, side, ImageFormat.IMAGE_FORMAT_JPEG, b"")


def _over(picture: pyvips.Image, drawn: pyvips.Image) -> pyvips.Image:
    picture = picture.colourspace("srgb")
    if picture.hasalpha():
        return picture.composite2(drawn, "over").cast("uchar")
    # In whole numbers, and opaque as it was: twice as fast.
    return drawn[3].ifthenelse(drawn[:3], picture, blend=True)


def _rasterised(drawing: Drawing, scale: float, width: int, height: int) -> pyvips.Image:
    """The drawing as pixels: tile by tile, since the renderer uses one core and goes through a whole document for
    every 2,000 pixels."""
    across = [(left, min(_TILE, width - left)) for left in range(0, width, _TILE)]
    down = [(top, min(_TILE, height - top)) for top in range(0, height, _TILE)]

    def tile(place: tuple[tuple[int, int], tuple[int, int]]) -> pyvips.Image:
        (top, tall), (left, wide) = place
        svg = drawing.svg((left / scale, top / scale, wide / scale, tall / scale), scale=scale)
        return (
            pyvips.Image.svgload_buffer(svg.encode(), unlimited=True)
            .gravity("north-west", wide, tall)
            .copy_memory()
        )

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        tiles = list(threads.map(tile, itertools.product(down, across)))
    rows = [
        functools.reduce(lambda row, one: row.join(one, "horizontal"), tiles[start : start + len(across)])
        for start in range(0, len(tiles), len(across))
    ]
    return functools.reduce(lambda whole, row: whole.join(row, "vertical"), rows)


def _check(data: bytes) -> Description:
    found = describe(data)
    try:
        pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated").avg()
    except pyvips.Error as problem:
        raise BadPicture("the picture is damaged") from problem
    return found


def _fit(data: bytes, width: int, height: int, format_: ImageFormat, xmp: bytes) -> bytes:
    describe(data)
    try:
        # Not thumbnail_buffer: it does not heed fail_on, and takes a truncated picture for a whole one.
        drawn = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
        fitted = drawn.thumbnail_image(width, height=height, size="both", crop="centre")
        if (fitted.width, fitted.height) != (width, height):  # rounding, at extreme ratios
            fitted = fitted.resize(width / fitted.width, vscale=height / fitted.height)
            fitted = fitted.crop(0, 0, width, height)
        return _encoded(_without_metadata(fitted), *_ENCODINGS[format_], xmp=xmp)
    except pyvips.Error as problem:
        raise BadPicture("the picture is damaged", retry_delay=1.0) from problem


def _without_metadata(picture: pyvips.Image) -> pyvips.Image:
    picture = picture.copy()
    if "xmp-data" in picture.get_fields():
        picture.remove("xmp-data")
    return picture


def _encoded(picture: pyvips.Image, suffix: str, options: dict[str, Any], *, xmp: bytes) -> bytes:
    if xmp:
        picture = picture.copy()
        picture.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    encoded: bytes = picture.write_to_buffer(suffix, keep="xmp", **options)
    return encoded
