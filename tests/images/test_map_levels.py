"""Levels of a place: stairs that lead from map to map, over a real channel."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest, RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit, GridKind, StairsDirection
from tabletop.image.v1.map_service_pb2 import ConnectStairsRequest, ConnectStairsResponse, UpdateMapRequest

from tests.service import Service, grid_properties, new_id, picture_bytes
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

UP, DOWN = StairsDirection.STAIRS_DIRECTION_UP, StairsDirection.STAIRS_DIRECTION_DOWN


def stairs(id_: str = "", x: float = 1.5, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "position": {"x": x, "y": 2.5, "unit": CoordinateUnit.COORDINATE_UNIT_CELLS}, **fields}


async def level(running: Service, *ids: str) -> Image:
    properties = grid_properties() | {"stairs": [stairs(id_, index + 0.5) for index, id_ in enumerate(ids)]}
    return await running.upload(map=properties)


async def connect(running: Service, one: Image, id_: str, other: Image, other_id: str) -> ConnectStairsResponse:
    request = ConnectStairsRequest(map_id=one.id, stairs_id=id_, other_map_id=other.id, other_stairs_id=other_id)
    return await running.maps.ConnectStairs(request)


async def test_stairs_of_two_maps_lead_to_each_other(running: Service) -> None:
    cellar, hall = await level(running, "up"), await level(running, "down", "tower")
    async with running.events_on("map.updated") as events:
        response = await connect(running, cellar, "up", hall, "down")
        [up] = response.image.map.stairs
        down, tower = response.other_image.map.stairs
        assert (up.map_id, up.stairs_id) == (hall.id, "down")
        assert (down.map_id, down.stairs_id, tower.map_id) == (cellar.id, "up", "")
        assert (response.image.version, response.other_image.version) == (2, 2)
        assert await running.get_image(hall.id) == response.other_image
        changed = {event.payload["map_id"]: event.payload["changes"]["put_stairs"] for event in events}
    assert {id_: [each["map_id"] for each in put] for id_, put in changed.items()} == {
        cellar.id: [hall.id],
        hall.id: [cellar.id],
    }


async def test_stairs_lead_to_one_map_at_most(running: Service) -> None:
    cellar, hall, attic = [await level(running, "s") for _ in range(3)]
    await connect(running, cellar, "s", hall, "s")
    response = await connect(running, hall, "s", attic, "s")
    assert (response.image.map.stairs[0].map_id, response.other_image.map.stairs[0].map_id) == (attic.id, hall.id)
    left = await running.get_image(cellar.id)
    assert (left.version, left.map.stairs[0].map_id, left.map.stairs[0].stairs_id) == (3, "", "")


async def test_connecting_again_changes_nothing(running: Service) -> None:
    cellar, hall = await level(running, "s"), await level(running, "s")
    first = await connect(running, cellar, "s", hall, "s")
    assert await connect(running, cellar, "s", hall, "s") == first


async def test_maps_are_connected_at_once(running: Service) -> None:
    hall = await level(running, *(str(index) for index in range(8)))
    cellars = [await level(running, "s") for _ in range(8)]
    await asyncio.gather(*(connect(running, each, "s", hall, str(index)) for index, each in enumerate(cellars)))
    leading = [each.map_id for each in (await running.get_image(hall.id)).map.stairs]
    assert leading == [each.id for each in cellars]


async def test_a_repeated_request_connects_once(running: Service) -> None:
    cellar, hall, attic = [await level(running, "s") for _ in range(3)]
    request = ConnectStairsRequest(
        map_id=cellar.id, stairs_id="s", other_map_id=hall.id, other_stairs_id="s", request_id=new_id()
    )
    first = await running.maps.ConnectStairs(request)
    assert (await running.maps.ConnectStairs(request)).image.version == first.image.version
    request.other_map_id = attic.id
    assert (await failed_call(running.maps.ConnectStairs(request))).reason == "REQUEST_ID_REUSED"


async def test_what_does_not_exist_cannot_be_connected(running: Service) -> None:
    cellar, hall = await level(running, "s"), await level(running, "s")
    status = await failed_call(connect(running, cellar, "s", hall, "t"))
    assert (status.code, status.reason) == (grpc.StatusCode.NOT_FOUND, "MAP_ERROR")
    status = await failed_call(connect(running, cellar, "s", Image(id=new_id()), "s"))
    assert status.reason == "IMAGE_NOT_FOUND"
    status = await failed_call(connect(running, cellar, "s", cellar, "s"))
    assert status.fields == ["other_map_id"]
    assert (await running.get_image(cellar.id)).version == 1


async def test_stairs_are_added_and_removed(running: Service) -> None:
    map_ = await level(running, "s")
    changes = {"put_stairs": [stairs(direction=UP), stairs("t", direction=DOWN)], "remove_stairs_ids": ["s"]}
    image = (await running.maps.UpdateMap(UpdateMapRequest(map_id=map_.id, version=1, changes=changes))).image
    first, second = image.map.stairs
    assert (first.id.startswith("s-"), first.direction, second.id, second.direction) == (True, UP, "t", DOWN)
    many = {"put_stairs": [stairs(str(index)) for index in range(49)]}
    status = await failed_call(running.maps.UpdateMap(UpdateMapRequest(map_id=map_.id, version=2, changes=many)))
    assert status.fields == ["changes.put_stairs"]
    twice = {"put_stairs": [stairs("a"), stairs("a")]}
    status = await failed_call(running.maps.UpdateMap(UpdateMapRequest(map_id=map_.id, version=2, changes=twice)))
    assert status.fields == ["changes.put_stairs[1].id"]


@pytest.mark.parametrize("kind", [GridKind.GRID_KIND_SQUARE, GridKind.GRID_KIND_HEX_COLUMNS])
async def test_hexagons_have_stairs_as_well(running: Service, kind: GridKind) -> None:
    properties = {"grid": {"size": 20, "kind": kind}, "stairs": [stairs("s")]}
    one, other = [await running.upload(picture_bytes(200, 200), map=properties) for _ in range(2)]
    assert (await connect(running, one, "s", other, "s")).image.map.stairs[0].map_id == other.id


async def test_the_stairs_of_a_plan_lead_on_through_new_versions(running: Service) -> None:
    dungeon = {"kind": FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON, "size": {"columns": 24, "rows": 18}}
    levels = []
    for seed in (1, 2):
        layout = {"floor_plan_parameters": dungeon | {"seed": seed}}
        request = GenerateTacticalMapRequest(theme="fantasy", layout=layout, size={"width": 480, "height": 360})
        levels.append((await running.generate(request)).image)
    upper, lower = levels
    ways = {each.direction: each.id for each in upper.map.stairs}
    assert ways.keys() == {UP, DOWN}
    [arrival] = [each.id for each in lower.map.stairs if each.direction == UP]
    await connect(running, upper, ways[DOWN], lower, arrival)
    again = RegenerateImageRequest(image_id=upper.id, version=2, tactical_map={"details": "moss"})
    changed = (await running.generate(again)).image
    assert {each.id: each.map_id for each in changed.map.stairs}[ways[DOWN]] == lower.id
