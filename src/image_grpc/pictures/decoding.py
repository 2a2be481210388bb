"""Decoding of pictures from untrusted sources."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pyvips

from image_grpc.pictures.header import BadPicture, Description, describe

RETRY_DELAY = 1.0
"""Seconds after which a download may be repeated that was damaged on its way."""


@contextmanager
def opened(data: bytes) -> Iterator[pyvips.Image]:
    """Open a picture, which libvips decodes when its pixels are used within the block.

    Raises BadPicture if it is not acceptable, truncated or damaged.
    """
    describe(data)
    try:
        yield pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="truncated")
    except pyvips.Error as error:
        raise BadPicture("the picture is damaged", retry_delay=RETRY_DELAY) from error


async def check(data: bytes) -> Description:
    """Decode a picture to verify that it is complete. Raises BadPicture."""
    return await asyncio.to_thread(_check, data)


def _check(data: bytes) -> Description:
    with opened(data) as picture:
        picture.avg()
    return describe(data)
