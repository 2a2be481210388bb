"""Metadata is replaced without encoding a picture again, where that is possible."""

from __future__ import annotations

import asyncio
import zlib

import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc import pictures
from image_grpc.pictures.png_metadata import replace_metadata

XMP = b"<x:xmpmeta>our own</x:xmpmeta>"
SIDE = 16


def png(bands: int = 3, *, options: str = "", **metadata: bytes) -> bytes:
    picture = pyvips.Image.gaussnoise(SIDE, SIDE, mean=128, sigma=40).cast("uchar")
    picture = (
        picture.bandjoin([picture] * (bands - 1)).copy(interpretation="srgb" if bands > 2 else "b-w").copy_memory()
    )
    for name, value in metadata.items():
        picture.set_type(pyvips.GValue.blob_type, name.replace("_", "-"), value)
    data: bytes = picture.write_to_buffer(f".png[{options}]")
    return data


def with_chunk(data: bytes, name: bytes, content: bytes) -> bytes:
    """Return a PNG picture with another chunk after its header."""
    chunk = len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


SAMPLE = with_chunk(png(), b"tEXt", b"Comment\x00a prompt")


def pixels(data: bytes) -> bytes:
    picture: pyvips.Image = pyvips.Image.new_from_buffer(data, "")
    return bytes(picture.write_to_memory())


def blob(data: bytes, name: str) -> bytes | None:
    picture = pyvips.Image.new_from_buffer(data, "")
    return bytes(picture.get(name)) if picture.get_typeof(name) else None


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize("metadata", [{}, {"xmp_data": b"<x:xmpmeta>of another</x:xmpmeta>"}], ids=["none", "xmp"])
def test_our_metadata_replaces_that_of_others_and_the_pixels_stay(bands: int, metadata: dict[str, bytes]) -> None:
    data = with_chunk(png(bands, **metadata), b"tEXt", b"Comment\x00a prompt")
    replaced = replace_metadata(data, XMP)
    assert replaced is not None
    assert blob(replaced, "xmp-data") == XMP
    assert b"a prompt" not in replaced
    assert b"of another" not in replaced
    assert pixels(replaced) == pixels(data)


def test_without_metadata_only_the_picture_remains() -> None:
    data = png()
    replaced = replace_metadata(with_chunk(data, b"tEXt", b"Comment\x00a prompt"), b"")
    assert replaced is not None
    assert blob(replaced, "xmp-data") is None
    assert b"a prompt" not in replaced
    assert pixels(replaced) == pixels(data)


@pytest.mark.parametrize(
    "data",
    [
        png(1),
        png(2),
        png(options="interlace=true"),
        png(options="palette=true"),
        png(options="bitdepth=16"),
        with_chunk(png(), b"iCCP", b"profile"),
        with_chunk(png(), b"gAMA", (45_455).to_bytes(4, "big")),
        with_chunk(png(), b"acTL", b"\x00" * 8),
        SAMPLE[:40] + b"?" + SAMPLE[41:],
        b"\xff\xd8\xff",
        b"",
    ],
    ids=[
        "gray",
        "gray and alpha",
        "interlaced",
        "palette",
        "16 bits",
        "profile",
        "gamma",
        "animated",
        "damaged",
        "JPEG",
        "empty",
    ],
)
def test_other_pictures_must_be_encoded(data: bytes) -> None:
    assert replace_metadata(data, XMP) is None


@given(data=st.data())
def test_damaged_pictures_raise_nothing(data: st.DataObject) -> None:
    picture = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        picture[data.draw(st.integers(0, len(picture) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(picture)))
    replace_metadata(bytes(picture[:cut]), XMP)


async def fit(data: bytes, side: int = SIDE) -> bytes:
    return await pictures.fit(data, Size(width=side, height=side), ImageFormat.IMAGE_FORMAT_PNG, xmp=XMP)


async def test_a_picture_that_fits_is_stored_as_it_was_encoded() -> None:
    data = png(options="compression=0")  # as we would not encode it
    assert data[-SIDE * SIDE * 3 :] in await fit(data)


async def test_a_picture_that_has_to_be_turned_is_encoded() -> None:
    upright, turned = pyvips.Image.new_from_buffer(png(), ""), pyvips.Image.new_from_buffer(png(), "").copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    fitted = await fit(turned.write_to_buffer(".png"))
    assert pixels(fitted) == bytes(turned.autorot().write_to_memory())
    assert pixels(fitted) != bytes(upright.write_to_memory())


async def test_a_picture_that_fits_and_is_damaged_is_refused() -> None:
    data = png()
    for damaged in (data[: len(data) // 2], data[:-40] + b"\x00" * 20 + data[-20:]):
        with pytest.raises(pictures.BadPicture):
            await fit(damaged)


async def test_other_sizes_are_scaled() -> None:
    assert pictures.size_of(await fit(png(), SIDE // 2)) == (SIDE // 2, SIDE // 2)


def test_both_ways_result_in_the_same_pixels() -> None:
    data = png()
    encoded = asyncio.run(fit(with_chunk(data, b"gAMA", (45_455).to_bytes(4, "big"))))
    assert pixels(asyncio.run(fit(data))) == pixels(encoded)
