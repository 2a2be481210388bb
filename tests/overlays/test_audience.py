"""What players see of a map: visibility of overlays and elements, and fog, over a real channel."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import grpc
import numpy as np
import pytest
import pytest_asyncio
import pyvips
from google.protobuf import json_format
from numpy.typing import NDArray
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest
from tabletop.image.v1.map_pb2 import CoordinateUnit, Light, LightLevel, Wall
from tabletop.image.v1.overlay_pb2 import AreaShape, CampaignElement, CreatureSize, RangeKind, Visibility
from tabletop.image.v1.types_pb2 import ImageFormat
from tabletop.image.v1.viewer_pb2 import Audience, Viewer

from image_grpc_testkit.eventually import eventually
from tests.overlays.builders import get, update
from tests.service import CELL_PIXELS, Service, element, grid_properties, picture_bytes
from tests.statuses import failed_call, failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN, EVERYONE = Visibility.VISIBILITY_GAME_MASTER, Visibility.VISIBILITY_EVERYONE
MASTER, PLAYERS = Audience.AUDIENCE_GAME_MASTER, Audience.AUDIENCE_PLAYERS
DARK = LightLevel.LIGHT_LEVEL_DARK
PIXELS = CoordinateUnit.COORDINATE_UNIT_PIXELS
CELLS = CoordinateUnit.COORDINATE_UNIT_CELLS
SIDE = 10 * CELL_PIXELS


def at(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "unit": CELLS}


def viewer(x: float, y: float, id_: str = "eye", **fields: Any) -> Viewer:
    return Viewer(id=id_, position=at(x, y), **fields)


@pytest_asyncio.fixture(loop_scope="module")
async def room(running: Service) -> Image:
    """A map of 10 x 10 cells that a wall divides into an upper and a lower half."""
    wall = Wall(start=at(0, 5), end=at(10, 5))
    picture = picture_bytes(SIDE, SIDE)
    return await running.upload(picture, map={**grid_properties(), "walls": [wall]})


def named(id_: str, x: float, y: float, **fields: Any) -> Any:
    """Return an element whose label and legend entry have its id."""
    return element(id_, x, y, properties={"label": f"label of {id_}"}, **fields)


async def texts(running: Service, **fields: Any) -> set[str]:
    """Return all texts that are drawn."""
    response = await running.overlays.RenderOverlay(pb.RenderOverlayRequest(**fields))
    return {text for each in ElementTree.fromstring(response.svg).iter() if (text := each.text)}


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Return a picture as an array of rows and columns of RGB values."""
    picture: NDArray[np.uint8] = pyvips.Image.new_from_buffer(data, "").numpy()
    return picture[:, :, :3]


async def pixels(running: Service, map_: Image, **fields: Any) -> NDArray[np.uint8]:
    """Return the composed picture, decoded."""
    request = {"layer": ImageLayer.IMAGE_LAYER_COMPOSED, "format": ImageFormat.IMAGE_FORMAT_PNG, **fields}
    return decoded(await running.read(map_.id, **request))


def cell(picture: NDArray[np.uint8], column: int, row: int) -> NDArray[np.uint8]:
    """Return the inner pixels of a cell."""
    top, left = row * CELL_PIXELS, column * CELL_PIXELS
    return picture[top + 3 : top + CELL_PIXELS - 3, left + 3 : left + CELL_PIXELS - 3]


# Visibility


async def test_players_see_neither_hidden_overlays_nor_hidden_elements(running: Service, room: Image) -> None:
    await running.create_overlay(room.id, named("hero", 2, 2), named("trap", 4, 2, visibility=HIDDEN))
    await running.create_overlay(room.id, named("ambush", 6, 2), visibility=HIDDEN)
    everything = {"label of hero", "label of trap", "label of ambush"}
    assert await texts(running, map_id=room.id) & everything == everything
    assert await texts(running, map_id=room.id, audience=MASTER) & everything == everything
    assert await texts(running, map_id=room.id, audience=PLAYERS) & everything == {"label of hero"}


async def test_what_is_hidden_leaves_no_trace_in_the_picture_of_players(running: Service, room: Image) -> None:
    await running.create_overlay(room.id, named("hero", 2, 2))
    before = await pixels(running, room, audience=PLAYERS)
    trap = {"effect": {"shape": AreaShape.AREA_SHAPE_SPHERE, "size_feet": 10}, "visibility": HIDDEN}
    await running.create_overlay(room.id, named("trap", 6, 2, **trap))
    await running.create_overlay(room.id, named("ambush", 6, 4), visibility=HIDDEN)
    assert np.array_equal(await pixels(running, room, audience=PLAYERS), before)
    assert not np.array_equal(await pixels(running, room), before)


