"""Decoding: complete pictures are accepted, damaged ones rejected."""

from __future__ import annotations

import asyncio
import threading

import pytest
import pyvips
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.pictures import BadPicture, Description, check, decoding
from image_grpc.pictures.decoding import decode_all, opened
from image_grpc.workers import Abandoned, Workers
from image_grpc_testkit.eventually import eventually
from tests.pictures.samples import every_format, noise


@every_format
async def test_a_complete_picture_is_described(format_: ImageFormat) -> None:
    assert await check(noise(120, 80, format_)) == Description(format_, 120, 80)


@every_format
async def test_a_truncated_picture_is_rejected(format_: ImageFormat) -> None:
    data = noise(120, 80, format_)
    with pytest.raises(BadPicture, match="damaged"):
        await check(data[: len(data) // 2])


async def test_a_progressive_jpeg_of_many_scans_is_rejected_before_it_is_decoded() -> None:
    """Each scan is a pass over the whole picture: 100,000 of them in 3 MB would take minutes."""
    progressive: bytes = pyvips.Image.gaussnoise(64, 64, seed=1).cast("uchar").jpegsave_buffer(interlace=True)
    assert (await check(progressive)).format == ImageFormat.IMAGE_FORMAT_JPEG
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadPicture, match="the limit is 200"):
        await check(progressive[:-2] + scan * 200 + progressive[-2:])


async def test_decoding_ends_with_its_caller() -> None:
    picture, started, ended = noise(2000, 2000, ImageFormat.IMAGE_FORMAT_PNG), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        try:
            while True:
                with opened(picture) as decoded:
                    decode_all(decoded)
        except Abandoned:
            ended.set()

    call = asyncio.create_task(Workers("test", 1).run(work))
    await eventually(started.is_set, "decoding begins")
    call.cancel()
    await eventually(ended.is_set, "decoding ends")


async def test_decoding_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_DECODE_SECONDS", 0.000_001)
    with pytest.raises(BadPicture, match="takes more than"):
        await check(noise(2000, 2000, ImageFormat.IMAGE_FORMAT_PNG))
