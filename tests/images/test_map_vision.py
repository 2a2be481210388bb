"""What viewers see, computed by MapService over a real channel."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import pytest_asyncio
import shapely
from tabletop.image.v1 import map_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit, LightLevel, Wall
from tabletop.image.v1.types_pb2 import ImageSubtype
from tabletop.image.v1.viewer_pb2 import Viewer

from tests.service import CELL_PIXELS, Service, grid_properties, new_id, picture_bytes
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

DARK, DIM, BRIGHT = LightLevel.LIGHT_LEVEL_DARK, LightLevel.LIGHT_LEVEL_DIM, LightLevel.LIGHT_LEVEL_BRIGHT
CELLS = CoordinateUnit.COORDINATE_UNIT_CELLS
EVERYWHERE = {(column, row) for column in range(10) for row in range(10)}


def at(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "unit": CELLS}


def wall(x1: float, y1: float, x2: float, y2: float, **fields: Any) -> Wall:
    return Wall(start=at(x1, y1), end=at(x2, y2), **fields)


def viewer(x: float, y: float, id_: str = "eye", **fields: Any) -> Viewer:
    return Viewer(id=id_, position=at(x, y), **fields)


@pytest_asyncio.fixture(loop_scope="module")
async def room(running: Service) -> Image:
    """A map of 10 x 10 cells that a wall with a closed door divides into an upper and a lower half."""
    walls = [wall(0, 5, 4, 5), wall(4, 5, 5, 5, id="gate", door={}), wall(5, 5, 10, 5)]
    return await running.upload(map={**grid_properties(), "walls": walls})


async def vision(running: Service, map_: Image, *viewers: Viewer, **fields: Any) -> pb.ComputeVisionResponse:
    return await running.maps.ComputeVision(pb.ComputeVisionRequest(map_id=map_.id, viewers=viewers, **fields))


def cells(seen: pb.Vision, *levels: LightLevel) -> set[tuple[int, int]]:
    """Return the cells in view that are lit so; without levels, all."""
    return {(cell.column, cell.row) for cell in seen.cells if not levels or cell.light in levels}


def area(seen: pb.Vision) -> Any:
    """Return the area in view, in cells."""

    def ring(points: pb.Ring) -> list[tuple[float, float]]:
        return [(point.x / CELL_PIXELS, point.y / CELL_PIXELS) for point in points.points]

    parts = [shapely.Polygon(ring(part.outline), [ring(hole) for hole in part.holes]) for part in seen.area]
    return shapely.union_all(parts)


async def test_a_viewer_sees_its_room_in_bright_light(running: Service, room: Image) -> None:
    response = await vision(running, room, viewer(4.5, 2.5))
    [only] = response.viewers
    assert only.viewer_id == "eye"
    assert cells(only.vision, BRIGHT) == cells(only.vision) == {cell for cell in EVERYWHERE if cell[1] < 5}
    assert area(only.vision).symmetric_difference(shapely.box(0, 0, 10, 5)).area == pytest.approx(0, abs=1e-3)
    assert response.combined == only.vision


async def test_an_open_door_shows_a_cone_behind_it(running: Service, room: Image) -> None:
    opened = await running.maps.SetDoorState(pb.SetDoorStateRequest(map_id=room.id, door_id="gate", state=1))
    assert opened.image.version == 2
    [only] = (await vision(running, room, viewer(4.5, 2.5))).viewers
    # From the eye through the door, which is 1 wide at a distance of 2.5: at a distance of 7.5 it is 3 wide.
    behind = shapely.Polygon([(4, 5), (5, 5), (6, 10), (3, 10)])
    expected = shapely.union(shapely.box(0, 0, 10, 5), behind)
    assert area(only.vision).symmetric_difference(expected).area == pytest.approx(0, abs=1e-3)
    assert {cell for cell in cells(only.vision) if cell[1] >= 5} == {
        (column, row) for column, row in EVERYWHERE if row >= 5 and shapely.contains_xy(behind, column + 0.5, row + 0.5)
    }
    [before] = (await vision(running, room, viewer(4.5, 2.5), version=1)).viewers
    assert cells(before.vision) == {cell for cell in EVERYWHERE if cell[1] < 5}


async def test_several_viewers_see_together_what_each_sees(running: Service, room: Image) -> None:
    response = await vision(running, room, viewer(1.5, 1.5, "a"), viewer(8.5, 8.5, "b", range_feet=10))
    first, second = (each.vision for each in response.viewers)
    assert cells(second) == {
        cell for cell in EVERYWHERE if cell[1] >= 5 and (cell[0] - 8) ** 2 + (cell[1] - 8) ** 2 <= 4
    }
    assert area(second).area < 3.15 * 4
    assert cells(response.combined) == cells(first) | cells(second)
    assert area(response.combined).area == pytest.approx(area(first).area + area(second).area, abs=1e-3)


async def test_lights_decide_what_is_bright_dim_or_dark(running: Service, room: Image) -> None:
    lamp = {"id": "lamp", "position": at(1.5, 1.5), "illumination": {"bright_feet": 5, "dim_feet": 10}}
    request = pb.UpdateMapRequest(map_id=room.id, version=1, changes={"put_lights": [lamp]})
    lit = (await running.maps.UpdateMap(request)).image
    assert [light.id for light in lit.map.lights] == ["lamp"]
    [only] = (await vision(running, room, viewer(8.5, 1.5))).viewers
    assert cells(only.vision, BRIGHT) == {(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)}
    assert cells(only.vision, DIM) == {
        (column, row) for column, row in EVERYWHERE if 1 < (column - 1) ** 2 + (row - 1) ** 2 <= 4
    }
    assert (8, 1) in cells(only.vision, DARK)
    [cat] = (await vision(running, room, viewer(2.5, 1.5, darkvision_feet=10))).viewers
    assert (3, 1) in cells(cat.vision, BRIGHT)  # dim light, in darkvision
    assert (4, 1) in cells(cat.vision, DIM)
    assert (5, 1) in cells(cat.vision, DARK)


async def test_light_does_not_pass_walls_and_a_torch_is_seen_by_all(running: Service, room: Image) -> None:
    torch = {"bright_feet": 20, "dim_feet": 40}
    response = await vision(running, room, viewer(4.5, 7.5, "below", carried_light=torch), viewer(4.5, 2.5, "above"))
    below, above = (each.vision for each in response.viewers)
    assert cells(above, BRIGHT, DIM) == set()
    assert (4, 7) in cells(below, BRIGHT)
    window = wall(4, 5, 5, 5, id="gate", kind=4)
    await running.maps.UpdateMap(pb.UpdateMapRequest(map_id=room.id, version=1, changes={"put_walls": [window]}))
    response = await vision(running, room, viewer(4.5, 7.5, "below", carried_light=torch), viewer(4.5, 2.5, "above"))
    assert (4, 4) in cells(response.viewers[1].vision, BRIGHT)


async def test_a_cone_lights_in_its_direction(running: Service, room: Image) -> None:
    lantern = {"bright_feet": 30, "angle_degrees": 90, "direction_degrees": 0}
    [only] = (await vision(running, room, viewer(4.5, 2.5, carried_light=lantern))).viewers
    bright = cells(only.vision, BRIGHT)
    assert {(5, 2), (6, 1), (6, 3), (4, 2)} <= bright
    assert not bright & {(3, 2), (4, 1), (5, 0)}


async def test_daylight_needs_no_lamp(running: Service, room: Image) -> None:
    torch = {"bright_feet": 5}
    [only] = (await vision(running, room, viewer(4.5, 2.5, carried_light=torch), ambient_light=BRIGHT)).viewers
    assert cells(only.vision, DIM, DARK) == set()
    [dusk] = (await vision(running, room, viewer(4.5, 2.5, carried_light=torch), ambient_light=DIM)).viewers
    assert cells(dusk.vision, BRIGHT) == {(4, 2), (3, 2), (5, 2), (4, 1), (4, 3)}
    assert cells(dusk.vision, DARK) == set()


# Errors


@pytest.mark.parametrize(
    ("viewers", "field"),
    [
        ([], "viewers"),
        ([viewer(1, 1), viewer(2, 2)], "viewers[1].id"),
        ([viewer(1, 1, carried_light={"bright_feet": -1})], "viewers[0].carried_light.bright_feet"),
        ([viewer(1, 1, f"{number}") for number in range(51)], "viewers"),
    ],
)
async def test_invalid_viewers_are_rejected_by_field(
    running: Service, room: Image, viewers: list[Viewer], field: str
) -> None:
    error = await failed_call(vision(running, room, *viewers))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


async def test_too_many_cells_are_refused_before_they_are_computed(running: Service) -> None:
    fine = await running.upload(map={"grid": {"size": 8}})
    viewers = [viewer(1, 1, f"{number}") for number in range(50)]
    assert len((await vision(running, fine, *viewers)).viewers) == 50
    large = await running.upload(picture_bytes(2000, 2000), map={"grid": {"size": 8}})
    error = await failed_call(vision(running, large, viewer(1, 1), viewer(2, 2, "b")))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")
    assert len((await vision(running, large, viewer(1, 1), viewer(2, 2, "b", range_feet=60))).viewers) == 2


async def test_only_tactical_maps_have_a_vision(running: Service) -> None:
    region = await running.upload(subtype=ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN)
    error = await failed_call(vision(running, region, viewer(1, 1)))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MAP_ERROR")
    error = await failed_call(vision(running, Image(id=new_id()), viewer(1, 1)))
    assert error.code is grpc.StatusCode.NOT_FOUND
