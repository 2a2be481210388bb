"""Metadata is replaced without encoding a picture again, where that is possible."""

from __future__ import annotations

import asyncio

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc import pictures
from image_grpc.pictures import xmp
from image_grpc.pictures.containers import replace_metadata
from image_grpc.pictures.encoding import STORED, encode
from tests.pictures.corpus import Sample, chunk, raw_png, samples, scene, with_chunks
from tests.pictures.samples import JPEG, PNG, WEBP, pixels, png

OURS: xmp.Properties = {"xmp:CreatorTool": ("our own",)}
XMP = xmp.packet(OURS)
SIDE = 16
FORMATS = {PNG: ".png", JPEG: ".jpg", WEBP: ".webp"}
FILES = [sample for sample in samples() if pictures.describe(sample.data).format in FORMATS]
every_file = pytest.mark.parametrize("sample", FILES, ids=[sample.name for sample in FILES])


def blob(data: bytes, name: str) -> bytes | None:
    picture = pyvips.Image.new_from_buffer(data, "")
    return bytes(picture.get(name)) if picture.get_typeof(name) else None


@every_file
@pytest.mark.parametrize("packet", [XMP, b""], ids=["packet", "nothing"])
def test_metadata_is_replaced_and_the_pixels_stay(sample: Sample, packet: bytes) -> None:
    replaced = replace_metadata(sample.data, pictures.describe(sample.data).format, packet)
    if replaced is None:
        assert sample.name == "animated-webp"
        return
    assert (blob(replaced, "xmp-data") or b"") == packet
    if "profile" not in sample.name and not sample.name.startswith(("cmyk", "orientation")):
        assert pixels(replaced) == pixels(sample.data)


@every_file
def test_replacing_again_changes_nothing(sample: Sample) -> None:
    format_ = pictures.describe(sample.data).format
    once = replace_metadata(sample.data, format_, XMP)
    if once is not None:
        assert replace_metadata(once, format_, XMP) == once


@pytest.mark.parametrize("format_", FORMATS, ids=FORMATS.values())
def test_a_packet_that_an_encoder_wrote_stays_where_it_is(format_: ImageFormat) -> None:
    picture = pyvips.Image.new_from_array(scene()).copy(interpretation="srgb").copy_memory()
    data = encode(picture, format_, STORED, XMP)
    assert replace_metadata(data, format_, XMP) == data


@pytest.mark.parametrize("format_", FORMATS, ids=FORMATS.values())
def test_what_follows_the_picture_is_removed(format_: ImageFormat) -> None:
    data = pyvips.Image.new_from_array(scene()).copy(interpretation="srgb").write_to_buffer(FORMATS[format_])
    replaced = replace_metadata(data + b"a video of somebody", format_, b"")
    assert replaced is not None
    assert b"somebody" not in replaced
    assert pixels(replaced) == pixels(data)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP", b"\x89PNG\r\n\x1a\n"])
@pytest.mark.parametrize("format_", FORMATS, ids=FORMATS.values())
def test_files_without_a_picture_cannot_be_replaced(data: bytes, format_: ImageFormat) -> None:
    assert replace_metadata(data, format_, XMP) is None


@given(sample=st.sampled_from(FILES), data=st.data())
def test_damaged_files_raise_nothing(sample: Sample, data: st.DataObject) -> None:
    damaged = bytearray(sample.data)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for format_ in FORMATS:
        replace_metadata(bytes(damaged[:cut]), format_, XMP)
        replace_metadata(bytes(damaged), format_, XMP)


async def fit(data: bytes, side: int = SIDE) -> bytes:
    size = Size(width=side, height=side)
    return await pictures.fit(data, size, ImageFormat.IMAGE_FORMAT_PNG, lambda kept: {**kept, **OURS})


async def test_a_picture_that_fits_is_stored_as_it_was_encoded() -> None:
    data = png(SIDE, options="compression=0")  # as we would not encode it
    assert data[-SIDE * SIDE * 3 :] in await fit(data)


async def test_a_picture_that_fits_and_is_damaged_is_refused() -> None:
    data = png(SIDE)
    for damaged in (data[: len(data) // 2], data[:-40] + b"\x00" * 20 + data[-20:]):
        with pytest.raises(pictures.BadPicture):
            await fit(damaged)


async def test_other_sizes_are_scaled() -> None:
    assert pictures.size_of(await fit(png(SIDE), SIDE // 2)) == (SIDE // 2, SIDE // 2)


def test_both_ways_result_in_the_same_pixels() -> None:
    picture = pyvips.Image.new_from_buffer(png(SIDE), "")
    deep = raw_png(picture.numpy().astype("uint16") * 257, 16, 2)  # has to be encoded
    assert pixels(asyncio.run(fit(png(SIDE)))) == pixels(asyncio.run(fit(deep)))


def test_a_comment_is_removed() -> None:
    replaced = replace_metadata(with_chunks(png(SIDE), (b"tEXt", b"Comment\x00a prompt")), PNG, b"")
    assert replaced is not None
    assert b"a prompt" not in replaced


def test_xmp_of_a_png_is_where_readers_look_for_it() -> None:
    picture = pyvips.Image.new_from_array(scene()).copy(interpretation="srgb")
    assert b"iTXtXML:com.adobe.xmp" + bytes(5) + XMP in encode(picture, PNG, STORED, XMP)


MANY = 300_000


@pytest.mark.parametrize(
    ("data", "format_"),
    [
        (png(SIDE)[:33] + chunk(b"prVt") * MANY + png(SIDE)[33:], PNG),
        (b"\xff\xd8" + b"\xff\xe5\x00\x02" * MANY, JPEG),
        (b"\xff\xd8" + b"\xff" * 10_000_000, JPEG),
        (b"RIFF" + (8 * MANY + 4).to_bytes(4, "little") + b"WEBP" + b"abcd\0\0\0\0" * MANY, WEBP),
    ],
    ids=["chunks", "segments", "fill", "webp"],
)
def test_files_of_nothing_are_not_read_to_their_end(data: bytes, format_: ImageFormat) -> None:
    assert replace_metadata(data, format_, XMP) is None


def test_contents_beyond_their_length_are_dropped() -> None:
    data = png(SIDE)[:-12] + chunk(b"IEND", b"a secret")
    replaced = replace_metadata(data, PNG, b"")
    assert replaced is not None
    assert b"a secret" not in replaced
