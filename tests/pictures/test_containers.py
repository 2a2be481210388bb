"""Metadata is replaced without encoding a picture again, where that is possible."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc import pictures
from image_grpc.pictures import containers, xmp
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


SOUND = pyvips.Image.black(900, 700, bands=3).copy(interpretation="srgb")
"""Its pixels are 1.9 MB in one small chunk."""


def rgb_png(pixels: bytes, width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("compression", [0, 1, 9])
@pytest.mark.parametrize("picture", [SOUND, pyvips.Image.gaussnoise(900, 700, seed=1).bandjoin([0, 9]).cast("uchar")])
def test_a_complete_picture_is_known_without_decoding_it(picture: pyvips.Image, compression: int, alpha: bool) -> None:
    drawn = picture.copy(interpretation="srgb").bandjoin(128) if alpha else picture.copy(interpretation="srgb")
    assert containers.png.is_complete(drawn.write_to_buffer(f".png[compression={compression}]", keep="none")) is True


@pytest.mark.parametrize("options", [{"interlace": True}, {"bitdepth": 16}, {"palette": True}], ids=str)
def test_other_pictures_have_to_be_decoded(options: dict[str, Any]) -> None:
    assert containers.png.is_complete(SOUND.cast("ushort").pngsave_buffer(**options)) is None


ROWS = b"\0" + b"abc" * 4
DAMAGED = {
    "a row is missing": zlib.compress(ROWS * 2),
    "a row too many": zlib.compress(ROWS * 4),
    "a byte is missing": zlib.compress((ROWS * 3)[:-1]),
    "the end is missing": zlib.compress(ROWS * 3)[:-1],
    "another checksum": zlib.compress(ROWS * 3)[:-1] + b"x",
    "something follows": zlib.compress(ROWS * 3) + b"x",
    "an unknown filter": zlib.compress(ROWS * 2 + b"\5" + ROWS[1:]),
    "not compressed": ROWS * 3,
    "nothing": b"",
}


@pytest.mark.parametrize("pixels", DAMAGED.values(), ids=DAMAGED)
async def test_a_damaged_picture_with_valid_checksums_is_rejected(pixels: bytes) -> None:
    data = rgb_png(pixels, 4, 3)
    assert containers.png.is_complete(data) is False
    with pytest.raises(pictures.BadPicture, match="damaged"):
        await pictures.fit(data, Size(width=4, height=3), PNG)


@pytest.mark.parametrize("rest", [b"x", b"x" * 3_000_000])
def test_what_follows_the_pixels_of_a_large_picture_is_noticed(rest: bytes) -> None:
    pixels = zlib.compress(bytes((1 + 3 * 900) * 700))
    assert containers.png.is_complete(rgb_png(pixels, 900, 700)) is True
    assert containers.png.is_complete(rgb_png(pixels + rest, 900, 700)) is False


async def test_the_same_picture_without_damage_is_accepted() -> None:
    data = rgb_png(zlib.compress(ROWS * 3), 4, 3)
    assert containers.png.is_complete(data) is True
    assert pictures.describe(await pictures.fit(data, Size(width=4, height=3), PNG)).width == 4


@given(st.data())
def test_a_complete_picture_can_be_decoded(data: st.DataObject) -> None:
    whole = zlib.compress(ROWS * 3)
    start, length = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, 4))
    changed = whole[:start] + data.draw(st.binary(max_size=4)) + whole[start + length :]
    file = rgb_png(changed, 4, 3)
    if containers.png.is_complete(file):
        pyvips.Image.new_from_buffer(file, "", fail_on="warning").avg()