async def test_an_overlay_for_the_game_master_does_not_exist_for_players(running: Service, room: Image) -> None:
    hidden = await running.create_overlay(room.id, named("ambush", 6, 2), visibility=HIDDEN)
    assert "label of ambush" in await texts(running, overlay_id=hidden.id)
    error = await failed_call(texts(running, overlay_id=hidden.id, audience=PLAYERS))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "OVERLAY_ERROR")
    partly = await running.create_overlay(room.id, named("a", 1, 1), named("b", 2, 2, visibility=HIDDEN))
    seen = await texts(running, overlay_id=partly.id, audience=PLAYERS)
    assert "label of a" in seen
    assert "label of b" not in seen


async def test_visibility_is_changed_like_the_other_fields(running: Service, room: Image) -> None:
    created = await running.create_overlay(room.id, named("ambush", 6, 2), visibility=HIDDEN)
    renamed = await update(running, created, name="Ambush")
    assert (await get(running, created.id)).visibility == renamed.visibility == HIDDEN
    shown = await update(running, renamed, visibility=EVERYONE)
    assert shown.visibility == EVERYONE
    assert "label of ambush" in await texts(running, overlay_id=created.id, audience=PLAYERS)


async def test_visibility_for_everyone_is_the_default(running: Service, room: Image) -> None:
    created = await running.create_overlay(room.id, named("hero", 2, 2))
    assert (await update(running, created, visibility=EVERYONE)).version == created.version


async def test_the_event_of_a_new_overlay_says_that_it_is_hidden(running: Service, room: Image) -> None:
    async with running.events_on("overlay.updated") as events:
        await running.create_overlay(room.id, named("ambush", 6, 2), visibility=HIDDEN)
        await eventually(lambda: len(events) == 1, "the creation is published")
    assert "VISIBILITY_GAME_MASTER" in json_format.MessageToJson(events[0])


async def test_players_get_no_overlay_that_is_not_drawn(running: Service, room: Image) -> None:
    created = await running.create_overlay(room.id, named("hero", 2, 2))
    await update(running, created, visible=False)
    error = await failed_call(texts(running, overlay_id=created.id, audience=PLAYERS))
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert "label of hero" in await texts(running, overlay_id=created.id)


async def test_elements_of_campaign_maps_are_hidden_too(running: Service, region: Image) -> None:
    shown = CampaignElement(
        id="inn", coordinates={"x": 20, "y": 20}, place={"type": "town"}, properties={"label": "Inn"}
    )
    secret = CampaignElement(
        id="lair",
        coordinates={"x": 50, "y": 50},
        place={"type": "ruin"},
        properties={"label": "Lair"},
        visibility=HIDDEN,
    )
    request = pb.CreateCampaignOverlayRequest(map_id=region.id, elements=[shown, secret])
    await running.overlays.CreateCampaignOverlay(request)
    assert await texts(running, map_id=region.id) >= {"Inn", "Lair"}
    seen = await texts(running, map_id=region.id, audience=PLAYERS)
    assert "Inn" in seen
    assert "Lair" not in seen


# Fog


async def test_what_no_viewer_sees_is_black_and_the_rest_is_unchanged(running: Service, room: Image) -> None:
    await running.create_overlay(room.id, named("hero", 2, 2), named("foe", 5, 8), named("ally", 8, 3))
    whole = await pixels(running, room, audience=PLAYERS)
    fogged = await pixels(running, room, audience=PLAYERS, viewers=[viewer(2.5, 2.5)])
    border = 5 * CELL_PIXELS
    assert not fogged[border + 1 : 8 * CELL_PIXELS].any(), "above the scale bar, the lower half is black"
    assert np.array_equal(fogged[3 : border - 3, 3 : SIDE - 3], whole[3 : border - 3, 3 : SIDE - 3])
    svg = await texts(running, map_id=room.id, audience=PLAYERS, viewers=[viewer(2.5, 2.5)])
    assert svg >= {"label of hero", "label of ally"}
    assert "label of foe" not in svg


async def test_the_legend_has_no_entry_for_what_is_not_seen(running: Service, room: Image) -> None:
    before = await texts(running, map_id=room.id, audience=PLAYERS)
    fire = {"shape": AreaShape.AREA_SHAPE_SPHERE, "size_feet": 5}
    await running.create_overlay(room.id, element("fire", 5, 8, effect=fire))
    entry = await texts(running, map_id=room.id, audience=PLAYERS) - before
    assert entry
    assert not entry & await texts(running, map_id=room.id, audience=PLAYERS, viewers=[viewer(2.5, 2.5)])


