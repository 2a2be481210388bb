"""ImportFloorPlan, over a real channel."""

from __future__ import annotations

import base64
import math

import pytest
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.floor_plan_service_pb2 import FloorPlanFormat, ImportedFloorPlan, ImportFloorPlanRequest
from tabletop.image.v1.map_pb2 import (
    DoorKind,
    DoorState,
    FloorPlan,
    MapProperties,
    Wall,
    WallDirection,
    WallKind,
    WallRestriction,
)
from tabletop.image.v1.map_service_pb2 import ExportSceneRequest, SceneFormat
from tabletop.image.v1.types_pb2 import ImageSubtype

from image_grpc.maps.properties import is_door
from image_grpc.plans.importing.reading import MAX_VALUES
from tests.plans.builders import KINDS, generated
from tests.plans.files import DONJON, FOUNDRY, ONE_PAGE_DUNGEON, PICTURE, UNIVERSAL_VTT, as_bytes, zipped
from tests.service import Service, picture_bytes
from tests.statuses import failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


def requests(data: bytes, format_: FloorPlanFormat | None = None) -> list[ImportFloorPlanRequest]:
    parts = [
        ImportFloorPlanRequest(data=data[start : start + 1024 * 1024]) for start in range(0, len(data), 1024 * 1024)
    ]
    return parts if format_ is None else [ImportFloorPlanRequest(format=format_), *parts]


async def imported(
    running: Service, data: bytes, format_: FloorPlanFormat | None = None
) -> tuple[ImportedFloorPlan, bytes]:
    """Import a file and return the description and the picture."""
    first, *rest = [part async for part in running.plans.ImportFloorPlan(iter(requests(data, format_)))]
    return first.plan, b"".join(part.data for part in rest)


def lines(plan: FloorPlan) -> list[tuple[float, float, float, float]]:
    return [(wall.start.x, wall.start.y, wall.end.x, wall.end.y) for wall in plan.walls]


async def test_universal_vtt(running: Service) -> None:
    description, picture = await imported(running, as_bytes(UNIVERSAL_VTT))
    plan = description.floor_plan
    assert description.format == FloorPlanFormat.FLOOR_PLAN_FORMAT_UNIVERSAL_VTT
    assert (plan.size.columns, plan.size.rows) == (10, 5)
    # Relative to the origin of the map, and in quarter cells.
    assert lines(plan) == [(0, 1, 4, 1), (4, 1, 4, 4), (0, 1, 0, 4), (2, 3, 3, 3), (4, 4, 4, 5), (6, 1, 7, 1)]
    bushes, door, window = plan.walls[3:]
    assert bushes.restrictions.sight == WallRestriction.WALL_RESTRICTION_LIMITED
    assert (door.door.kind, door.door.state) == (DoorKind.DOOR_KIND_DOOR, DoorState.DOOR_STATE_CLOSED)
    assert window.kind == WallKind.WALL_KIND_WINDOW
    [light] = plan.lights
    assert (light.position.x, light.position.y) == (1, 2)
    assert (light.illumination.bright_feet, light.illumination.dim_feet) == (15, 30)
    assert light.illumination.color == "#ffb866"
    assert list(description.warnings) == [
        "portals that are not closed become windows",
        "lights have one radius: half of it is bright",
        "the file does not say where rock is: all cells are floor",
        "walls are moved to quarter cells",
    ]
    assert picture == PICTURE
    assert (description.picture.media_type, description.picture.byte_size) == ("image/png", len(PICTURE))
    assert (description.picture.width, description.picture.grid.size) == (200, 20)


async def test_a_foundry_scene(running: Service) -> None:
    description, picture = await imported(running, as_bytes(FOUNDRY))
    plan = description.floor_plan
    assert (plan.size.columns, plan.size.rows, picture) == (10, 5, b"")
    # Without the padding of one cell on each side.
    assert lines(plan) == [(1, 1, 5, 1), (5, 1, 5, 2), (5, 2, 5, 3), (5, 3, 5, 4)]
    one_way, secret, window, odd = plan.walls
    assert one_way.direction == WallDirection.WALL_DIRECTION_LEFT
    assert (secret.door.kind, secret.door.state) == (DoorKind.DOOR_KIND_SECRET, DoorState.DOOR_STATE_LOCKED)
    assert (window.kind, window.HasField("restrictions")) == (WallKind.WALL_KIND_WINDOW, False)
    assert odd.restrictions.sight == WallRestriction.WALL_RESTRICTION_LIMITED
    assert odd.restrictions.light == WallRestriction.WALL_RESTRICTION_NORMAL
    [light] = plan.lights
    assert (light.position.x, light.position.y) == (2.5, 1.5)
    assert (light.illumination.angle_degrees, light.illumination.direction_degrees) == (90, 0)
    assert list(description.warnings) == [
        "restrictions by distance become normal ones",
        "the file does not say where rock is: all cells are floor",
        "tokens are left out",
        "the picture is in another file",
    ]


