"""Creatures with portraits as people bring them, over a real channel."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import pyvips
from tabletop.image.v1.image_service_pb2 import ImageLayer
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from tests.maps.test_tokens import figure
from tests.pictures.samples import PNG, decoded
from tests.service import CELL_PIXELS, Service, element, picture_bytes
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")
PORTRAIT = {"type": ImageType.IMAGE_TYPE_CHARACTER, "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT}
COLUMN, ROW = 4.5, 4.5
MIDDLE = (int(COLUMN * CELL_PIXELS), int(ROW * CELL_PIXELS))


async def seen(running: Service, **token: Any) -> pyvips.Image:
    """Return a composed map without a grid, with a gargantuan creature in the middle."""
    map_ = await running.upload(picture_bytes(), map={"grid": {"size": CELL_PIXELS}})
    await running.create_overlay(map_.id, element("hero", COLUMN, ROW, token={"size": 6, **token}))
    return decoded(await running.read(map_.id, format=PNG, layer=ImageLayer.IMAGE_LAYER_COMPOSED))


async def test_the_map_shows_through_a_transparent_portrait(running: Service) -> None:
    art = await running.upload(figure(128, 128, ground=(0, 0, 0, 0), head=32), **PORTRAIT)
    ground = decoded(picture_bytes())(0, 0)
    for ring in (0, 2):
        picture = await seen(running, image_id=art.id, ring=ring)
        assert picture(MIDDLE[0] - 20, MIDDLE[1]) == ground
        assert picture(*MIDDLE)[2] > 150


async def test_a_full_length_portrait_shows_the_head(running: Service) -> None:
    art = await running.upload(figure(400, 1000, ground=(250, 250, 250), head=40), **PORTRAIT)
    picture = (await seen(running, image_id=art.id)).numpy().astype(int)
    assert ((picture[..., 0] > 180) & (picture[..., 2] < 80)).sum() > 100
    belt = await seen(running, image_id=art.id, focus={"x": 0.5, "y": 0.9})
    assert belt(*MIDDLE)[2] > 180 > belt(*MIDDLE)[0]


@pytest.mark.parametrize(
    ("token", "field"),
    [
        ({"conditions": ["x" * 13]}, "elements[0].token.conditions[0]"),
        ({"conditions": [""]}, "elements[0].token.conditions[0]"),
        ({"conditions": ["prone", "prone"]}, "elements[0].token.conditions"),
        ({"health": {"current": 1}}, "elements[0].token.health.maximum"),
        ({"health": {"current": -1, "maximum": 1}}, "elements[0].token.health.current"),
        ({"focus": {"x": 1.1}}, "elements[0].token.focus.x"),
        ({"facing_degrees": 361}, "elements[0].token.facing_degrees"),
        ({"ring": 9}, "elements[0].token.ring"),
    ],
)
async def test_an_invalid_token_is_rejected(running: Service, token: dict[str, Any], field: str) -> None:
    map_ = await running.upload(picture_bytes(), map={"grid": {"size": CELL_PIXELS}})
    request = CreateTacticalOverlayRequest(map_id=map_.id, elements=[element("hero", token=token)])
    error = await failed_call(running.overlays.CreateTacticalOverlay(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
