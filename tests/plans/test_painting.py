"""Tactical maps that follow a layout, through the whole service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateTacticalMapRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest
from tabletop.image.v1.map_pb2 import DoorKind, DoorState, FloorPlan, GridKind, WallKind
from tabletop.image.v1.map_service_pb2 import SetDoorStateRequest, UpdateMapRequest
from tabletop.image.v1.types_pb2 import CacheMode, ImageSubtype

from getimg_standin import Behavior, Fault
from image_grpc.maps.barriers import is_open
from image_grpc.maps.properties import is_door
from image_grpc.plans.validation import plan_violations
from image_grpc_testkit.eventually import eventually
from tests.plans.builders import generated, parameters, plan, two_rooms, wall
from tests.service import Service, block_generations, element, picture_bytes, service, tactical_map
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

DUNGEON, CAVE = FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON, FloorPlanKind.FLOOR_PLAN_KIND_CAVE
BUILDING, OUTDOORS = FloorPlanKind.FLOOR_PLAN_KIND_BUILDING, FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS
DARK = 0x50
"""Brightness of a painted wall, at most."""
PRICE = Decimal("0.053")
GRID_OF_40 = {"enabled": True, "size": 40}


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def clean(running: Service) -> AsyncIterator[None]:
    """Undo what a test does to the stand-in."""
    yield
    running.standin.clear_faults()
    running.standin.behavior = replace(running.standin.behavior, **UNTOUCHED)


UNTOUCHED: dict[str, Any] = {
    name: getattr(Behavior(), name) for name in ("layout_shift_x", "layout_shift_y", "layout_scale", "layout_missing")
}


def request(layout: Any = None, **fields: Any) -> GenerateTacticalMapRequest:
    layout = layout or {"floor_plan": generated(DUNGEON, 3, 30, 20)}
    return GenerateTacticalMapRequest(theme="fantasy", layout=layout, cache=CacheMode.CACHE_MODE_BYPASS, **fields)


async def pixels(running: Service, image: Image) -> NDArray[np.uint8]:
    """Return the brightest channel of each pixel of a stored picture."""
    data = await running.read(image.id)
    return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy()[..., :3].max(axis=2))


def along(image: Image, wall: Any, distance: int) -> NDArray[np.float64]:
    """Return points in pixels on a wall, `distance` pixels apart, without its ends."""
    size, offset = image.map.grid.size, np.array([image.map.grid.offset.x, image.map.grid.offset.y])
    start, end = (np.array([each.x, each.y]) * size + offset for each in (wall.start, wall.end))
    count = int(np.hypot(*(end - start))) // distance
    return start + (end - start) * (np.arange(1, count)[:, np.newaxis] / count)


def around(picture: NDArray[np.uint8], points: NDArray[np.float64], radius: int) -> NDArray[np.uint8]:
    """Return the pixels within a distance of points, of shape (points, pixels)."""
    steps = np.mgrid[-radius : radius + 1, -radius : radius + 1].reshape(2, -1).T
    spots = np.floor(points[:, np.newaxis, ::-1] + steps).astype(int)
    rows, columns = (np.clip(spots[..., axis], 0, picture.shape[axis] - 1) for axis in (0, 1))
    return picture[rows, columns]


def check_picture(picture: NDArray[np.uint8], image: Image) -> None:
    """Check that walls are dark within a pixel, and the middle of doors is not."""
    for each in image.map.floor_plan.walls:
        if is_door(each) and each.door.kind != DoorKind.DOOR_KIND_SECRET:
            [middle] = along(image, each, int(image.map.grid.size) // 2)
            assert around(picture, np.array([middle]), 1).min() > DARK, each.id
        elif each.kind == WallKind.WALL_KIND_WALL:
            assert np.all(around(picture, along(image, each, 3), 1).min(axis=1) <= DARK), each.id


async def test_a_map_has_walls_doors_and_lights_of_its_plan(running: Service) -> None:
    floor_plan = generated(DUNGEON, 3, 30, 20)
    image = (await running.generate(request({"floor_plan": floor_plan}))).image
    # As large as possible: 2048 / 30.
    assert (image.content.size.width, image.content.size.height) == (2040, 1360)
    assert (image.map.grid.size, image.map.grid.HasField("offset")) == (68, False)
    assert image.map.floor_plan == floor_plan
    assert list(image.map.lights) == list(floor_plan.lights)
    assert [each.id for each in image.map.walls][: len(floor_plan.walls)] == [each.id for each in floor_plan.walls]
    pillars = [each for each in floor_plan.objects if each.type in ("pillar", "statue", "table", "sarcophagus")]
    assert len(image.map.walls) == len(floor_plan.walls) + 4 * len(pillars)
    check_picture(await pixels(running, image), image)
    assert image.map.fidelity.score > 0.95
    assert image.map.fidelity.tries == 1
    assert abs(image.map.fidelity.offset_x) < 0.05
    assert not image.metadata.generation_params.request.tactical_map.HasField("layout")


async def test_the_model_gets_the_layout_first_and_a_description(running: Service) -> None:
    floor_plan = two_rooms(lights=[{"position": {"x": 2, "y": 2, "unit": 2}, "illumination": {"bright_feet": 20}}])
    reference = await running.upload(picture_bytes(64, 64), subtype=ImageSubtype.IMAGE_SUBTYPE_TACTICAL)
    wanted = request({"floor_plan": floor_plan}, reference_image_ids=[reference.id])
    generation = await running.generate(wanted)
    sent = running.standin.prompts[-1]
    assert [url["url"][:22] for url in sent["images"]] == ["data:image/png;base64,"] * 2
    assert generation.model == sent["model"] == "gpt-image-2"
    for phrase in ("guard room in the middle left", "1 x closed door", "rock; floor", "exact layout", "1 lamps"):
        assert phrase in sent["prompt"]


@pytest.mark.parametrize(
    ("kind", "width", "height"),
    [
        (DUNGEON, 1024, 1024),
        (CAVE, 1280, 720),
        (BUILDING, 600, 800),
        (OUTDOORS, 1001, 701),
        (DUNGEON, 512, 1024),
        (CAVE, 600, 800),
    ],
)
async def test_pictures_of_any_ratio_follow_the_plan(
    running: Service, kind: FloorPlanKind, width: int, height: int
) -> None:
    wanted = request(
        {"floor_plan_parameters": parameters(kind, width, 26, 18)}, size={"width": width, "height": height}
    )
    image = (await running.generate(wanted)).image
    assert image.map.floor_plan == generated(kind, width, 26, 18)
    cell = min(width // 26, height // 18)
    grid = image.map.grid
    assert (grid.size, grid.offset.x, grid.offset.y) == (cell, (width - 26 * cell) // 2, (height - 18 * cell) // 2)
    check_picture(await pixels(running, image), image)
    assert image.map.fidelity.score > 0.85


async def test_movement_stops_at_painted_walls_and_slows_down_in_rubble(running: Service) -> None:
    terrain = ["########", "#...:::#", "#...:::#", "#...:::#", "########"]
    walls = [each for each in two_rooms().walls if each.id != "door"]
    rooms = two_rooms(
        terrain=terrain, walls=[*walls, wall(4, 2, 4, 3, "door", door={"state": DoorState.DOOR_STATE_OPEN})]
    )
    image = (await running.generate(request({"floor_plan": rooms}))).image
    move = element("m", 3.5, 2.5, range={"kind": 2, "distance_feet": 20})
    overlay = await running.create_overlay(image.id, move)
    [coverage] = overlay.tactical.coverage
    cells = {(cell.column, cell.row) for cell in coverage.cells}
    west = {(column, row) for column in (1, 2, 3) for row in (1, 2, 3)}
    # Through the door, 10 ft for each cell of rubble.
    assert cells == west | {(4, 1), (4, 2), (4, 3), (5, 1), (5, 2), (5, 3)}


async def test_nobody_walks_into_a_pit(running: Service) -> None:
    field = plan("......", "......", "oooo..", "......", "......")
    image = (await running.generate(request({"floor_plan": field}, size={"width": 600, "height": 500}))).image
    move = element("m", 0.5, 0.5, range={"kind": 2, "distance_feet": 30})
    [coverage] = (await running.create_overlay(image.id, move)).tactical.coverage
    cells = {(cell.column, cell.row) for cell in coverage.cells}
    assert not cells & {(column, 2) for column in range(4)}
    assert (4, 2) in cells
    assert (0, 3) not in cells


STRICT = {"min_score": 0.9, "max_tries": 3}
CROWDED = [{"id": str(number), "cells": [{"columns": 1, "rows": 1}] * 1000} for number in range(6)]


async def test_requests_that_contradict_their_layout_are_refused(running: Service) -> None:
    lamp = {"position": {"x": 1, "y": 1, "unit": 2}, "illumination": {"bright_feet": 5}}
    for wanted, fields in (
        (request(walls=[wall(0, 0, 1, 0)]), ["walls"]),
        (request(lights=[lamp]), ["lights"]),
        (request(grid={"kind": GridKind.GRID_KIND_HEX_ROWS}), ["grid.kind"]),
        (request(size={"width": 200, "height": 200}), ["size"]),
        (request(grid={"size": 200}, size={"width": 512, "height": 512}), ["grid.size"]),
        (request(grid={"offset": {"x": 5}}), ["grid.offset"]),
        (request({"floor_plan": plan(*["...."] * 4, walls=[wall(0, 0, 9, 0)])}), ["layout.floor_plan.walls[0].end.x"]),
        (
            request({"floor_plan_parameters": parameters(DUNGEON, 0, 8, 30)}),
            ["layout.floor_plan_parameters.size.columns"],
        ),
        (request({"floor_plan": plan(*["...."] * 4, rooms=CROWDED)}), ["layout.floor_plan.rooms"]),
        (request(model="z-image-turbo"), ["model"]),
        (tactical_map(adherence={"min_score": 0.5}), ["adherence"]),
        (request(adherence={"max_tries": 3}), ["adherence.min_score"]),
    ):
        status = await failed_call(running.generations.GenerateTacticalMap(wanted))
        assert (status.reason, status.fields) == ("INVALID_ARGUMENT", fields)


async def test_equal_layouts_share_a_picture_however_they_are_given(running: Service) -> None:
    def wanted(layout: Any) -> GenerateTacticalMapRequest:
        return GenerateTacticalMapRequest(theme="fantasy", layout=layout, size={"width": 512, "height": 512})

    first = await running.generate(wanted({"floor_plan_parameters": parameters(CAVE, 11, 20, 20)}))
    again = await running.generate(wanted({"floor_plan": generated(CAVE, 11, 20, 20)}))
    other = await running.generate(wanted({"floor_plan_parameters": parameters(CAVE, 12, 20, 20)}))
    assert (again.cache_hit, again.image.id) == (True, first.image.id)
    assert (other.cache_hit, other.image.id != first.image.id) == (False, True)


# Fidelity


async def test_a_shift_is_measured_and_corrected_by_the_grid(running: Service) -> None:
    shift = 0.3 * 32 / 960
    running.standin.behavior = replace(running.standin.behavior, layout_shift_x=shift)
    wanted = request({"floor_plan": generated(BUILDING, 2, 30, 20)}, size={"width": 960, "height": 640})
    image = (await running.generate(wanted)).image
    fidelity = image.map.fidelity
    assert image.map.grid.size == 32
    assert abs(fidelity.offset_x - 0.3) < 0.05
    assert abs(fidelity.offset_y) < 0.05
    assert abs(fidelity.scale - 1) < 0.005
    assert fidelity.score < 0.7
    assert len(fidelity.weak_edges) < 5
    grid = image.map.grid
    grid.offset.x += fidelity.offset_x * grid.size
    moved = await running.maps.UpdateMap(UpdateMapRequest(map_id=image.id, version=1, changes={"grid": grid}))
    check_picture(await pixels(running, image), moved.image)
    assert abs(moved.image.map.fidelity.offset_x) < 1e-6
    larger = {"grid": {**GRID_OF_40, "offset": {"x": 1}}}
    changed = await running.maps.UpdateMap(UpdateMapRequest(map_id=image.id, version=2, changes=larger))
    assert not changed.image.map.HasField("fidelity")


async def test_a_scale_is_measured(running: Service) -> None:
    running.standin.behavior = replace(running.standin.behavior, layout_scale=1.04)
    image = (await running.generate(request(size={"width": 900, "height": 600}))).image
    assert abs(image.map.fidelity.scale - 1.04) < 0.005


async def test_a_shift_along_parallel_walls_is_not_made_up(running: Service) -> None:
    bars = plan(*["." * 12] * 8, walls=[wall(column, 0, column, 8) for column in range(1, 12)])
    running.standin.behavior = replace(running.standin.behavior, layout_shift_y=0.04)
    fidelity = (
        await running.generate(request({"floor_plan": bars}, size={"width": 720, "height": 480}))
    ).image.map.fidelity
    assert (fidelity.offset_y, fidelity.scale) == (0, 1)
    assert abs(fidelity.offset_x) < 0.1


async def test_an_empty_field_has_nothing_to_follow(running: Service) -> None:
    calls = running.standin.calls
    wanted = request({"floor_plan": plan(*["......"] * 4)}, size={"width": 300, "height": 200}, adherence=STRICT)
    generation = await running.generate(wanted)
    assert running.standin.calls - calls == generation.attempts == 1
    assert not generation.image.map.HasField("fidelity")


async def test_a_missing_wall_is_named_and_drawn_on_demand(running: Service) -> None:
    floor_plan = two_rooms()
    # The wall between the rooms, above the door, except for short remains at its ends.
    running.standin.behavior = replace(running.standin.behavior, layout_missing=(3.7 / 8, 1.2 / 5, 4.3 / 8, 1.95 / 5))
    image = (await running.generate(request({"floor_plan": floor_plan}, size={"width": 768, "height": 480}))).image
    fidelity = image.map.fidelity
    assert {edge.wall_id for edge in fidelity.weak_edges} == {"upper"}
    [edge] = fidelity.weak_edges
    assert (edge.start.x, edge.end.x) == (4 * 96, 4 * 96)
    assert (edge.start.y, edge.end.y) == (96, 2 * 96)

    async def composed(**options: Any) -> NDArray[np.uint8]:
        layer = ImageLayer.IMAGE_LAYER_COMPOSED
        parts = running.images.ReadImage(ReadImageRequest(image_id=image.id, layer=layer, **options))
        data = b"".join([part.data async for part in parts])
        return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy()[..., :3].max(axis=2))

    middle = (int((edge.start.y + edge.end.y) / 2), 4 * 96)
    assert (await composed())[middle] > DARK
    assert (await composed(draw_weak_edges=True))[middle] <= DARK
    removed = UpdateMapRequest(map_id=image.id, version=1, changes={"remove_wall_ids": ["upper"]})
    assert len((await running.maps.UpdateMap(removed)).image.map.fidelity.weak_edges) == 0


async def test_an_unrelated_picture_is_generated_again(running: Service) -> None:
    calls = running.standin.calls
    running.standin.add_fault(Fault(kind="unrelated", count=2))
    wanted = request(size={"width": 600, "height": 400}, adherence={"min_score": 0.8, "max_tries": 4})
    generation = await running.generate(wanted)
    assert running.standin.calls - calls == generation.attempts == generation.image.map.fidelity.tries == 3
    assert Decimal(generation.cost.amount) == 3 * PRICE
    assert generation.cost.quantity == 3
    assert generation.image.map.fidelity.score > 0.9
    check_picture(await pixels(running, generation.image), generation.image)


@pytest.mark.parametrize("tries", [1, 2, 4])
async def test_no_more_pictures_are_generated_than_allowed(running: Service, tries: int) -> None:
    calls = running.standin.calls
    running.standin.add_fault(Fault(kind="unrelated"))
    wanted = request(size={"width": 600, "height": 400}, adherence={"min_score": 0.8, "max_tries": tries})
    generation = await running.generate(wanted)
    assert running.standin.calls - calls == generation.attempts == tries
    assert Decimal(generation.cost.amount) == tries * PRICE
    assert (generation.image.map.fidelity.score, generation.image.map.fidelity.tries) == (0, tries)


async def test_without_adherence_one_picture_is_generated(running: Service) -> None:
    running.standin.add_fault(Fault(kind="unrelated"))
    generation = await running.generate(request(size={"width": 600, "height": 400}))
    assert (generation.attempts, generation.image.map.fidelity.tries) == (1, 1)


async def test_the_best_picture_is_kept(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    running.standin.behavior = replace(running.standin.behavior, layout_shift_x=0.01)
    may_finish = block_generations(monkeypatch)
    wanted = request(size={"width": 600, "height": 400}, adherence={"min_score": 0.99, "max_tries": 2})
    call = await start(running, wanted)
    running.standin.add_fault(Fault(kind="unrelated"))  # from the second picture on
    may_finish.set()
    generation = await finished(running, call)
    assert generation.attempts == 2
    assert 0.01 < abs(generation.image.map.fidelity.offset_x) < 0.5
    assert generation.image.map.fidelity.tries == 2


async def test_a_failing_second_try_keeps_the_first_picture(running: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    running.standin.behavior = replace(running.standin.behavior, layout_shift_x=0.01)
    may_finish = block_generations(monkeypatch)
    wanted = request(size={"width": 600, "height": 400}, adherence={"min_score": 0.99, "max_tries": 3})
    call = await start(running, wanted)
    running.standin.add_fault(Fault(kind="status", status=400, code="invalid_prompt"))
    may_finish.set()
    generation = await finished(running, call)
    assert generation.image.map.fidelity.tries == 1
    assert Decimal(generation.cost.amount) == PRICE
    assert 0.01 < abs(generation.image.map.fidelity.offset_x) < 0.5


async def start(running: Service, wanted: GenerateTacticalMapRequest) -> Generation:
    """Send a request and wait until the stand-in draws its first picture."""
    calls = running.standin.calls
    generation = (await running.generations.GenerateTacticalMap(wanted)).generation
    await eventually(lambda: running.standin.calls > calls and running.standin.in_flight, "the first call")
    return generation


async def finished(running: Service, generation: Generation) -> Generation:
    waiting = WaitGenerationRequest(generation_id=generation.id, timeout={"seconds": 60})
    return (await running.generations.WaitGeneration(waiting)).generation


# New versions


async def test_new_versions_follow_the_layout_as_it_is_now(running: Service) -> None:
    image = (await running.generate(request({"floor_plan": two_rooms()}))).image
    opened = SetDoorStateRequest(map_id=image.id, door_id="door", state=DoorState.DOOR_STATE_OPEN)
    await running.maps.SetDoorState(opened)
    for wanted in (
        ApplyThemeRequest(image_id=image.id, version=2, theme="horror"),
        RegenerateImageRequest(image_id=image.id, version=3, tactical_map={"details": "moss"}),
    ):
        generation = await running.generate(wanted)
        sent = running.standin.prompts[-1]
        assert len(sent["images"]) == 2, "the layout and the current picture"
        assert generation.model == "gpt-image-2"
        assert "1 x open door" in sent["prompt"]
        changed = generation.image.map
        assert changed.fidelity.score > 0.95
        assert changed.floor_plan == image.map.floor_plan
        assert [is_open(each) for each in changed.walls if is_door(each)] == [True]
        check_picture(await pixels(running, generation.image), generation.image)


async def test_a_new_layout_replaces_walls_grid_and_lights(running: Service) -> None:
    image = (await running.generate(request({"floor_plan": two_rooms()}, size={"width": 800, "height": 800}))).image
    cave = {"floor_plan_parameters": parameters(CAVE, 4, 20, 20)}
    changed = RegenerateImageRequest(
        image_id=image.id,
        version=1,
        tactical_map={"layout": cave, "grid": {}},
        update_mask={"paths": ["layout", "grid"]},
    )
    generation = await running.generate(changed)
    assert generation.image.map.floor_plan == generated(CAVE, 4, 20, 20)
    assert generation.image.map.grid.size == 40
    assert not any(is_door(each) for each in generation.image.map.walls)
    check_picture(await pixels(running, generation.image), generation.image)


async def test_a_plan_is_in_the_middle_whatever_its_cells(running: Service) -> None:
    floor_plan, size = two_rooms(), {"width": 500, "height": 300}  # of 8 x 5 cells
    image = (await running.generate(request({"floor_plan": floor_plan}, size=size, grid={"size": 50}))).image
    assert (image.map.grid.size, image.map.grid.offset.x, image.map.grid.offset.y) == (50, 50, 25)
    check_picture(await pixels(running, image), image)
    corner = {"size": 50, "offset": {"x": 0, "y": 0}}
    image = (await running.generate(request({"floor_plan": floor_plan}, size=size, grid=corner))).image
    assert not image.map.grid.HasField("offset")
    again = RegenerateImageRequest(image_id=image.id, version=1, tactical_map={"details": "at night"})
    image = (await running.generate(again)).image
    assert not image.map.grid.HasField("offset"), "where the caller put it"
    check_picture(await pixels(running, image), image)


async def test_without_a_size_the_picture_is_as_large_as_its_cells(running: Service) -> None:
    wanted = request({"floor_plan": two_rooms()}, grid={"size": 40})
    wanted.ClearField("size")
    image = (await running.generate(wanted)).image
    assert (image.content.size.width, image.content.size.height, image.map.grid.size) == (320, 200, 40)


async def test_another_size_moves_plan_and_grid(running: Service) -> None:
    image = (await running.generate(request({"floor_plan": two_rooms()}, size={"width": 800, "height": 500}))).image
    smaller = RegenerateImageRequest(image_id=image.id, version=1, tactical_map={"size": {"width": 400, "height": 300}})
    changed = (await running.generate(smaller)).image
    assert (changed.map.grid.size, changed.map.grid.offset.y) == (50, 25)
    check_picture(await pixels(running, changed), changed)


async def test_a_changed_wall_is_part_of_the_layout(running: Service) -> None:
    image = (await running.generate(request({"floor_plan": two_rooms()}))).image
    changes = {"remove_wall_ids": ["upper"], "put_walls": [wall(2.1, 1, 2.1, 4, "new")]}
    await running.maps.UpdateMap(UpdateMapRequest(map_id=image.id, version=1, changes=changes))
    generation = await running.generate(ApplyThemeRequest(image_id=image.id, version=2, theme="western"))
    picture, size = await pixels(running, generation.image), int(generation.image.map.grid.size)
    assert picture[int(2.5 * size), 2 * size] <= DARK, "in quarter cells"
    assert picture[int(1.5 * size), 4 * size] > DARK


async def test_a_planned_map_keeps_square_cells(running: Service) -> None:
    image = (await running.generate(request({"floor_plan": two_rooms()}))).image
    changes = {"grid": {"size": 50, "kind": GridKind.GRID_KIND_HEX_ROWS}}
    status = await failed_call(running.maps.UpdateMap(UpdateMapRequest(map_id=image.id, version=1, changes=changes)))
    assert status.fields == ["changes.grid.kind"]


async def test_a_picture_is_uploaded_with_its_plan(running: Service) -> None:
    floor_plan = two_rooms()
    properties = {"grid": {"size": 50}, "floor_plan": floor_plan}
    data, tactical = picture_bytes(400, 250), ImageSubtype.IMAGE_SUBTYPE_TACTICAL
    image = await running.upload(data, subtype=tactical, map=properties)
    assert [each.id for each in image.map.walls] == [each.id for each in floor_plan.walls]
    assert not image.map.HasField("fidelity")
    for cell, columns in ((100, 8), (0, 60)):
        too_large = {"grid": {"size": cell}, "floor_plan": plan(*["." * columns] * 5)}
        status = await failed_call(running.upload(data, subtype=tactical, map=too_large))
        assert status.fields == ["description.map.grid.size" if cell else "data"]
    properties["walls"] = floor_plan.walls
    status = await failed_call(running.upload(data, subtype=tactical, map=properties))
    assert status.fields == ["description.map.walls"]


async def test_a_plan_comes_back_valid_from_a_stored_map(running: Service) -> None:
    image = (await running.generate(request({"floor_plan_parameters": parameters(OUTDOORS, 1, 40, 20)}))).image
    stored = FloorPlan.FromString((await running.get_image(image.id)).map.floor_plan.SerializeToString())
    assert plan_violations(stored, "") == []


async def test_layouts_survive_a_restart_of_the_service(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("restart")
    async with service(folder) as first:
        image = (await first.generate(request({"floor_plan": two_rooms()}))).image
    async with service(folder) as second:
        generation = await second.generate(ApplyThemeRequest(image_id=image.id, version=1, theme="horror"))
        assert generation.image.map.fidelity.score > 0.95