async def test_a_foundry_scene_of_an_early_version(running: Service) -> None:
    old = {
        "width": 1000,
        "height": 500,
        "padding": 0,
        "grid": 100,
        "gridType": 1,
        "gridDistance": 10,
        "walls": [{"c": [100, 100, 200, 100], "move": 1, "sense": 2, "sound": 0, "door": 1, "ds": 1}],
        "lights": [{"x": 50, "y": 50, "bright": 20, "dim": 40, "tintColor": "#ff0000"}],
    }
    plan = (await imported(running, as_bytes(old)))[0].floor_plan
    [door], [light] = plan.walls, plan.lights
    assert door.door.state == DoorState.DOOR_STATE_OPEN
    assert door.restrictions.sight == WallRestriction.WALL_RESTRICTION_LIMITED
    # A cell is 10 ft there, and 5 ft here.
    assert (light.illumination.bright_feet, light.illumination.dim_feet) == (10, 20)
    assert light.illumination.color == "#ff0000"


async def test_a_foundry_archive_has_its_picture(running: Service) -> None:
    description, picture = await imported(running, zipped(FOUNDRY, cellar_png=PICTURE))
    assert (picture, description.picture.grid.size) == (PICTURE, 20)
    assert "the picture is in another file" not in description.warnings


async def test_an_archive_of_an_early_version_with_several_documents(running: Service) -> None:
    old = {**FOUNDRY, "img": "worlds/maps/cellar.png"}
    del old["background"]
    data = zipped({"name": "module"}, cellar_png=PICTURE, scene2_json=as_bytes(old))
    description, picture = await imported(running, data)
    assert (len(description.floor_plan.walls), picture) == (4, PICTURE)


async def test_lights_that_are_off_are_left_out(running: Service) -> None:
    [light] = FOUNDRY["lights"]
    dark = {**light, "config": {**light["config"], "negative": True}}
    description, _ = await imported(running, as_bytes({**FOUNDRY, "lights": [{**light, "hidden": True}, dark, light]}))
    assert len(description.floor_plan.lights) == 1
    assert "lights that are off, and sources of darkness, are left out (2)" in description.warnings


async def test_doors_open_the_walls_that_they_are_in(running: Service) -> None:
    wall = [{"x": 1, "y": 2.62}, {"x": 9, "y": 2.62}]
    door = {"bounds": [{"x": 4.01, "y": 2.63}, {"x": 5, "y": 2.63}], "position": {"x": 4.5, "y": 2.63}, "closed": True}
    document = {**UNIVERSAL_VTT, "line_of_sight": [wall], "objects_line_of_sight": [], "portals": [door]}
    plan = (await imported(running, as_bytes(document)))[0].floor_plan
    assert lines(plan) == [(0, 2.5, 3, 2.5), (4, 2.5, 8, 2.5), (3, 2.5, 4, 2.5)]


async def test_a_picture_of_another_ratio_is_a_warning(running: Service) -> None:
    square = base64.b64encode(picture_bytes(200, 200)).decode()
    description, _ = await imported(running, as_bytes({**UNIVERSAL_VTT, "image": square}))
    assert "the picture has 10 rows of cells, the plan 5" in description.warnings


async def test_one_page_dungeon(running: Service) -> None:
    description, _ = await imported(running, as_bytes(ONE_PAGE_DUNGEON))
    plan = description.floor_plan
    assert list(plan.terrain) == [
        "############",
        "######...###",
        "#...#.....##",
        "#..........#",
        "#~..#.....##",
        "##.###...###",
        "############",
    ]
    [door] = [wall for wall in plan.walls if is_door(wall)]
    assert (door.start.x, door.start.y, door.end.y, door.door.state) == (4.5, 3, 4, DoorState.DOOR_STATE_LOCKED)
    assert [(each.type, each.x, each.y, each.width) for each in plan.objects] == [
        ("exit", 2, 5, 1),
        ("stairs down", 10, 3, 1),
        ("pillar", 6.25, 2.25, 0.5),
    ]
    assert [room.description for room in plan.rooms] == ["A rat.", ""]
    assert list(description.warnings) == ["round rooms have corners", "title and story are left out"]


async def test_donjon(running: Service) -> None:
    description, _ = await imported(running, as_bytes(DONJON))
    plan = description.floor_plan
    assert list(plan.terrain) == ["########", "#......#", "#..###.#", "#.######", "#..#####", "########"]
    locked, trapped = [wall for wall in plan.walls if is_door(wall)][::-1]
    assert (locked.start.x, locked.start.y, locked.door.state) == (3.5, 1, DoorState.DOOR_STATE_LOCKED)
    assert (trapped.start.x, trapped.start.y, trapped.end.x) == (1, 3.5, 2)
    assert [(each.type, each.x, each.y) for each in plan.objects] == [("stairs down", 6, 2), ("stairs up", 2, 4)]
    [room] = plan.rooms
    assert (room.name, room.description) == ("room 1", "2 goblins")
    assert [(area.column, area.row, area.columns, area.rows) for area in room.cells] == [(1, 1, 2, 2)]


