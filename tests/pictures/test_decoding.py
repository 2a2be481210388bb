"""Decoding: complete pictures are accepted, damaged ones rejected."""

from __future__ import annotations

import pytest
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures import BadPicture, Description, check
from tests.pictures.samples import every_format, noise


@every_format
async def test_a_complete_picture_is_described(format_: ImageFormat) -> None:
    assert await check(noise(120, 80, format_)) == Description(format_, 120, 80)


@every_format
async def test_a_truncated_picture_is_rejected(format_: ImageFormat) -> None:
    data = noise(120, 80, format_)
    with pytest.raises(BadPicture, match="damaged"):
        await check(data[: len(data) // 2])