async def test_a_reach_into_view_does_not_betray_who_is_out_of_view(running: Service, room: Image) -> None:
    fields = {"audience": PLAYERS, "viewers": [viewer(2.5, 2.5)]}
    before = await pixels(running, room, **fields)
    reach = {"kind": RangeKind.RANGE_KIND_SPELL, "distance_feet": 30}
    await running.create_overlay(room.id, element("move", 5.5, 6.5, range=reach))
    assert np.array_equal(await pixels(running, room, **fields), before)
    assert not np.array_equal(await pixels(running, room, audience=PLAYERS), before)


async def test_explored_cells_are_dimmed_and_show_no_overlays(running: Service, room: Image) -> None:
    await running.create_overlay(room.id, named("foe", 5, 8))
    base = decoded(await running.read(room.id)).astype(float)
    explored = [{"column": 5, "row": 8}, {"column": 1, "row": 7}, {"column": 99, "row": -7}]
    fields = {"audience": PLAYERS, "viewers": [viewer(2.5, 2.5)], "explored": explored}
    fogged = await pixels(running, room, **fields)
    for column, row in ((5, 8), (1, 7)):
        assert cell(fogged, column, row) == pytest.approx(cell(base, column, row) * 0.4, abs=2)
    assert not cell(fogged, 3, 7).any()
    assert np.array_equal(cell(fogged, 2, 2), cell(await pixels(running, room, audience=PLAYERS), 2, 2))


async def test_in_the_dark_only_what_is_lit_is_seen(running: Service, room: Image) -> None:
    eye, torch = viewer(2.5, 2.5), viewer(2.5, 2.5, carried_light={"bright_feet": 5, "dim_feet": 5})
    black = await pixels(running, room, audience=PLAYERS, viewers=[eye], ambient_light=DARK)
    assert not cell(black, 2, 2).any()
    lit = await pixels(running, room, audience=PLAYERS, viewers=[torch], ambient_light=DARK)
    assert cell(lit, 2, 2).any()
    assert cell(lit, 3, 2).any()
    assert not cell(lit, 6, 2).any()


