from __future__ import annotations

import asyncio

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin.damage import HTML_PAGE, huge_png
from image_grpc.pictures import MAX_SIDE, BadPicture, Description, describe, fit, render

PNG, JPEG, WEBP = (
    ImageFormat.IMAGE_FORMAT_PNG,
    ImageFormat.IMAGE_FORMAT_JPEG,
    ImageFormat.IMAGE_FORMAT_WEBP,
)
FORMATS = [PNG, JPEG, WEBP]
SUFFIX = {PNG: ".png", JPEG: ".jpg", WEBP: ".webp"}
formats = st.sampled_from(FORMATS)
every_format = pytest.mark.parametrize("format_", FORMATS, ids=[SUFFIX[each] for each in FORMATS])


def drawn(width: int, height: int, format_: ImageFormat = PNG, bands: int = 3) -> bytes:
    """A picture with something to see all over it."""
    noise = pyvips.Image.gaussnoise(width, height, mean=128, sigma=40).cast("uchar")
    data: bytes = noise.bandjoin([noise] * (bands - 1)).write_to_buffer(SUFFIX[format_])
    return data


SOURCE = drawn(512, 512)


def decoded(data: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(data, "", fail_on="warning").copy_memory()


# Fit


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
async def test_a_picture_gets_exactly_the_size_and_format(width: int, height: int, format_: ImageFormat) -> None:
    fitted = await fit(SOURCE, Size(width=width, height=height), format_)
    assert describe(fitted) == Description(format_, width, height)
    image = decoded(fitted)
    assert (image.width, image.height) == (width, height)


@settings(max_examples=60)
@given(st.integers(32, 600), st.integers(32, 600), formats)
def test_any_size_and_format_is_met_exactly(width: int, height: int, format_: ImageFormat) -> None:
    fitted = asyncio.run(fit(SOURCE, Size(width=width, height=height), format_))
    image = decoded(fitted)
    assert describe(fitted) == Description(format_, image.width, image.height)
    assert (image.width, image.height) == (width, height)


@settings(max_examples=40)
@given(st.integers(8, 300), st.integers(8, 300), formats, st.integers(32, 300), st.integers(32, 300))
def test_whatever_was_drawn_is_fitted(across: int, down: int, was: ImageFormat, width: int, height: int) -> None:
    fitted = asyncio.run(fit(drawn(across, down, was), Size(width=width, height=height), PNG))
    assert describe(fitted) == Description(PNG, width, height)


async def test_a_picture_is_cropped_about_its_centre_and_not_distorted() -> None:
    black = pyvips.Image.black(100, 100, bands=3)
    side, middle = black.linear(1, [255, 0, 0]), black.linear(1, [0, 255, 0])
    wide = pyvips.Image.arrayjoin([side, middle, side]).cast("uchar").write_to_buffer(".png")
    image = decoded(await fit(wide, Size(width=50, height=50), PNG))
    for x, y in ((5, 5), (45, 45), (25, 25)):
        assert image(x, y) == [0, 255, 0]


async def test_transparency_becomes_white_in_a_jpeg() -> None:
    transparent = pyvips.Image.black(64, 64, bands=4).copy(interpretation="srgb").cast("uchar")
    fitted = await fit(transparent.write_to_buffer(".png"), Size(width=32, height=32), JPEG)
    image = decoded(fitted)
    assert image.bands == 3
    assert image(16, 16) == [255, 255, 255]


@pytest.mark.parametrize("format_", [PNG, WEBP])
async def test_transparency_stays_where_the_format_has_it(format_: ImageFormat) -> None:
    transparent = pyvips.Image.black(64, 64, bands=4).copy(interpretation="srgb").cast("uchar")
    fitted = await fit(transparent.write_to_buffer(".png"), Size(width=32, height=32), format_)
    assert decoded(fitted)(16, 16)[3] == 0


@every_format
async def test_metadata_is_dropped(format_: ImageFormat) -> None:
    image = decoded(SOURCE)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "somebody (somebody, ASCII)")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x>a place</x>")
    told = image.write_to_buffer(".jpg")
    assert b"somebody" in told
    assert b"a place" in told
    fitted = await fit(told, Size(width=64, height=64), format_)
    assert b"somebody" not in fitted
    assert b"a place" not in fitted


@pytest.mark.parametrize("bands", [1, 2])
@every_format
async def test_a_grey_picture_is_fitted_too(format_: ImageFormat, bands: int) -> None:
    fitted = await fit(drawn(80, 60, PNG, bands), Size(width=64, height=64), format_)
    assert describe(fitted) == Description(format_, 64, 64)


async def test_a_picture_of_16_bits_is_fitted_too() -> None:
    deep = (decoded(SOURCE).cast("ushort") * 256).copy(interpretation="rgb16").write_to_buffer(".png")
    for format_ in FORMATS:
        fitted = await fit(deep, Size(width=64, height=64), format_)
        assert describe(fitted) == Description(format_, 64, 64)


@every_format
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
async def test_a_truncated_picture_is_found(format_: ImageFormat, part: float) -> None:
    whole = drawn(400, 400, format_)
    with pytest.raises(BadPicture) as damaged:
        await fit(whole[: int(len(whole) * part)], Size(width=64, height=64), PNG)
    assert damaged.value.retry_delay is not None, "the next download may be whole"


async def test_a_picture_with_damaged_pixels_is_found() -> None:
    whole = drawn(400, 400, PNG)
    middle = len(whole) // 2
    with pytest.raises(BadPicture):
        await fit(whole[:middle] + bytes(5000) + whole[middle + 5000 :], Size(width=64, height=64), PNG)


# Describe


@every_format
def test_a_picture_is_described_by_its_header(format_: ImageFormat) -> None:
    whole = drawn(123, 45, format_)
    assert describe(whole) == Description(format_, 123, 45)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"nothing of the kind",
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"<!--    WEBP -->" + SVG,
        pyvips.Image.black(9, 9).write_to_buffer(".gif"),
        pyvips.Image.black(9, 9).write_to_buffer(".tif"),
        HTML_PAGE.encode(),
        b"%PDF-1.7",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"\x89PNG\r\n\x1a\n" + SVG,
    ],
)
def test_what_is_no_png_jpeg_or_webp_is_refused(data: bytes) -> None:
    with pytest.raises(BadPicture):
        describe(data)


STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP"]


@given(st.binary(max_size=200), st.sampled_from(STARTS))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes, start: bytes) -> None:
    with pytest.raises(BadPicture):
        describe(start + data)


async def test_a_picture_of_40000_pixels_a_side_is_not_decoded() -> None:
    huge = huge_png()
    with pytest.raises(BadPicture, match="40000 x 40000") as refused:
        await fit(huge, Size(width=64, height=64), PNG)
    assert refused.value.retry_delay is None
    with pytest.raises(BadPicture, match="40000 x 40000"):
        render(huge, PNG)


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (7000, 7000)])
def test_a_side_or_an_area_that_is_not_sane_is_refused(width: int, height: int) -> None:
    with pytest.raises(BadPicture):
        describe(pyvips.Image.black(width, height).write_to_buffer(".png"))
