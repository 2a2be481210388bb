"""Changes of maps through MapService, over a real channel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1 import map_service_pb2 as pb
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateTacticalMapRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit, DoorKind, DoorState, Wall, WallKind
from tabletop.image.v1.overlay_service_pb2 import GetOverlayRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc_testkit.eventually import eventually
from tests.service import (
    Service,
    block_generations,
    campaign_map,
    element,
    grid_properties,
    new_id,
    payload_of,
    service,
    tactical_map,
)
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN, CLOSED, LOCKED = DoorState.DOOR_STATE_OPEN, DoorState.DOOR_STATE_CLOSED, DoorState.DOOR_STATE_LOCKED
CELLS = CoordinateUnit.COORDINATE_UNIT_CELLS


def wall(x1: float, y1: float, x2: float, y2: float, **fields: Any) -> Wall:
    """Return a wall between two points in cells."""
    return Wall(start={"x": x1, "y": y1, "unit": CELLS}, end={"x": x2, "y": y2, "unit": CELLS}, **fields)


@pytest_asyncio.fixture(loop_scope="module")
async def room(running: Service) -> Image:
    """A map of 10 x 10 cells that a wall with a closed door divides, from the left edge to the right one."""
    walls = [
        wall(0, 5, 4, 5),
        wall(4, 5, 5, 5, id="gate", kind=WallKind.WALL_KIND_CLOSED_DOOR),
        wall(5, 5, 10, 5, id="east"),
    ]
    return await running.upload(map={**grid_properties(), "walls": walls})


async def update(running: Service, map_: Image, **changes: Any) -> Image:
    request = pb.UpdateMapRequest(map_id=map_.id, version=map_.version, changes=changes)
    return (await running.maps.UpdateMap(request)).image


async def set_door(running: Service, map_: Image, door: str, state: DoorState, **fields: Any) -> Image:
    request = pb.SetDoorStateRequest(map_id=map_.id, door_id=door, state=state, **fields)
    return (await running.maps.SetDoorState(request)).image


def door(map_: Image, id_: str = "gate") -> Wall:
    [found] = [each for each in map_.map.walls if each.id == id_]
    return found


async def visible_rows(running: Service, overlay_id: str) -> set[int]:
    overlay = (await running.overlays.GetOverlay(GetOverlayRequest(overlay_id=overlay_id))).overlay
    [coverage] = overlay.tactical.coverage
    return {cell.row for cell in coverage.cells}


# Stored form


async def test_stored_walls_have_ids_and_doors_have_a_kind_and_a_state(room: Image) -> None:
    assert [each.id for each in room.map.walls] == ["w1", "gate", "east"]
    assert (door(room).door.kind, door(room).door.state) == (DoorKind.DOOR_KIND_DOOR, CLOSED)
    assert door(room).kind == WallKind.WALL_KIND_CLOSED_DOOR
    assert not door(room, "east").HasField("door")


async def test_a_generated_map_has_them_as_well(running: Service) -> None:
    walls = [wall(0, 1, 1, 1, door={"kind": DoorKind.DOOR_KIND_SECRET, "state": LOCKED}), wall(1, 1, 2, 1)]
    image = (await running.generate(tactical_map(walls=walls))).image
    assert [each.id for each in image.map.walls] == ["w1", "w2"]
    assert image.map.walls[0].kind == WallKind.WALL_KIND_CLOSED_DOOR
    assert image.map.walls[0].door.state == LOCKED


@pytest.mark.parametrize(
    ("walls", "field"),
    [
        ([wall(0, 1, 1, 1, id="a"), wall(1, 1, 2, 1, id="a")], "walls[1].id"),
        ([wall(0, 1, 1, 1, kind=WallKind.WALL_KIND_WINDOW, door={})], "walls[0].door"),
    ],
)
async def test_walls_that_contradict_themselves_are_rejected(running: Service, walls: list[Wall], field: str) -> None:
    error = await failed_call(running.generate(tactical_map(walls=walls)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


# Updates


async def test_an_update_is_free_and_keeps_the_bytes(running: Service, room: Image) -> None:
    changed = await update(running, room, grid={"enabled": True, "size": 25.5, "offset": {"x": 3.5}})
    assert (changed.id, changed.version) == (room.id, room.version + 1)
    assert changed.content == room.content
    assert changed.map.grid.size == 25.5
    assert list(changed.map.walls) == list(room.map.walls)
    assert await running.get_image(room.id) == changed
    assert await running.read(room.id) == await running.read(room.id, version=room.version)
    assert (await running.get_image(room.id, version=room.version)).map.grid.size == room.map.grid.size


async def test_walls_are_replaced_removed_and_added_in_this_order(running: Service, room: Image) -> None:
    changed = await update(
        running,
        room,
        remove_wall_ids=["w1", "unknown"],
        put_walls=[wall(0, 2, 3, 2), wall(5, 5, 9, 5, id="east", kind=WallKind.WALL_KIND_WINDOW)],
    )
    *kept, new = [each.id for each in changed.map.walls]
    assert kept == ["gate", "east"]
    assert new not in ("", "w1"), "the id of a removed wall is not used again"
    assert door(changed, "east").kind == WallKind.WALL_KIND_WINDOW
    again = await update(running, changed, walls={"walls": [wall(0, 0, 1, 1)]})
    assert len({each.id for each in again.map.walls} - {"", new}) == 1
    assert list((await update(running, again, walls={})).map.walls) == []


async def test_an_update_publishes_an_event(running: Service, room: Image) -> None:
    async with running.events_on("map.updated") as events:
        changed = await update(running, room, door_states=[{"door_id": "gate", "state": LOCKED}])
        await eventually(lambda: len(events) == 1, "the change is published")
    payload = payload_of(events[0])
    assert events[0].type == "map_updated"
    assert (payload["map_id"], payload["version"]) == (room.id, str(changed.version))
    assert payload["changes"]["door_states"] == [{"door_id": "gate", "state": "DOOR_STATE_LOCKED"}]


async def test_the_event_names_what_was_stored(running: Service, room: Image) -> None:
    async with running.events_on("map.updated") as events:
        changed = await update(running, room, put_walls=[wall(0, 1, 1, 1, door={})])
        await eventually(lambda: len(events) == 1, "the change is published")
    [put] = payload_of(events[0])["changes"]["put_walls"]
    assert put["id"] == changed.map.walls[-1].id
    assert (put["kind"], put["door"]["state"]) == ("WALL_KIND_CLOSED_DOOR", "DOOR_STATE_CLOSED")


async def test_an_update_without_an_effect_creates_no_version(running: Service, room: Image) -> None:
    assert (await update(running, room, door_states=[{"door_id": "gate", "state": CLOSED}])).version == room.version
    assert (await update(running, room, grid=room.map.grid)).version == room.version


async def test_an_outdated_version_is_a_conflict(running: Service, room: Image) -> None:
    await update(running, room, remove_wall_ids=["east"])
    error = await failed_call(update(running, room, remove_wall_ids=["w1"]))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")


async def test_a_repeated_update_returns_the_first_result(running: Service, room: Image) -> None:
    changes = pb.MapChanges(put_walls=[wall(0, 1, 1, 1, id="new")])
    request = pb.UpdateMapRequest(map_id=room.id, version=room.version, changes=changes, request_id=new_id())
    first = (await running.maps.UpdateMap(request)).image
    await update(running, first, remove_wall_ids=["east"])
    assert (await running.maps.UpdateMap(request)).image == first
    request.changes.remove_wall_ids.append("gate")
    error = await failed_call(running.maps.UpdateMap(request))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grid": {"color": "nay"}}, "changes.grid.color"),
        ({"put_walls": [wall(0, 0, 1, 1, id="a"), wall(0, 0, 1, 1, id="a")]}, "changes.put_walls[1].id"),
        ({"door_states": [{"door_id": "east", "state": OPEN}]}, "changes.door_states[0].door_id"),
        ({"door_states": [{"door_id": "gate"}]}, "changes.door_states[0].state"),
        ({"scale": {"unit": "miles", "value": 5}}, "changes.scale"),
        ({"walls": {"walls": [wall(0, 0, 1, 1)] * 2000}, "put_walls": [wall(0, 0, 1, 1)]}, "changes.put_walls"),
    ],
)
async def test_invalid_changes_are_rejected_by_field(
    running: Service, room: Image, changes: dict[str, Any], field: str
) -> None:
    error = await failed_call(update(running, room, **changes))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_scale_and_places_of_a_campaign_map_are_replaced(running: Service) -> None:
    region = (await running.generate(campaign_map(points_of_interest=[{"name": "Old"}]))).image
    places = {"points_of_interest": [{"name": "Greyport", "location": {"x": 5, "y": 6}}]}
    changed = await update(running, region, scale={"unit": "miles", "value": 5}, points_of_interest=places)
    assert changed.map.scale.unit == "miles"
    assert [place.name for place in changed.map.points_of_interest] == ["Greyport"]
    error = await failed_call(update(running, changed, grid={}))
    assert error.fields == ["changes.grid"]


async def test_other_images_have_no_map(running: Service) -> None:
    portrait = await running.upload(type=ImageType.IMAGE_TYPE_CHARACTER, subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT)
    for call in (update(running, portrait, grid={}), set_door(running, portrait, "gate", OPEN)):
        error = await failed_call(call)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")


async def test_a_map_that_does_not_exist_is_not_found(running: Service) -> None:
    missing = Image(id=new_id(), version=1)
    for call in (update(running, missing, grid={}), set_door(running, missing, "gate", OPEN)):
        error = await failed_call(call)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND")


# Doors


async def test_opening_a_door_reveals_what_is_behind_it(running: Service, room: Image) -> None:
    overlay = await running.create_overlay(room.id, element("eye", 4.5, 4.5, line_of_sight={}))
    assert await visible_rows(running, overlay.id) == {0, 1, 2, 3, 4}
    opened = await set_door(running, room, "gate", OPEN)
    assert (door(opened).door.state, door(opened).kind) == (OPEN, WallKind.WALL_KIND_OPEN_DOOR)
    assert await visible_rows(running, overlay.id) == set(range(10))
    await set_door(running, room, "gate", LOCKED)
    assert await visible_rows(running, overlay.id) == {0, 1, 2, 3, 4}


async def test_a_door_in_that_state_already_creates_no_version(running: Service, room: Image) -> None:
    assert (await set_door(running, room, "gate", CLOSED)).version == room.version


@pytest.mark.parametrize("id_", ["east", "nowhere"])
async def test_what_is_no_door_of_the_map_is_not_found(running: Service, room: Image, id_: str) -> None:
    error = await failed_call(set_door(running, room, id_, OPEN))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "MAP_ERROR")


async def test_a_door_may_name_the_version_of_its_map(running: Service, room: Image) -> None:
    await set_door(running, room, "gate", OPEN, version=room.version)
    error = await failed_call(set_door(running, room, "gate", CLOSED, version=room.version))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")


async def test_a_repeated_request_for_a_door_has_no_further_effect(running: Service, room: Image) -> None:
    id_ = new_id()
    first = await set_door(running, room, "gate", OPEN, request_id=id_)
    closed = await set_door(running, room, "gate", CLOSED)
    assert await set_door(running, room, "gate", OPEN, request_id=id_) == first
    assert await running.get_image(room.id) == closed


async def test_a_repeated_request_without_an_effect_returns_the_map_as_it_is(running: Service, room: Image) -> None:
    id_ = new_id()
    await set_door(running, room, "gate", CLOSED, request_id=id_)
    opened = await set_door(running, room, "gate", OPEN)
    assert await set_door(running, room, "gate", CLOSED, request_id=id_) == opened == await running.get_image(room.id)


async def test_doors_that_are_set_at_once_are_all_set(running: Service) -> None:
    walls = [wall(column / 4, 5, column / 4 + 0.2, 5, id=f"door {column}", door={}) for column in range(40)]
    map_ = await running.upload(map={**grid_properties(), "walls": walls})
    await asyncio.gather(*(set_door(running, map_, each.id, OPEN) for each in walls))
    stored = await running.get_image(map_.id)
    assert [each.door.state for each in stored.map.walls] == [OPEN] * 40
    assert stored.version == 41


# With pictures


async def test_a_new_picture_keeps_the_map_as_it_is(running: Service) -> None:
    walls = [wall(0, 1, 1, 1, id="gate", door={})]
    map_ = (await running.generate(tactical_map(walls=walls))).image
    opened = await set_door(running, map_, "gate", OPEN)
    changed = await update(running, opened, grid={"size": 33.5})
    request = RegenerateImageRequest(
        image_id=map_.id, version=changed.version, tactical_map=GenerateTacticalMapRequest(details="at night")
    )
    repainted = (await running.generate(request)).image
    assert repainted.map.grid.size == 33.5
    assert door(repainted).door.state == OPEN


@pytest.mark.parametrize("kind", ["regenerate", "apply theme"])
async def test_what_changes_while_a_picture_is_generated_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    may_finish = block_generations(monkeypatch)
    async with service(tmp_path) as running:
        map_ = await running.upload(map={**grid_properties(), "walls": [wall(0, 1, 1, 1, id="gate", door={})]})
        request: Any = ApplyThemeRequest(image_id=map_.id, version=1, theme="horror")
        if kind == "regenerate":
            parameters = GenerateTacticalMapRequest(grid={"size": 44}, terrain={})
            request = RegenerateImageRequest(image_id=map_.id, version=1, tactical_map=parameters)
        repainting = asyncio.create_task(running.generate(request))
        await eventually(lambda: running.standin.in_flight > 0, "the picture is being generated")
        await set_door(running, map_, "gate", OPEN)
        may_finish.set()
        repainted = (await repainting).image
    assert door(repainted).door.state == OPEN
    assert repainted.map.grid.size == (44 if kind == "regenerate" else map_.map.grid.size)


async def test_empty_parameters_of_a_new_picture_change_nothing(running: Service) -> None:
    request = tactical_map(grid={"size": 33}, terrain={"type": "cave"}, source={"id": new_id()})
    map_ = (await running.generate(request)).image
    parameters = GenerateTacticalMapRequest(details="at night", grid={}, terrain={}, source={})
    changed = RegenerateImageRequest(image_id=map_.id, version=1, tactical_map=parameters)
    repainted = (await running.generate(changed)).image
    assert repainted.map.grid == map_.map.grid
    assert repainted.metadata.source_id == map_.metadata.source_id
    assert repainted.metadata.generation_params.request.tactical_map.terrain.type == "cave"