SOURCES = {
    "not json": b"hello",
    "nothing known": b"{}",
    "a list": b"[]",
    "deep": b'{"walls":' + b"[" * 5000,
    "too many values": b'{"walls":[' + b"0," * MAX_VALUES + b"0]}",
    "damaged archive": zipped(FOUNDRY)[:200],
    "archive without a scene": zipped(FOUNDRY).replace(b"scene.json", b"scene.jpeg"),
    "hexagons": as_bytes({**FOUNDRY, "grid": {"type": 2, "size": 100}}),
    "too small": as_bytes({**ONE_PAGE_DUNGEON, "rects": [{"x": 0, "y": 0, "w": 1, "h": 1}]}),
    "too large": as_bytes({**DONJON, "cells": [[0] * 129] * 20}),
}


@pytest.mark.parametrize("source", SOURCES)
async def test_what_is_no_plan_is_refused(running: Service, source: str) -> None:
    status = await failed_stream(running.plans.ImportFloorPlan(iter(requests(SOURCES[source]))))
    assert (status.reason, status.fields) == ("INVALID_ARGUMENT", ["data"])


async def test_messages_out_of_order_are_refused(running: Service) -> None:
    data = as_bytes(DONJON)
    for parts, field in (
        ([], "data"),
        ([*requests(data), ImportFloorPlanRequest(format=4)], "format"),
        ([ImportFloorPlanRequest()], "part"),
    ):
        status = await failed_stream(running.plans.ImportFloorPlan(iter(parts)))
        assert status.fields == [field]


async def test_the_format_can_be_named(running: Service) -> None:
    both = as_bytes({**DONJON, **ONE_PAGE_DUNGEON})
    donjon = FloorPlanFormat.FLOOR_PLAN_FORMAT_DONJON
    assert (await imported(running, both, donjon))[0].format == donjon
    assert (await imported(running, both))[0].format == FloorPlanFormat.FLOOR_PLAN_FORMAT_ONE_PAGE_DUNGEON


@pytest.mark.parametrize("picture", ["", "*", "aGVsbG8="])
async def test_a_picture_that_cannot_be_read_is_a_warning(running: Service, picture: str) -> None:
    description, data = await imported(running, as_bytes({**UNIVERSAL_VTT, "image": picture}))
    assert data == b""
    assert not description.HasField("picture")
    assert any("picture" in warning for warning in description.warnings) == bool(picture)


def quarters(walls: list[Wall]) -> set[tuple[float, ...]]:
    """Return walls as pieces of a quarter of a cell, however they are divided."""
    pieces = set()
    for wall in walls:
        (x, y), (x2, y2) = sorted([(wall.start.x, wall.start.y), (wall.end.x, wall.end.y)])
        count = round(4 * math.hypot(x2 - x, y2 - y))
        step = ((x2 - x) / count, (y2 - y) / count)
        pieces |= {(x + i * step[0], y + i * step[1], *step) for i in range(count)}
    return pieces


@pytest.mark.parametrize("format_", [SceneFormat.SCENE_FORMAT_UNIVERSAL_VTT, SceneFormat.SCENE_FORMAT_FOUNDRY])
@pytest.mark.parametrize("kind", KINDS[:3])
async def test_an_exported_map_comes_back_as_the_same_plan(
    running: Service, kind: FloorPlanKind, format_: SceneFormat
) -> None:
    plan = generated(kind, seed=5, columns=30, rows=20)
    properties = MapProperties(grid={"size": 20}, walls=plan.walls, lights=plan.lights)
    image = await running.upload(picture_bytes(600, 400), subtype=ImageSubtype.IMAGE_SUBTYPE_TACTICAL, map=properties)
    request = ExportSceneRequest(map_id=image.id, format=format_)
    exported = b"".join([part.data async for part in running.maps.ExportScene(request)])
    description, picture = await imported(running, exported)
    back = description.floor_plan
    assert back.size == plan.size
    for of_kind in (is_door, is_window, is_wall):
        assert quarters(list(filter(of_kind, back.walls))) == quarters(list(filter(of_kind, plan.walls)))
    assert [light.position for light in back.lights] == [light.position for light in plan.lights]
    assert [light.illumination for light in back.lights] == [light.illumination for light in plan.lights]
    assert description.picture.grid.size == 20
    assert picture == await running.read(image.id)


def is_window(wall: Wall) -> bool:
    return wall.kind == WallKind.WALL_KIND_WINDOW


def is_wall(wall: Wall) -> bool:
    return not is_door(wall) and not is_window(wall)
