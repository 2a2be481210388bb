"""Fitting: exact sizes and formats, cropping, transparency, metadata, damaged pictures."""

from __future__ import annotations

import asyncio

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.pictures import BadPicture, Description, describe, fit
from tests.pictures.samples import FORMATS, JPEG, PNG, WEBP, decoded, every_format, noise, transparent

formats = st.sampled_from(FORMATS)
SOURCE = noise(512, 512)


@pytest.mark.parametrize(
    ("width", "height", "format_"),
    [
        (333, 777, WEBP),
        (32, 4096, PNG),
        (4096, 32, PNG),
        (32, 4096, JPEG),
        (4096, 32, WEBP),
        (32, 32, JPEG),
        (1, 1, PNG),
    ],
)
async def test_a_fitted_picture_has_the_exact_size_and_format(width: int, height: int, format_: ImageFormat) -> None:
    fitted = await fit(SOURCE, Size(width=width, height=height), format_)
    assert describe(fitted) == Description(format_, width, height)
    image = decoded(fitted)
    assert (image.width, image.height) == (width, height)


@settings(max_examples=60)
@given(st.integers(32, 600), st.integers(32, 600), formats)
def test_any_size_and_format_is_exact(width: int, height: int, format_: ImageFormat) -> None:
    fitted = asyncio.run(fit(SOURCE, Size(width=width, height=height), format_))
    image = decoded(fitted)
    assert describe(fitted) == Description(format_, image.width, image.height)
    assert (image.width, image.height) == (width, height)


@settings(max_examples=40)
@given(st.integers(8, 300), st.integers(8, 300), formats, st.integers(32, 300), st.integers(32, 300))
def test_pictures_of_any_size_and_format_are_fitted(
    across: int, down: int, source: ImageFormat, width: int, height: int
) -> None:
    fitted = asyncio.run(fit(noise(across, down, source), Size(width=width, height=height), PNG))
    assert describe(fitted) == Description(PNG, width, height)


async def test_a_picture_is_cropped_around_its_center_and_not_distorted() -> None:
    black = pyvips.Image.black(100, 100, bands=3)
    side, middle = black.linear(1, [255, 0, 0]), black.linear(1, [0, 255, 0])
    wide = pyvips.Image.arrayjoin([side, middle, side]).cast("uchar").write_to_buffer(".png")
    image = decoded(await fit(wide, Size(width=50, height=50), PNG))
    for x, y in ((5, 5), (45, 45), (25, 25)):
        assert image(x, y) == [0, 255, 0]


async def test_transparency_becomes_white_in_a_jpeg() -> None:
    image = decoded(await fit(transparent(), Size(width=32, height=32), JPEG))
    assert image.bands == 3
    assert image(16, 16) == [255, 255, 255]


@pytest.mark.parametrize("format_", [PNG, WEBP])
async def test_transparency_is_kept_by_formats_that_support_it(format_: ImageFormat) -> None:
    fitted = await fit(transparent(), Size(width=32, height=32), format_)
    assert decoded(fitted)(16, 16)[3] == 0


@pytest.mark.parametrize("bands", [1, 2])
@every_format
async def test_gray_pictures_are_fitted(format_: ImageFormat, bands: int) -> None:
    fitted = await fit(noise(80, 60, PNG, bands), Size(width=64, height=64), format_)
    assert describe(fitted) == Description(format_, 64, 64)


async def test_pictures_of_16_bits_are_fitted() -> None:
    deep = (decoded(SOURCE).cast("ushort") * 256).copy(interpretation="rgb16").write_to_buffer(".png")
    for format_ in FORMATS:
        fitted = await fit(deep, Size(width=64, height=64), format_)
        assert describe(fitted) == Description(format_, 64, 64)


@every_format
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
async def test_truncated_pictures_are_rejected(format_: ImageFormat, part: float) -> None:
    whole = noise(400, 400, format_)
    with pytest.raises(BadPicture) as damaged:
        await fit(whole[: int(len(whole) * part)], Size(width=64, height=64), PNG)
    assert damaged.value.retry_delay is not None, "the next download may be complete"


async def test_pictures_with_damaged_pixels_are_rejected() -> None:
    whole = noise(400, 400, PNG)
    middle = len(whole) // 2
    with pytest.raises(BadPicture):
        await fit(whole[:middle] + bytes(5000) + whole[middle + 5000 :], Size(width=64, height=64), PNG)
