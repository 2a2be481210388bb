"""Pictures for tests."""

from __future__ import annotations

import pytest
import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

PNG, JPEG, WEBP, AVIF = (
    ImageFormat.IMAGE_FORMAT_PNG,
    ImageFormat.IMAGE_FORMAT_JPEG,
    ImageFormat.IMAGE_FORMAT_WEBP,
    ImageFormat.IMAGE_FORMAT_AVIF,
)
FORMATS = [PNG, JPEG, WEBP]
SUFFIX = {PNG: ".png", JPEG: ".jpg", WEBP: ".webp"}
every_format = pytest.mark.parametrize("format_", FORMATS, ids=[SUFFIX[format_] for format_ in FORMATS])


def noise(width: int, height: int, format_: ImageFormat = PNG, bands: int = 3) -> bytes:
    """Return an encoded picture of noise."""
    band = pyvips.Image.gaussnoise(width, height, mean=128, sigma=40).cast("uchar")
    data: bytes = band.bandjoin([band] * (bands - 1)).write_to_buffer(SUFFIX[format_])
    return data


def decoded(data: bytes) -> pyvips.Image:
    """Decode a picture. Raises pyvips.Error if it is damaged."""
    return pyvips.Image.new_from_buffer(data, "", fail_on="warning").copy_memory()


def transparent() -> bytes:
    """Return a transparent PNG picture."""
    pixels = pyvips.Image.black(64, 64, bands=4).copy(interpretation="srgb").cast("uchar")
    data: bytes = pixels.write_to_buffer(".png")
    return data


def png(side: int, *, options: str = "") -> bytes:
    """Return a square PNG picture of noise without metadata."""
    band = pyvips.Image.gaussnoise(side, side, mean=128, sigma=40, seed=1).cast("uchar")
    picture = band.bandjoin([band, band]).copy(interpretation="srgb")
    data: bytes = picture.write_to_buffer(f".png[{options}]", keep="none")
    return data


def pixels(data: bytes) -> bytes:
    """Return the decoded pixels of a picture."""
    picture: pyvips.Image = pyvips.Image.new_from_buffer(data, "")
    return bytes(picture.write_to_memory())
