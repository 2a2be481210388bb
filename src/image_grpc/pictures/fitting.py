"""Scaling and cropping of pictures to an exact size."""

import asyncio

from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures.decoding import opened
from image_grpc.pictures.encoding import STORED_ENCODINGS, encode, without_xmp


async def fit(data: bytes, size: Size, format_: ImageFormat, *, xmp: bytes = b"") -> bytes:
    """Scale a picture to cover `size`, crop it around its center, and encode it.

    Its metadata is replaced by `xmp`. Raises BadPicture.
    """
    return await asyncio.to_thread(_fit, data, size.width, size.height, format_, xmp)


def square(data: bytes, side: int) -> bytes:
    """Return the middle of a picture, scaled to a square of `side` pixels, as JPEG.

    Takes time: call it in a worker thread. Raises BadPicture.
    """
    return _fit(data, side, side, ImageFormat.IMAGE_FORMAT_JPEG, b"")


def _fit(data: bytes, width: int, height: int, format_: ImageFormat, xmp: bytes) -> bytes:
    with opened(data) as picture:
        # thumbnail_buffer ignores fail_on, and would accept truncated pictures.
        fitted = picture.thumbnail_image(width, height=height, size="both", crop="centre")
        if (fitted.width, fitted.height) != (width, height):  # rounding, at extreme ratios
            fitted = fitted.resize(width / fitted.width, vscale=height / fitted.height)
            fitted = fitted.crop(0, 0, width, height)
        return encode(without_xmp(fitted), STORED_ENCODINGS[format_], xmp)
