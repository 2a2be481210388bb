"""Header checks: formats, sizes, and bytes that are not pictures."""

from __future__ import annotations

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin.damage import HTML_PAGE, huge_png
from image_grpc.pictures import BadPicture, Description, View, describe, fit, render, size_of
from image_grpc.pictures.decoding import MAX_PIXELS, MAX_SIDE
from tests.pictures.samples import PNG, every_format, noise


@every_format
def test_format_and_size_are_read_from_the_header(format_: ImageFormat) -> None:
    whole = noise(123, 45, format_)
    assert describe(whole) == Description(format_, 123, 45)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a picture",
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        b"<!--    WEBP -->" + SVG,
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
def test_other_formats_are_rejected(data: bytes) -> None:
    with pytest.raises(BadPicture):
        describe(data)


SIGNATURES = [b"", b"GIF89a", b"\0\0\0\x1cftypavif", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP"]


@given(st.binary(max_size=200), st.sampled_from(SIGNATURES))
def test_any_bytes_are_rejected_without_another_error(data: bytes, start: bytes) -> None:
    with pytest.raises(BadPicture):
        describe(start + data)


async def test_a_picture_of_40000_pixels_a_side_is_not_decoded() -> None:
    huge = huge_png()
    with pytest.raises(BadPicture, match="40000 x 40000") as rejected:
        await fit(huge, Size(width=64, height=64), PNG)
    assert rejected.value.retry_delay is None
    with pytest.raises(BadPicture, match="40000 x 40000"):
        render(huge, View(format=PNG))


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (8192, 4097)])
def test_a_side_or_an_area_above_the_limit_is_rejected(width: int, height: int) -> None:
    with pytest.raises(BadPicture, match=f"limits are {MAX_SIDE} per side and {MAX_PIXELS} in total"):
        describe(pyvips.Image.black(width, height).write_to_buffer(".png"))


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE, 1), (1, MAX_SIDE), (8192, 4096)])
def test_a_side_and_an_area_up_to_the_limit_are_accepted(width: int, height: int) -> None:
    data = pyvips.Image.black(width, height).write_to_buffer(".png")
    assert describe(data) == Description(PNG, width, height)
    assert size_of(data) == (width, height)
