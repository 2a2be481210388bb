"""Parts of pictures, and maps without their legend, scale bar or grid, over a real channel."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest
from tabletop.image.v1.overlay_pb2 import TacticalElement

from tests.pictures.samples import AVIF, JPEG, PNG, WEBP, decoded, png
from tests.service import Service, element, picture_bytes
from tests.statuses import failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPOSED, BASE = ImageLayer.IMAGE_LAYER_COMPOSED, ImageLayer.IMAGE_LAYER_BASE
SIDE = 400


async def a_map(running: Service) -> Image:
    """Return a map of noise with a grid, whose corner has a token with a legend, and a scale bar."""
    image = await running.upload(png(SIDE), map={"grid": {"enabled": True, "size": 40, "color": "#ff0000"}})
    token = TacticalElement()
    token.CopyFrom(element("orc"))
    await running.create_overlay(image.id, token)
    return image


async def seen(running: Service, image: Image, **fields: Any) -> np.ndarray:
    return decoded(await running.read(image.id, format=PNG, **fields)).numpy().astype(int)


@pytest.mark.parametrize("layer", [BASE, COMPOSED])
async def test_tiles_are_the_whole_picture(running: Service, layer: ImageLayer) -> None:
    image = await a_map(running)
    whole = await seen(running, image, layer=layer)
    for x, y in ((0, 0), (150, 0), (300, 150), (300, 300)):
        tile = await seen(running, image, layer=layer, region={"x": x, "y": y, "width": 150, "height": 150})
        assert tile.shape[:2] == (min(150, SIDE - y), min(150, SIDE - x))
        expected = whole[y : y + 150, x : x + 150]
        assert np.abs(tile - expected).mean() < 0.2, "lines at the edges of tiles may be smoothed differently"


@pytest.mark.parametrize("format_", [PNG, JPEG, WEBP, AVIF], ids=["png", "jpg", "webp", "avif"])
async def test_a_region_has_any_format_and_size(running: Service, format_: int) -> None:
    image = await a_map(running)
    region = {"x": 10, "y": 20, "width": 200, "height": 100}
    content, data = await running.read_with_description(image.id, format=format_, region=region, max_side=50)
    assert (content.format, content.size.width, content.size.height) == (format_, 50, 25)
    picture = decoded(data)
    assert (picture.width, picture.height) == (50, 25)


async def test_a_region_that_is_everything_shows_everything(running: Service) -> None:
    image = await a_map(running)
    region = {"width": 8192, "height": SIDE}
    assert (await seen(running, image, region=region) == await seen(running, image)).all()


@pytest.mark.parametrize(
    ("region", "field"),
    [
        ({"x": SIDE, "width": 1, "height": 1}, "region.x"),
        ({"y": SIDE, "width": 1, "height": 1}, "region.y"),
        ({"x": -1, "width": 1, "height": 1}, "region.x"),
        ({"width": 1}, "region.height"),
        ({"width": 8193, "height": 1}, "region.width"),
    ],
)
async def test_a_region_without_pixels_is_rejected(running: Service, region: dict[str, int], field: str) -> None:
    image = await a_map(running)
    error = await failed_stream(running.images.ReadImage(ReadImageRequest(image_id=image.id, region=region)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_legend_scale_bar_and_grid_can_be_left_out(running: Service) -> None:
    image = await a_map(running)
    base, whole = await seen(running, image), await seen(running, image, layer=COMPOSED)
    corners = {"hide_legend": (slice(-60, -8), slice(8, 60)), "hide_scale_bar": (slice(-40, -12), slice(-90, -20))}
    grid = (slice(200, 201), slice(0, 400))
    for field, corner in corners.items():
        without = await seen(running, image, layer=COMPOSED, hide_grid=True, **{field: True})
        assert (whole[corner] != base[corner]).any()
        assert (without[corner] == base[corner]).all(), field
    bare = await seen(running, image, layer=COMPOSED, hide_grid=True)
    assert np.abs(whole[grid] - base[grid]).mean() > 5
    assert np.abs(bare[grid] - base[grid]).mean() < 5


@pytest.mark.parametrize("field", ["hide_legend", "hide_scale_bar", "hide_grid"])
async def test_only_maps_with_overlays_have_parts_to_leave_out(running: Service, field: str) -> None:
    image = await a_map(running)
    request = ReadImageRequest(image_id=image.id, **{field: True})
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_avif_has_a_limit_of_its_own(running: Service) -> None:
    image = await running.upload(picture_bytes(8192, 2049))
    request = ReadImageRequest(image_id=image.id, format=AVIF)
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["format"])
    content, _ = await running.read_with_description(image.id, format=AVIF, max_side=1024)
    assert content.size.width == 1024


async def test_a_large_upload_is_read_composed_and_restyled(running: Service) -> None:
    image = await running.upload(picture_bytes(8192, 64), map={"grid": {"enabled": True, "size": 64}})
    assert (image.content.size.width, image.content.size.height) == (8192, 64)
    for fields in ({"layer": COMPOSED}, {"max_side": 8000}):
        picture = decoded(await running.read(image.id, format=JPEG, **fields))
        assert picture.width == fields.get("max_side", 8192)
    restyled = (await running.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="horror"))).image
    assert (restyled.content.size.width, restyled.content.size.height) == (4096, 32)
