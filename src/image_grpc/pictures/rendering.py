"""Rendering of pictures for callers: with a drawing over it, smaller, in another format."""

import functools
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures.decoding import opened
from image_grpc.pictures.encoding import FAST_ENCODINGS, encode

_TILE = 1408
"""Side in pixels of the tiles in which a drawing is rendered. The largest map has 3 x 3."""

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


class Drawing(Protocol):
    """A drawing of the same size as the picture below it."""

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the drawing, or a part of it, as an SVG document, enlarged by `scale`."""


def render(
    data: bytes, format_: ImageFormat, *, max_side: int = 0, drawing: Drawing | None = None, xmp: bytes = b""
) -> bytes:
    """Encode a picture in another format, with a drawing over it and no side longer than `max_side` pixels.

    `max_side` 0 keeps the size. Without `xmp`, the packet of the picture is kept. Takes time: call it in a worker
    thread. Raises BadPicture.
    """
    with opened(data) as picture:
        scale = min(1.0, max_side / max(picture.width, picture.height)) if max_side else 1.0
        scaled = _scaled(picture, scale) if scale < 1 else picture
        if drawing is not None:
            scaled = _compose(scaled, _rasterize(drawing, scale, scaled.width, scaled.height))
        return encode(scaled, FAST_ENCODINGS[format_], xmp)


def _scaled(picture: pyvips.Image, scale: float) -> pyvips.Image:
    width, height = (max(1, round(side * scale)) for side in (picture.width, picture.height))
    # No rotation: neither the drawing nor a rendition of the full size follows the EXIF orientation.
    return picture.thumbnail_image(width, height=height, size="force", no_rotate=True)


def _compose(picture: pyvips.Image, overlay: pyvips.Image) -> pyvips.Image:
    picture = picture.colourspace("srgb")
    if picture.hasalpha():
        return picture.composite2(overlay, "over").cast("uchar")
    # Integer arithmetic takes half the time of composite2.
    return overlay[3].ifthenelse(overlay[:3], picture, blend=True)


def _rasterize(drawing: Drawing, scale: float, width: int, height: int) -> pyvips.Image:
    """Render a drawing in tiles, because the renderer uses one core, and a whole document per 2,000 pixels."""
    columns = [(left, min(_TILE, width - left)) for left in range(0, width, _TILE)]
    rows = [(top, min(_TILE, height - top)) for top in range(0, height, _TILE)]

    def tile(place: tuple[tuple[int, int], tuple[int, int]]) -> pyvips.Image:
        (top, tile_height), (left, tile_width) = place
        part = (left / scale, top / scale, tile_width / scale, tile_height / scale)
        svg = drawing.svg(part, scale=scale).encode()
        picture = pyvips.Image.svgload_buffer(svg, unlimited=True)
        return picture.gravity("north-west", tile_width, tile_height).copy_memory()

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        tiles = list(threads.map(tile, itertools.product(rows, columns)))
    joined_rows = [
        functools.reduce(lambda row, one: row.join(one, "horizontal"), tiles[start : start + len(columns)])
        for start in range(0, len(tiles), len(columns))
    ]
    return functools.reduce(lambda whole, row: whole.join(row, "vertical"), joined_rows)
