"""Encoding of pictures: options for each purpose, and one XMP packet as the only metadata."""

from collections.abc import Mapping

import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.messages import enum_label
from image_grpc.pictures.containers import png

Options = Mapping[ImageFormat, str]
"""Suffixes and options of libvips by format. In JPEG, transparent areas become white."""

STORED: Options = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=3]",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg[Q=90,optimize_coding=true,background=255]",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=88,effort=3]",
    ImageFormat.IMAGE_FORMAT_AVIF: ".avif[Q=75,effort=2]",
}
"""For pictures that are stored."""
FAST: Options = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=1]",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg[Q=85,background=255]",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=75,effort=0]",
    ImageFormat.IMAGE_FORMAT_AVIF: ".avif[Q=55,effort=1]",
}
"""For pictures that a caller waits for: speed matters more than size."""
PLACED: Options = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png[compression=1]",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp[Q=88,effort=0]",
}
"""For pictures that a caller waits for and then keeps."""


def media_type(format_: ImageFormat) -> str:
    """Return the media type of a format."""
    return f"image/{enum_label(ImageFormat, format_)}"


def encode(picture: pyvips.Image, format_: ImageFormat, options: Options, packet: bytes = b"") -> bytes:
    """Encode a picture with `packet` as its only metadata. Takes time. Raises pyvips.Error."""
    if packet and format_ == ImageFormat.IMAGE_FORMAT_PNG:
        plain: bytes = picture.write_to_buffer(options[format_], keep="none")
        return png.with_xmp(plain, packet)  # libpng would write a chunk in Latin-1, where few look for XMP
    if packet:
        picture = picture.copy()
        picture.set_type(pyvips.GValue.blob_type, "xmp-data", packet)
    data: bytes = picture.write_to_buffer(options[format_], keep="xmp" if packet else "none")
    return data
