"""Encoding of pictures."""

from dataclasses import dataclass, field
from typing import Any

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

XMP = "xmp-data"
"""Metadata field of libvips that has the XMP packet."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """File suffix and options of a libvips saver."""

    suffix: str
    options: dict[str, Any] = field(default_factory=dict)


STORED_ENCODINGS = {
    ImageFormat.IMAGE_FORMAT_PNG: Encoding(".png", {"compression": 3}),
    ImageFormat.IMAGE_FORMAT_JPEG: Encoding(".jpg", {"Q": 90, "optimize_coding": True, "background": [255]}),
    ImageFormat.IMAGE_FORMAT_WEBP: Encoding(".webp", {"Q": 88, "effort": 3}),
}
"""For pictures that are stored."""
FAST_ENCODINGS = {
    ImageFormat.IMAGE_FORMAT_PNG: Encoding(".png", {"compression": 1}),
    ImageFormat.IMAGE_FORMAT_JPEG: Encoding(".jpg", {"Q": 85, "background": [255]}),
    ImageFormat.IMAGE_FORMAT_WEBP: Encoding(".webp", {"Q": 75, "effort": 0}),
    ImageFormat.IMAGE_FORMAT_AVIF: Encoding(".avif", {"Q": 55, "effort": 1}),
}
"""For pictures that a caller waits for: speed matters more than size."""


def encode(picture: pyvips.Image, encoding: Encoding, xmp: bytes = b"") -> bytes:
    """Encode a picture with its XMP packet, or with another one if `xmp` is given, and without other metadata."""
    if xmp:
        picture = picture.copy()
        picture.set_type(pyvips.GValue.blob_type, XMP, xmp)
    data: bytes = picture.write_to_buffer(encoding.suffix, keep="xmp", **encoding.options)
    return data


def without_xmp(picture: pyvips.Image) -> pyvips.Image:
    """Return a copy of a picture without its XMP packet."""
    picture = picture.copy()
    if XMP in picture.get_fields():
        picture.remove(XMP)
    return picture
