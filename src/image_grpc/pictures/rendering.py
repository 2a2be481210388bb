"""Encoded pictures: fitted to a size; with a drawing over them, a part of them, smaller, in another format."""

from dataclasses import dataclass

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures import xmp
from image_grpc.pictures.containers import replace_metadata
from image_grpc.pictures.decoding import Description, inspect, opened, require_complete
from image_grpc.pictures.drawings import Drawing, rasterize
from image_grpc.pictures.encoding import FAST, PLACED, STORED, encode
from image_grpc.pictures.metadata import kept_properties
from image_grpc.pictures.normalization import normalize, pixel_changes
from image_grpc.pictures.provenance import Statements, own_statements
from image_grpc.workers import RENDERING


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Which part of a picture to return, how large, and in which format."""

    format: ImageFormat
    max_side: int = 0
    """Maximum width and height in pixels; 0: any."""
    region: Region | None = None
    """Default: the whole picture."""


async def fit(data: bytes, size: Size, format_: ImageFormat, statements: Statements = own_statements) -> bytes:
    """Scale a picture to cover `size`, crop the edges, and encode it with only `statements` as metadata.

    A picture that fits already is not encoded again. Raises BadPicture.
    """
    return await RENDERING.run(lambda: _fit(data, size.width, size.height, format_, statements))


@dataclass(frozen=True, slots=True)
class Composition:
    """What is drawn over a picture."""

    drawing: Drawing
    hides: bool = False
    """Whether it hides something: it is drawn before the picture is made smaller, as pixels blend with others then."""


def render(data: bytes, view: View, over: Composition | None = None, statements: Statements = own_statements) -> bytes:
    """Encode a view of a picture, with a drawing over it, and only `statements` as metadata.

    Takes time. Raises BadPicture.
    """
    described, header = inspect(data)
    packet = xmp.packet(statements(kept_properties(header, data, described.format)))
    region = view.region or Region(0, 0, described.width, described.height)
    scale = min(1.0, view.max_side / max(region.width, region.height)) if view.max_side else 1.0
    hides = over is not None and over.hides
    shrink = 1 if hides or view.region else _shrink(described, scale)
    with opened(data, described, shrink=shrink) as decoded:
        picture = decoded
        if view.region is not None:
            picture = picture.crop(region.left, region.top, region.width, region.height)
        if over is not None and hides:
            picture = _drawn_over(picture, over.drawing, region, 1)
        if scale < 1:
            picture = _scaled(picture, scale, region.width, region.height)
        if over is not None and not hides:
            picture = _drawn_over(picture, over.drawing, region, scale)
        return encode(picture, view.format, FAST, packet)


def place(data: bytes, format_: ImageFormat, *, scale: float, left: int, top: int, width: int, height: int) -> bytes:
    """Scale a picture, put it on black of `width` x `height` pixels, and encode it as PNG or WebP.

    A normalized picture that fills this, in this format, is returned unchanged. Takes time. Raises BadPicture.
    """
    described, header = inspect(data)
    fills = (scale, left, top, width, height) == (1, 0, 0, described.width, described.height)
    if fills and described.format == format_:
        return normalize(data).data
    packet = xmp.packet(kept_properties(header, data, described.format))
    with opened(data, described) as decoded:
        picture = decoded if scale == 1 else _scaled(decoded, scale, described.width, described.height)
        black = [0, 0, 0, 255] if picture.hasalpha() else [0, 0, 0]
        placed = picture.embed(left, top, width, height, extend="background", background=black)
        return encode(placed, format_, PLACED, packet)


def _fit(data: bytes, width: int, height: int, format_: ImageFormat, statements: Statements) -> bytes:
    described, header = inspect(data)
    packet = xmp.packet(statements(kept_properties(header, data, described.format)))
    fits = described == Description(format_, width, height) and not pixel_changes(header, data, format_)
    unchanged = replace_metadata(data, format_, packet) if fits else None
    if unchanged is not None:
        require_complete(data, described)
        return unchanged
    with opened(data, described) as picture:
        # thumbnail_buffer ignores fail_on, and would accept truncated pictures.
        fitted = picture.thumbnail_image(width, height=height, size="both", crop="centre")
        if (fitted.width, fitted.height) != (width, height):  # rounding, at extreme ratios
            fitted = fitted.resize(width / fitted.width, vscale=height / fitted.height)
            fitted = fitted.crop(0, 0, width, height)
        return encode(fitted, format_, STORED, packet)


def _scaled(picture: pyvips.Image, scale: float, width: int, height: int) -> pyvips.Image:
    """Scale a picture, of `width` x `height` pixels unless it was shrunk while it was decoded."""
    wide, high = (max(1, round(side * scale)) for side in (width, height))
    return picture.thumbnail_image(wide, height=high, size="force")


def _shrink(described: Description, scale: float) -> int:
    """Return by how much a picture may be shrunk while it is decoded."""
    if described.format != ImageFormat.IMAGE_FORMAT_JPEG:
        return 1
    # Where it does not divide the sides, the last rows and columns would be lost.
    sides = (described.width, described.height)
    return next((by for by in (8, 4, 2) if by * scale <= 1 and not any(side % by for side in sides)), 1)


def _drawn_over(picture: pyvips.Image, drawing: Drawing, region: Region, scale: float) -> pyvips.Image:
    """Draw the region of a drawing over a picture of it that is enlarged by `scale`."""
    overlay = rasterize(drawing, picture.width, picture.height, left=region.left, top=region.top, scale=scale)
    if picture.hasalpha():
        return picture.composite2(overlay, "over").cast("uchar")
    # Integer arithmetic takes half the time of composite2.
    return overlay[3].ifthenelse(overlay[:3], picture, blend=True)
