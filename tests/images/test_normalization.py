"""Uploads as people bring them: upright, sRGB, without private metadata, whatever is then done with them."""

from __future__ import annotations

import base64
from typing import Any

import grpc
import numpy as np
import pytest
import pyvips
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, GeneratePortraitRequest
from tabletop.image.v1.image_pb2 import Image, Normalization
from tabletop.image.v1.image_service_pb2 import ImageLayer
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

import getimg_standin.generations
from image_grpc.pictures import icc
from tests.pictures.corpus import encoded, seen_as
from tests.pictures.samples import AVIF, JPEG, PNG, WEBP, decoded
from tests.pictures.test_metadata import KEPT, assert_nothing_private, kept, private_picture
from tests.service import Service, tactical_map
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")
PORTRAIT = {"type": ImageType.IMAGE_TYPE_CHARACTER, "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT}
COMPOSED = ImageLayer.IMAGE_LAYER_COMPOSED
MODEL = "seedream-5-lite"
WHOLE = {"region": {"width": 8192, "height": 8192}}
GIF = ImageFormat.IMAGE_FORMAT_GIF
every_read_format = pytest.mark.parametrize("format_", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])


def halves(width: int, height: int) -> np.ndarray:
    """Return a red upper and a blue lower half."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = (220, 30, 30), (30, 30, 220)
    return pixels


def sideways(width: int = 300, height: int = 600, suffix: str = ".jpg[Q=95]") -> bytes:
    """Return a picture that is seen as `width` x `height`, red above and blue below, but stored on its side."""
    return encoded(np.ascontiguousarray(np.rot90(halves(width, height))), suffix, orientation=6)


def assert_upright(data: bytes, width: int, height: int) -> None:
    picture = decoded(data)
    assert (picture.width, picture.height) == (width, height)
    above, below = picture(width // 2, height // 8), picture(width // 2, height * 7 // 8)
    assert above[0] > 150 > above[2]
    assert below[2] > 150 > below[0]


@pytest.mark.parametrize("suffix", [".jpg[Q=95]", ".png", ".webp[lossless=true]", ".avif[effort=1]"])
async def test_a_sideways_picture_is_upright_everywhere(running: Service, suffix: str) -> None:
    image = await running.upload(sideways(suffix=suffix), map={"grid": {"enabled": True, "size": 50}})
    assert Normalization.NORMALIZATION_TURNED in image.metadata.normalizations
    assert (image.content.size.width, image.content.size.height) == (300, 600)
    assert_upright(await running.read(image.id), 300, 600)
    for format_ in (PNG, JPEG, WEBP, AVIF):
        for layer in (ImageLayer.IMAGE_LAYER_BASE, COMPOSED):
            assert_upright(await running.read(image.id, format=format_, layer=layer), 300, 600)
            assert_upright(await running.read(image.id, format=format_, layer=layer, max_side=60), 30, 60)
    restyled = (await running.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="horror"))).image
    assert (restyled.content.size.width, restyled.content.size.height) == (300, 600)
    assert image.metadata.normalizations
    assert not restyled.metadata.normalizations, "it is another picture"


async def test_a_preserved_original_is_upright_everywhere_else(running: Service) -> None:
    data = sideways()
    image = await running.upload(data, preserve_original=True)
    assert (image.content.size.width, image.content.size.height) == (300, 600)
    assert await running.read(image.id) == data
    assert not image.metadata.normalizations
    for fields in ({"format": WEBP}, {"max_side": 600, "format": PNG}, {"layer": COMPOSED}, WHOLE):
        assert_upright(await running.read(image.id, **fields), 300, 600)


async def test_changes_are_recorded(running: Service) -> None:
    image = await running.upload(sideways(), **PORTRAIT)
    assert list(image.metadata.normalizations) == [
        Normalization.NORMALIZATION_TURNED,
        Normalization.NORMALIZATION_METADATA_REMOVED,
    ]
    assert (await running.get_image(image.id)).metadata == image.metadata


async def test_wide_gamut_becomes_srgb(running: Service) -> None:
    color = (60, 200, 90)
    pixels = np.full((64, 64, 3), color, dtype=np.uint8)
    data = encoded(pixels, ".png", icc_profile_data=icc.rgb_profile(icc.DISPLAY_P3, icc.srgb_curve))
    for fields in ({}, {"preserve_original": True}):
        image = await running.upload(data, **PORTRAIT, **fields)
        expected = seen_as(color, icc.DISPLAY_P3, icc.srgb_curve)
        for read in ({"format": PNG, "max_side": 32}, {"format": WEBP, "max_side": 32}):
            seen = decoded(await running.read(image.id, **read))
            assert not seen.get_typeof("icc-profile-data")
            assert np.abs(np.array(seen(16, 16)) - expected).max() <= (2 if read["format"] == PNG else 8)


async def test_deep_transparency_becomes_white_in_a_jpeg(running: Service) -> None:
    deep = np.full((64, 64, 4), (51400, 25700, 12850, 32768), dtype=np.uint16)
    image = await running.upload(encoded(deep, ".png"), **PORTRAIT)
    seen = decoded(await running.read(image.id, format=JPEG))(16, 16)
    assert np.abs(np.array(seen) - (227, 177, 152)).max() <= 3


@pytest.mark.parametrize("format_", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])
async def test_private_metadata_is_removed(running: Service, format_: ImageFormat) -> None:
    data = private_picture(format_)
    image = await running.upload(data, map={"grid": {"enabled": True, "size": 16}})
    stored = await running.read(image.id)
    assert_nothing_private(stored)
    assert kept(stored) == KEPT
    assert Normalization.NORMALIZATION_METADATA_REMOVED in image.metadata.normalizations


@every_read_format
@pytest.mark.parametrize("fields", [{}, {"preserve_original": True}], ids=["normalized", "preserved"])
async def test_nothing_private_leaves(running: Service, format_: ImageFormat, fields: dict[str, Any]) -> None:
    image = await running.upload(private_picture(WEBP if format_ != WEBP else PNG), **fields)
    for read in ({}, {"max_side": 48}, {"layer": COMPOSED}, {"region": {"x": 1, "width": 50, "height": 20}}, WHOLE):
        data = await running.read(image.id, format=format_, **read)
        assert_nothing_private(data)
        assert kept(data)["dc:rights"] == KEPT["dc:rights"]


@pytest.mark.parametrize("fields", [{}, {"preserve_original": True}], ids=["normalized", "preserved"])
@pytest.mark.parametrize("format_", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])
async def test_references_have_nothing_private(
    running: Service, monkeypatch: pytest.MonkeyPatch, format_: ImageFormat, fields: dict[str, Any]
) -> None:
    monkeypatch.setattr(getimg_standin.generations, "_without_picture_data", lambda value: value)
    image = await running.upload(private_picture(format_), **PORTRAIT, **fields)
    request = GeneratePortraitRequest(theme="fantasy", reference_image_ids=[image.id], details=image.id, model=MODEL)
    await running.generate(request)
    [sent] = running.standin.prompts[-1]["images"]  # type: ignore[misc]
    head, _, encoded_data = sent["url"].partition(",")
    data = base64.b64decode(encoded_data)
    assert_nothing_private(data)
    assert head == f"data:image/{'webp' if format_ in (AVIF, WEBP) else 'png' if format_ == PNG else 'jpeg'};base64"


async def test_a_clean_picture_is_stored_byte_for_byte(running: Service) -> None:
    for format_, suffix in ((PNG, ".png"), (JPEG, ".jpg"), (WEBP, ".webp"), (AVIF, ".avif[effort=1]")):
        data = pyvips.Image.new_from_array(halves(64, 64)).write_to_buffer(suffix, keep="none")
        image = await running.upload(data, **PORTRAIT)
        assert image.content.format == format_
        assert await running.read(image.id) == data
        assert not image.metadata.normalizations


@every_read_format
async def test_what_is_read_can_be_uploaded_again_unchanged(running: Service, format_: ImageFormat) -> None:
    generated = (await running.generate(tactical_map())).image
    for layer in (ImageLayer.IMAGE_LAYER_BASE, COMPOSED):
        data = await running.read(generated.id, format=format_, layer=layer)
        image = await running.upload(data)
        assert await running.read(image.id) == data
        assert image.content.format == format_


async def test_of_an_animated_gif_the_first_frame_is_a_png(running: Service) -> None:
    frames = pyvips.Image.new_from_array(np.vstack([halves(64, 64), halves(64, 64)[::-1]])).copy(interpretation="srgb")
    frames.set_type(pyvips.GValue.gint_type, "page-height", 64)
    data = frames.write_to_buffer(".gif")
    image = await running.upload(data, **PORTRAIT)
    assert image.content.format == PNG
    assert_upright(await running.read(image.id), 64, 64)
    assert list(image.metadata.normalizations)[:2] == [
        Normalization.NORMALIZATION_FRAMES_REMOVED,
        Normalization.NORMALIZATION_FORMAT_CONVERTED,
    ]
    original = await running.upload(data, **PORTRAIT, preserve_original=True)
    assert original.content.format == GIF
    assert await running.read(original.id) == data
    assert_upright(await running.read(original.id, format=PNG), 64, 64)
    content, smaller = await running.read_with_description(original.id, max_side=32)
    assert content.format == PNG
    assert_upright(smaller, 32, 32)


@pytest.mark.parametrize("suffix", [".gif", ".avif[effort=1]"])
async def test_uploads_of_every_format_can_be_restyled(running: Service, suffix: str) -> None:
    for fields in ({}, {"preserve_original": True}):
        image = await running.upload(encoded(halves(64, 64), suffix), **PORTRAIT, **fields)
        restyled = (await running.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="horror"))).image
        assert restyled.content.format == PNG


async def test_nothing_is_read_as_gif(running: Service, own_image: Image) -> None:
    status = await failed_call(running.read(own_image.id, format=GIF))
    assert (status.code, status.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["format"])
