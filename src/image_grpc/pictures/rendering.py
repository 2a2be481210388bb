"""Encoded pictures: fitted to a size; with a drawing over them, smaller, in another format."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures.decoding import Description, describe, opened
from image_grpc.pictures.png_metadata import replace_metadata
from image_grpc.workers import RENDERING

_STORED = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=3]",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg[Q=90,optimize_coding=true,background=255]",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=88,effort=3]",
}
"""Suffixes and options of libvips for pictures that are stored."""
_FAST = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=1]",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg[Q=85,background=255]",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=75,effort=0]",
    ImageFormat.IMAGE_FORMAT_AVIF: ".avif[Q=55,effort=1]",
}
"""Suffixes and options for pictures that a caller waits for: speed matters more than size."""
_PLACED = {ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=1]", ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=88,effort=0]"}
"""Suffixes and options for pictures that a caller waits for and then keeps."""
_TILE = 1408
"""Side in pixels of the tiles in which a drawing is rendered. The largest map has 3 x 3."""

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


class Drawing(Protocol):
    """A drawing of the same size as the picture below it."""

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the drawing, or a part of it, as an SVG document, enlarged by `scale`."""


async def fit(data: bytes, size: Size, format_: ImageFormat, *, xmp: bytes = b"") -> bytes:
    """Scale a picture to cover `size`, crop the edges, encode it with only `xmp` as metadata. Raises BadPicture."""
    return await RENDERING.run(lambda: _fit(data, size.width, size.height, format_, xmp))


def square(data: bytes, side: int) -> bytes:
    """Return the middle of a picture, scaled to a square of `side` pixels, as JPEG. Takes time. Raises BadPicture."""
    return _fit(data, side, side, ImageFormat.IMAGE_FORMAT_JPEG, b"")


def render(
    data: bytes,
    format_: ImageFormat,
    *,
    max_side: int = 0,
    drawing: Drawing | None = None,
    hides: bool = False,
    xmp: bytes = b"",
) -> bytes:
    """Encode a picture in another format, with a drawing over it and no side longer than `max_side` pixels.

    `max_side` 0 keeps the size. A drawing that `hides` something is drawn before the picture is made smaller, because
    pixels blend with their neighbors then. Without `xmp`, the packet of the picture is kept. Takes time. Raises
    BadPicture.
    """
    described = describe(data)
    scale = min(1.0, max_side / max(described.width, described.height)) if max_side else 1.0
    with opened(data, shrink=1 if hides else _shrink(described, scale)) as picture:
        rendered = _drawn_over(picture, drawing, 1) if hides else picture
        if scale < 1:
            rendered = _scaled(rendered, described, scale)
        if not hides:
            rendered = _drawn_over(rendered, drawing, scale)
        return _encode(rendered, _FAST[format_], xmp)


def _drawn_over(picture: pyvips.Image, drawing: Drawing | None, scale: float) -> pyvips.Image:
    if drawing is None:
        return picture
    return _compose(picture, _rasterize(drawing, scale, picture.width, picture.height))


def place(data: bytes, format_: ImageFormat, *, scale: float, left: int, top: int, width: int, height: int) -> bytes:
    """Scale a picture, put it on black of `width` x `height` pixels, and encode it as PNG or WebP.

    A picture that fills this, in this format, is returned unchanged. Takes time. Raises BadPicture.
    """
    described = describe(data)
    with opened(data) as picture:
        fills = (scale, left, top, width, height) == (1, 0, 0, described.width, described.height)
        if fills and described.format == format_ and not _is_turned(picture):
            return data
        scaled = picture if scale == 1 else _scaled(picture, described, scale)
        scaled = scaled.colourspace("srgb")
        black = [0, 0, 0, 255] if scaled.hasalpha() else [0, 0, 0]
        placed = scaled.embed(left, top, width, height, extend="background", background=black)
        return _encode(placed, _PLACED[format_], b"")


def mask(drawing: Drawing, size: Size) -> bytes:
    """Return a drawing on black as a PNG in shades of gray. Takes time."""
    drawn = _rasterize(drawing, 1, size.width, size.height).flatten(background=0)
    return _encode(drawn.extract_band(1), _STORED[ImageFormat.IMAGE_FORMAT_PNG], b"", keep="none")


def draw(drawing: Drawing, size: Size) -> bytes:
    """Return a drawing that covers everything as a PNG in color. Takes time."""
    drawn = _rasterize(drawing, 1, size.width, size.height).flatten(background=0)
    return _encode(drawn, _STORED[ImageFormat.IMAGE_FORMAT_PNG], b"", keep="none")


