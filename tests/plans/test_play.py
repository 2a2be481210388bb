"""Play on maps by plan: sight, doors and the view of the players, beside a computation that tries every path."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import pyvips
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer
from tabletop.image.v1.map_pb2 import DoorState, LightLevel, MapProperties, Wall
from tabletop.image.v1.map_pb2 import Grid as GridProperties
from tabletop.image.v1.map_service_pb2 import ComputeVisionRequest, SetDoorStateRequest
from tabletop.image.v1.types_pb2 import Size
from tabletop.image.v1.viewer_pb2 import Audience, Viewer

from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import walkable_cells
from image_grpc.maps.vision import compute_vision
from image_grpc.plans import layouts
from tests.plans.brute_force import seen_cells, sees
from tests.plans.builders import KINDS, at, generated, parameters
from tests.plans.test_generators import short_name
from tests.service import Service

PLANS, VIEWERS = int(os.environ.get("PLANS", "3")), 10
"""Plans of each kind, and viewers on each."""
COLUMNS, ROWS, CELL = 30, 20, 32
BRIGHT = LightLevel.LIGHT_LEVEL_BRIGHT


def map_of(kind: FloorPlanKind, seed: int) -> Image:
    """Return a map that follows a plan, without a picture."""
    plan, grid, size = generated(kind, seed, COLUMNS, ROWS), GridProperties(), Size(width=960, height=640)
    layouts.place(grid, plan.size, size)
    image = Image(map=layouts.properties_of(plan, grid))
    image.content.size.CopyFrom(size)
    return image


def places(properties: MapProperties, seed: int, count: int) -> list[tuple[float, float]]:
    """Return the middles of cells where creatures can stand."""
    cells = np.argwhere(walkable_cells(properties.floor_plan))[:, ::-1].tolist()
    return [(column + 0.5, row + 0.5) for column, row in random.Random(seed).sample(cells, count)]


@pytest.mark.parametrize("kind", KINDS, ids=short_name)
def test_viewers_see_what_no_wall_hides(kind: FloorPlanKind) -> None:
    for seed in range(PLANS):
        image = map_of(kind, seed)
        eyes = places(image.map, seed, VIEWERS)
        viewers = [Viewer(id=str(index), position=at(*eye)) for index, eye in enumerate(eyes)]
        response = compute_vision(image, ComputeVisionRequest(viewers=viewers, ambient_light=BRIGHT))
        for eye, viewer in zip(eyes, response.viewers, strict=True):
            seen = {(cell.column, cell.row) for cell in viewer.vision.cells}
            expected = seen_cells(image.map.walls, eye, COLUMNS, ROWS)
            assert seen == expected | {(int(eye[0]), int(eye[1]))}, (seed, eye)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_door_changes_what_is_seen_through_it_and_nothing_else(running: Service) -> None:
    dungeon = {"floor_plan_parameters": parameters(KINDS[0], 8, COLUMNS, ROWS)}
    request = GenerateTacticalMapRequest(theme="fantasy", layout=dungeon, size={"width": 960, "height": 640})
    image = (await running.generate(request)).image
    for door in [each for each in image.map.walls if is_door(each)][:6]:
        for eye in _beside(door):
            for state in (DoorState.DOOR_STATE_OPEN, DoorState.DOOR_STATE_LOCKED):
                setting = SetDoorStateRequest(map_id=image.id, door_id=door.id, state=state)
                changed = (await running.maps.SetDoorState(setting)).image
                viewers = [Viewer(id="eye", position=at(*eye))]
                asked = ComputeVisionRequest(map_id=image.id, viewers=viewers, ambient_light=BRIGHT)
                vision = (await running.maps.ComputeVision(asked)).combined
                expected = seen_cells(changed.map.walls, eye, COLUMNS, ROWS) | {(int(eye[0]), int(eye[1]))}
                assert {(cell.column, cell.row) for cell in vision.cells} == expected, (door.id, eye, state)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", KINDS, ids=short_name)
async def test_the_players_get_no_pixel_that_nobody_sees(running: Service, kind: FloorPlanKind) -> None:
    layout = {"floor_plan_parameters": parameters(kind, 2, COLUMNS, ROWS)}
    request = GenerateTacticalMapRequest(theme="fantasy", layout=layout, size={"width": 960, "height": 640})
    image = (await running.generate(request)).image
    eyes = places(image.map, 5, 2)
    viewers = [Viewer(id=str(index), position=at(*eye)) for index, eye in enumerate(eyes)]
    data = await running.read(
        image.id,
        layer=ImageLayer.IMAGE_LAYER_COMPOSED,
        audience=Audience.AUDIENCE_PLAYERS,
        viewers=viewers,
        ambient_light=BRIGHT,
        format=1,
    )
    picture = pyvips.Image.new_from_buffer(data, "").numpy()[..., :3].max(axis=2)
    rows, columns = np.nonzero(picture[: 640 - 64, : 960 - 200])  # without the scale bar
    chosen = np.random.default_rng(1).choice(len(rows), min(3000, len(rows)), replace=False)
    x, y = (columns[chosen] + 0.5) / CELL, (rows[chosen] + 0.5) / CELL
    assert np.all(np.any([sees(image.map.walls, eye, x, y) for eye in eyes], axis=0))
    assert len(rows) > 5000


def _beside(door: Wall) -> list[tuple[float, float]]:
    """Return the middles of the cells on both sides of a door of one cell."""
    x, y = (door.start.x + door.end.x) / 2, (door.start.y + door.end.y) / 2
    across, down = (0.5, 0.0) if door.start.x == door.end.x else (0.0, 0.5)
    return [(x - across, y - down), (x + across, y + down)]
