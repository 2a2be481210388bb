"""RenderFloorPlan, over a real channel."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind
from tabletop.image.v1.floor_plan_service_pb2 import (
    DrawingFormat,
    FloorPlanContent,
    GenerateFloorPlanRequest,
    RenderFloorPlanRequest,
)
from tabletop.image.v1.map_pb2 import FloorPlan

from tests.plans.builders import generated, parameters, plan, two_rooms, wall
from tests.service import Service
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

MASK, SVG = FloorPlanContent.FLOOR_PLAN_CONTENT_MASK, DrawingFormat.DRAWING_FORMAT_SVG
CELL = 20


async def drawn(running: Service, plan: FloorPlan, **options: object) -> NDArray[np.uint8]:
    request = RenderFloorPlanRequest(floor_plan=plan, **{"cell_size": CELL, **options})
    response = await running.plans.RenderFloorPlan(request)
    assert response.media_type == "image/png"
    pixels = pyvips.Image.new_from_buffer(response.data, "").numpy()
    assert pixels.shape[1::-1] == (response.width, response.height)
    return np.asarray(pixels)


def color(pixels: NDArray[np.uint8], x: float, y: float) -> str:
    """Return the color of the pixel at a point in cells."""
    return "#" + "".join(f"{value:02x}" for value in pixels[int(y * CELL), int(x * CELL)])


async def test_walls_lie_on_both_sides_of_their_line_and_doors_are_openings_in_them(running: Service) -> None:
    pixels = await drawn(running, two_rooms())
    dark = pixels.max(axis=2) < 0x30
    for x in (CELL - 1, CELL, 7 * CELL - 1, 7 * CELL):
        assert np.all(dark[CELL : 4 * CELL, x]), x
    assert not np.any(dark[CELL + 2 : 4 * CELL - 2, [CELL + 2, 7 * CELL - 3]])
    assert not np.any(dark[2 * CELL + 1 : 3 * CELL - 1, 4 * CELL - 1 : 4 * CELL + 1])
    assert (color(pixels, 0.5, 0.5), color(pixels, 2.5, 2.5)) == ("#3a3840", "#d8ccb6")


async def test_secret_doors_look_like_walls(running: Service) -> None:
    walls = [each for each in two_rooms().walls if each.id != "door"]
    pixels = await drawn(running, two_rooms(walls=[*walls, wall(4, 2, 4, 3, "door", door={"kind": 4})]))
    whole = await drawn(running, two_rooms(walls=[*walls, wall(4, 2, 4, 3, "wall")]))
    assert np.array_equal(pixels, whole)


async def test_each_ground_has_its_color(running: Service) -> None:
    grounds = [{"symbol": "L", "name": "lava"}, {"symbol": "x", "name": "slime", "color": "#0f0"}]
    pixels = await drawn(running, plan("....", ".~:.", ".Lxo", "....", grounds=grounds))
    assert [color(pixels, 1.5, 1.5), color(pixels, 2.5, 1.5)] == ["#5a9bd4", "#b39f86"]
    assert [color(pixels, x + 0.5, 2.5) for x in (1, 2, 3)] == ["#e2562a", "#00ff00", "#121016"]


async def test_the_grid_is_drawn_on_demand(running: Service) -> None:
    field = plan(*["...."] * 4)
    without, with_grid = [await drawn(running, field, grid=shown) for shown in (False, True)]
    assert len(np.unique(without.reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(with_grid.reshape(-1, 3), axis=0)) > 1


async def test_a_mask_has_walls_in_white_and_openings_in_gray(running: Service) -> None:
    pixels = (await drawn(running, two_rooms(), content=MASK)).reshape(5 * CELL, 8 * CELL)
    assert pixels[int(2.5 * CELL), 4 * CELL] == 0x80
    assert pixels[int(2.5 * CELL), CELL] == 0xFF
    assert pixels[int(2.5 * CELL), 2 * CELL] == 0


@pytest.mark.parametrize("cell_size", [8, 25, 32])
async def test_a_mask_has_three_shades_only(running: Service, cell_size: int) -> None:
    table = {"id": "t", "type": "table", "x": 2, "y": 2, "width": 1, "height": 1}
    pixels = await drawn(running, two_rooms(objects=[table]), content=MASK, cell_size=cell_size)
    assert np.unique(pixels).tolist() == [0, 0x80, 0xFF]
    assert pixels[int(2.5 * cell_size) - 1 : int(2.5 * cell_size) + 2, 2 * cell_size].max() == 0, "a table is no wall"
    svg = RenderFloorPlanRequest(floor_plan=two_rooms(), content=MASK, format=SVG, cell_size=cell_size)
    data = (await running.plans.RenderFloorPlan(svg)).data
    rendered = pyvips.Image.new_from_buffer(data, "").flatten().extract_band(0).numpy()
    assert np.array_equal(rendered, pixels.reshape(rendered.shape))


async def test_a_drawing_that_is_too_large_for_a_response_gets_smaller_cells(running: Service) -> None:
    random = np.random.default_rng(1)
    walls = [wall(*(random.integers(0, 512, 4) / 4).tolist()) for _ in range(2000)]
    noisy = plan(*["." * 128] * 128, walls=walls)
    response = await running.plans.RenderFloorPlan(RenderFloorPlanRequest(floor_plan=noisy))
    assert response.cell_size in (8, 16)
    status = await failed_call(running.plans.RenderFloorPlan(RenderFloorPlanRequest(floor_plan=noisy, cell_size=32)))
    assert status.fields == ["cell_size"]


async def test_svg_has_the_same_shapes(running: Service) -> None:
    request = RenderFloorPlanRequest(floor_plan=two_rooms(), format=SVG, cell_size=CELL)
    response = await running.plans.RenderFloorPlan(request)
    assert response.media_type == "image/svg+xml"
    root = ElementTree.fromstring(response.data)
    assert (root.get("width"), root.get("height")) == (str(8 * CELL), str(5 * CELL))
    rendered = pyvips.Image.new_from_buffer(response.data, "").flatten().numpy()
    assert np.array_equal(rendered, await drawn(running, two_rooms()))


async def test_cells_are_as_large_as_the_limits_allow(running: Service) -> None:
    large = generated(FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS, columns=128, rows=20)
    response = await running.plans.RenderFloorPlan(RenderFloorPlanRequest(floor_plan=large))
    assert (response.cell_size, response.width, response.height) == (32, 4096, 640)
    status = await failed_call(running.plans.RenderFloorPlan(RenderFloorPlanRequest(floor_plan=large, cell_size=33)))
    assert status.fields == ["cell_size"]


async def test_parameters_come_back_with_defaults_and_give_the_same_plan(running: Service) -> None:
    request = GenerateFloorPlanRequest(parameters={"kind": 1})
    first = await running.plans.GenerateFloorPlan(request)
    assert first.parameters == parameters(1, algorithm_version=1)
    assert await running.plans.GenerateFloorPlan(GenerateFloorPlanRequest(parameters=first.parameters)) == first


async def test_small_and_unknown_plans_are_not_generated(running: Service) -> None:
    for fields, field in (
        ({"kind": 1, "size": {"columns": 8, "rows": 20}}, "parameters.size.columns"),
        ({"kind": 0}, "parameters.kind"),
        ({"kind": 1, "algorithm_version": 2}, "parameters.algorithm_version"),
    ):
        status = await failed_call(running.plans.GenerateFloorPlan(GenerateFloorPlanRequest(parameters=fields)))
        assert status.fields == [field]