def luminance(data: bytes, width: int, height: int) -> NDArray[np.float64]:
    """Return how bright a picture is, scaled to `width` x `height` pixels: 0 to 255. Takes time. Raises BadPicture."""
    with opened(data) as picture:
        small = picture.thumbnail_image(width, height=height, size="force", no_rotate=True)
        return _brightness(small.flatten() if small.hasalpha() else small)


def drawn_luminance(drawing: Drawing, width: int, height: int) -> NDArray[np.float64]:
    """Return how bright a drawing of `width` x `height` pixels is, in the same way. Takes time."""
    return _brightness(_rasterize(drawing, 1, width, height).flatten(background=0))


def _brightness(picture: pyvips.Image) -> NDArray[np.float64]:
    gray = picture.colourspace("b-w").extract_band(0).numpy()
    return np.asarray(gray, dtype=np.float64).reshape(picture.height, picture.width)


def _fit(data: bytes, width: int, height: int, format_: ImageFormat, xmp: bytes) -> bytes:
    with opened(data) as picture:
        fits = (picture.width, picture.height) == (width, height) and not _is_turned(picture)
        if fits and format_ == ImageFormat.IMAGE_FORMAT_PNG and (unchanged := replace_metadata(data, xmp)) is not None:
            picture.avg()  # decodes it, which verifies that it is complete
            return unchanged
        # thumbnail_buffer ignores fail_on, and would accept truncated pictures.
        fitted = picture.thumbnail_image(width, height=height, size="both", crop="centre")
        if (fitted.width, fitted.height) != (width, height):  # rounding, at extreme ratios
            fitted = fitted.resize(width / fitted.width, vscale=height / fitted.height)
            fitted = fitted.crop(0, 0, width, height)
        return _encode(fitted, _STORED[format_], xmp, keep="xmp" if xmp else "none")


def _is_turned(picture: pyvips.Image) -> bool:
    """Return whether its metadata says that it has to be turned or mirrored."""
    return bool(picture.get_typeof("orientation")) and picture.get("orientation") != 1


def _shrink(described: Description, scale: float) -> int:
    """Return by how much a picture may be shrunk while it is decoded."""
    if described.format != ImageFormat.IMAGE_FORMAT_JPEG:
        return 1
    # Where it does not divide the sides, the last rows and columns would be lost.
    sides = (described.width, described.height)
    return next((by for by in (8, 4, 2) if by * scale <= 1 and not any(side % by for side in sides)), 1)


def _scaled(picture: pyvips.Image, described: Description, scale: float) -> pyvips.Image:
    width, height = (max(1, round(side * scale)) for side in (described.width, described.height))
    # No rotation: neither the drawing nor a rendition of the full size follows the EXIF orientation.
    return picture.thumbnail_image(width, height=height, size="force", no_rotate=True)


def _compose(picture: pyvips.Image, overlay: pyvips.Image) -> pyvips.Image:
    picture = picture.colourspace("srgb")
    if picture.hasalpha():
        return picture.composite2(overlay, "over").cast("uchar")
    # Integer arithmetic takes half the time of composite2.
    return overlay[3].ifthenelse(overlay[:3], picture, blend=True)


def _rasterize(drawing: Drawing, scale: float, width: int, height: int) -> pyvips.Image:
    """Render a drawing in tiles, as the renderer uses one core, and processes all per 2,000 pixels."""
    corners = [(left, top) for top in range(0, height, _TILE) for left in range(0, width, _TILE)]

    def tile(corner: tuple[int, int]) -> pyvips.Image:
        left, top = corner
        tile_width, tile_height = min(_TILE, width - left), min(_TILE, height - top)
        part = (left / scale, top / scale, tile_width / scale, tile_height / scale)
        svg = drawing.svg(part, scale=scale).encode()
        picture = pyvips.Image.svgload_buffer(svg, unlimited=True)
        return picture.gravity("north-west", tile_width, tile_height).copy_memory()

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        tiles = list(threads.map(tile, corners))
    # Only the tiles of the last column and row are smaller.
    return pyvips.Image.arrayjoin(tiles, across=math.ceil(width / _TILE)).crop(0, 0, width, height)


def _encode(picture: pyvips.Image, encoding: str, xmp: bytes, *, keep: str = "xmp") -> bytes:
    """Encode a picture with only the metadata to `keep`. Its XMP packet is replaced by `xmp`, unless that is empty."""
    if xmp:
        picture = picture.copy()
        picture.set_type(pyvips.GValue.blob_type, "xmp-data", xmp)
    data: bytes = picture.write_to_buffer(encoding, keep=keep)
    return data