@pytest.mark.parametrize(("side", "max_side"), [(1000, 250), (1000, 999), (333, 101)])
async def test_a_smaller_picture_has_nothing_of_what_is_not_seen(running: Service, side: int, max_side: int) -> None:
    wall = Wall(start={"x": 0, "y": side / 2, "unit": PIXELS}, end={"x": side, "y": side / 2, "unit": PIXELS})
    properties = {"grid": {"size": 50}, "walls": [wall]}
    upper = np.full((side // 2, side, 3), 100, dtype=np.uint8)
    read = []
    for shade in (0, 255):
        lower = np.full((side - side // 2, side, 3), shade, dtype=np.uint8)
        values = np.concatenate([upper, lower])
        picture = pyvips.Image.new_from_array(values).copy(interpretation="srgb").write_to_buffer(".png")
        map_ = await running.upload(picture, map=properties)
        fields = {"audience": PLAYERS, "viewers": [viewer(1, 1)], "max_side": max_side}
        read.append(await pixels(running, map_, **fields))
    assert np.array_equal(*read)
    assert read[0].any()


async def test_what_is_seen_reaches_the_edge_of_the_map(running: Service, room: Image) -> None:
    fogged = await pixels(running, room, audience=PLAYERS, viewers=[viewer(2.5, 2.5)])
    whole = await pixels(running, room, audience=PLAYERS)
    assert np.array_equal(fogged[0], whole[0])
    assert np.array_equal(fogged[: 5 * CELL_PIXELS - 2, 0], whole[: 5 * CELL_PIXELS - 2, 0])


async def test_a_creature_is_seen_by_its_middle(running: Service) -> None:
    wall = Wall(start=at(0, 4.9), end=at(10, 4.9))
    map_ = await running.upload(map={**grid_properties(), "walls": [wall]})
    await running.create_overlay(map_.id, named("hidden", 5.5, 4.5), named("beside", 5.5, 5.5))
    large = named("giant", 2.5, 4.5, token={"size": CreatureSize.CREATURE_SIZE_HUGE})
    await running.create_overlay(map_.id, large)
    seen = await texts(running, map_id=map_.id, audience=PLAYERS, viewers=[viewer(5.5, 8.5)])
    assert "label of hidden" not in seen
    assert seen >= {"label of beside", "label of giant"}


async def test_an_svg_has_no_geometry_of_what_is_not_seen(running: Service, room: Image) -> None:
    sphere = {"shape": AreaShape.AREA_SHAPE_SPHERE, "size_feet": 20}
    await running.create_overlay(room.id, element("fire", 2.5, 4.5, effect=sphere))
    reach = {"kind": RangeKind.RANGE_KIND_SPELL, "distance_feet": 25}
    await running.create_overlay(room.id, element("mage", 2.5, 4.5, range=reach))
    fields = {"audience": PLAYERS, "viewers": [viewer(2.5, 2.5)]}
    response = await running.overlays.RenderOverlay(pb.RenderOverlayRequest(map_id=room.id, **fields))
    [shapes, *_] = [each for each in ElementTree.fromstring(response.svg) if each.tag.endswith("g")]
    grid, *areas = [each.get("d", "") for each in shapes if each.tag.endswith("path")]
    assert len(areas) == 4
    lowest = [float(y) for area in areas for y in re.findall(r"[ML]\S+ ([\d.]+)", area)]
    assert max(lowest) <= 5.5 * CELL_PIXELS
    assert grid.endswith(f"H{SIDE}")


async def test_explored_cells_are_dimmed_where_nobody_sees_anything(running: Service, room: Image) -> None:
    base = decoded(await running.read(room.id)).astype(float)
    for fields in ({"viewers": [viewer(2.5, 2.5)], "ambient_light": DARK}, {"fog": True}):
        fogged = await pixels(running, room, audience=PLAYERS, explored=[{"column": 1, "row": 7}], **fields)
        assert cell(fogged, 1, 7) == pytest.approx(cell(base, 1, 7) * 0.4, abs=2)
        assert not cell(fogged, 2, 2).any()


async def test_too_much_work_is_refused_before_it_begins(running: Service) -> None:
    large = await running.upload(picture_bytes(2000, 2000), map={"grid": {"size": 8}})
    viewers = [viewer(1, 1), viewer(2, 2, "b")]
    error = await failed_call(texts(running, map_id=large.id, audience=PLAYERS, viewers=viewers))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")
    lamps = [Light(position=at(9, 9), illumination={"dim_feet": 5000}) for _ in range(17)]
    lit = await running.upload(picture_bytes(2000, 2000), map={"grid": {"size": 8}, "lights": lamps})
    error = await failed_call(texts(running, map_id=lit.id, audience=PLAYERS, viewers=viewers[:1]))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")


async def test_viewers_see_together(running: Service, room: Image) -> None:
    viewers = [viewer(2.5, 2.5), viewer(2.5, 7.5, "other")]
    whole = await pixels(running, room, audience=PLAYERS)
    both = await pixels(running, room, audience=PLAYERS, viewers=viewers)
    assert np.array_equal(cell(both, 4, 2), cell(whole, 4, 2))
    assert np.array_equal(cell(both, 4, 7), cell(whole, 4, 7))


# Errors


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"viewers": [viewer(1, 1)]}, "viewers"),
        ({"audience": MASTER, "viewers": [viewer(1, 1)]}, "viewers"),
        ({"fog": True}, "fog"),
        ({"audience": PLAYERS, "explored": [{"column": 1, "row": 1}]}, "explored"),
        ({"audience": PLAYERS, "ambient_light": DARK}, "ambient_light"),
        ({"audience": PLAYERS, "viewers": [viewer(1, 1), viewer(2, 2)]}, "viewers[1].id"),
        ({"audience": PLAYERS, "viewers": [Viewer(id="eye")]}, "viewers[0].position"),
        ({"audience": 9}, "audience"),
    ],
)
async def test_invalid_audiences_are_rejected_by_field(
    running: Service, room: Image, fields: dict[str, Any], field: str
) -> None:
    error = await failed_call(texts(running, map_id=room.id, **fields))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    request = ReadImageRequest(image_id=room.id, layer=ImageLayer.IMAGE_LAYER_COMPOSED, **fields)
    error = await failed_stream(running.images.ReadImage(request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_only_composed_pictures_have_an_audience(running: Service, room: Image) -> None:
    error = await failed_stream(running.images.ReadImage(ReadImageRequest(image_id=room.id, audience=PLAYERS)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["audience"])


async def test_campaign_maps_have_no_viewers(running: Service, region: Image) -> None:
    request = {"audience": PLAYERS, "viewers": [viewer(1, 1)]}
    error = await failed_call(texts(running, map_id=region.id, **request))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["viewers"])


async def test_an_unknown_visibility_is_rejected(running: Service, room: Image) -> None:
    error = await failed_call(running.create_overlay(room.id, visibility=7))
    assert error.fields == ["visibility"]
    error = await failed_call(running.create_overlay(room.id, named("a", 1, 1, visibility=7)))
    assert error.fields == ["elements[0].visibility"]
