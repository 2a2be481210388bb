"""Portraits of tokens: a square part of a picture."""

from dataclasses import dataclass

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures.decoding import opened
from image_grpc.pictures.encoding import FAST, encode

_MARGIN = 0.04
"""Space above a figure, as a share of the side."""
_LEAST_SIDE = 4
"""Smallest side in pixels in which figures are searched."""
_DIFFERENCE = 16
"""By how much pixels of a figure differ from plain ground."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """An encoded square picture."""

    data: bytes
    media_type: str

    @property
    def is_opaque(self) -> bool:
        """Whether nothing shows through."""
        return self.media_type == "image/jpeg"


def portrait(data: bytes, side: int, focus: tuple[float, float] | None = None) -> Portrait:
    """Return a square part of a picture with sides of `side` pixels: PNG with transparency, else JPEG.

    The part is around the `focus`, a point as shares of width and height, as far as the picture allows. Without one, of
    a tall picture it is the uppermost part, because figures have their heads there; empty space above is skipped. Of a
    wide picture, it is the most conspicuous part. Takes time. Raises BadPicture.
    """
    with opened(data) as picture:
        cropped = _wide_part(picture, side) if focus is None and picture.width > picture.height else None
        if cropped is None:
            left, top, edge = _square(picture := picture.copy_memory(), focus)
            cropped = picture.crop(left, top, edge, edge).thumbnail_image(side, height=side, size="force")
        if cropped.hasalpha() and cropped.extract_band(cropped.bands - 1).min() < 255:
            return Portrait(encode(cropped, ImageFormat.IMAGE_FORMAT_PNG, FAST), "image/png")
        return Portrait(encode(cropped, ImageFormat.IMAGE_FORMAT_JPEG, FAST), "image/jpeg")


def _wide_part(picture: pyvips.Image, side: int) -> pyvips.Image:
    part = picture.thumbnail_image(side, height=side, size="both", crop="attention")
    return part.thumbnail_image(side, height=side, size="force").copy_memory()


def _square(picture: pyvips.Image, focus: tuple[float, float] | None) -> tuple[int, int, int]:
    """Return left, top and side of the part of a picture to show."""
    width, height = picture.width, picture.height
    edge = min(width, height)
    if focus is not None:
        x, y = focus[0] * width, focus[1] * height
        return _within(round(x - edge / 2), width - edge), _within(round(y - edge / 2), height - edge), edge
    return 0, _within(_first_row(picture) - round(edge * _MARGIN), height - edge), edge


def _first_row(picture: pyvips.Image) -> int:
    """Return the first row with anything but plain ground: transparency, or the color of the upper left corner."""
    if min(picture.width, picture.height) < _LEAST_SIDE:
        return 0
    if picture.hasalpha():
        ground, plane = 0, picture.extract_band(picture.bands - 1)
    else:
        ground, plane = picture(0, 0), picture
    _, top, _, height = plane.find_trim(background=ground, threshold=_DIFFERENCE)
    return int(top) if height else 0


def _within(value: int, limit: int) -> int:
    return max(0, min(value, limit))
