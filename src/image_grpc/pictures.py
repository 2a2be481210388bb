"""Pictures as bytes: looked at, checked, fitted, encoded. Everything that decodes runs in a worker thread."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

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


async def fit(data: bytes, size: Size, format_: ImageFormat) -> bytes:
    """The picture scaled to cover `size`, cropped about its centre to exactly that, in another format.

    Metadata is dropped. Raises BadPicture.
    """
    return await asyncio.to_thread(_fit, data, size.width, size.height, format_)


def _fit(data: bytes, width: int, height: int, format_: ImageFormat) -> bytes:
    describe(data)
    try:
        # Not thumbnail_buffer: it does not heed fail_on, and takes a truncated picture for a whole one.
        drawn = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
        fitted = drawn.thumbnail_image(width, height=height, size="both", crop="centre")
        if (fitted.width, fitted.height) != (width, height):  # rounding, at extreme ratios
            fitted = fitted.resize(width / fitted.width, vscale=height / fitted.height)
            fitted = fitted.crop(0, 0, width, height)
        suffix, options = _ENCODINGS[format_]
        encoded: bytes = fitted.write_to_buffer(suffix, keep="none", **options)
        return encoded
    except pyvips.Error as problem:
        raise BadPicture("the picture is damaged", retry_delay=1.0) from problem
