"""Drawings as pixels: SVG rendered in tiles."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures.encoding import STORED, encode

_TILE = 1408
"""Side in pixels of the tiles in which a drawing is rendered. A map of 4096 x 4096 pixels has 3 x 3."""

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


class Drawing(Protocol):
    """A drawing of the same size as the picture below it."""

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the drawing, or a part of it, as an SVG document, enlarged by `scale`."""


def rasterize(
    drawing: Drawing, width: int, height: int, *, left: float = 0, top: float = 0, scale: float = 1
) -> pyvips.Image:
    """Return `width` x `height` pixels of a drawing that is enlarged by `scale`, from a point of the drawing on.

    The renderer uses one core, and processes all shapes for each 2,000 pixels, so this renders tiles. Takes time.
    """
    corners = [(x, y) for y in range(0, height, _TILE) for x in range(0, width, _TILE)]

    def tile(corner: tuple[int, int]) -> pyvips.Image:
        x, y = corner
        tile_width, tile_height = min(_TILE, width - x), min(_TILE, height - y)
        part = (left + x / scale, top + y / scale, tile_width / scale, tile_height / scale)
        svg = drawing.svg(part, scale=scale).encode()
        picture = pyvips.Image.svgload_buffer(svg, unlimited=True)
        return picture.gravity("north-west", tile_width, tile_height).copy_memory()

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        tiles = list(threads.map(tile, corners))
    # Only the tiles of the last column and row are smaller.
    return pyvips.Image.arrayjoin(tiles, across=math.ceil(width / _TILE)).crop(0, 0, width, height)


def mask(drawing: Drawing, size: Size) -> bytes:
    """Return a drawing on black as a PNG in shades of gray. Takes time."""
    return encode(_on_black(drawing, size).extract_band(1), ImageFormat.IMAGE_FORMAT_PNG, STORED)


def draw(drawing: Drawing, size: Size) -> bytes:
    """Return a drawing that covers everything as a PNG in color. Takes time."""
    return encode(_on_black(drawing, size), ImageFormat.IMAGE_FORMAT_PNG, STORED)


def _on_black(drawing: Drawing, size: Size) -> pyvips.Image:
    return rasterize(drawing, size.width, size.height).flatten(background=0)
