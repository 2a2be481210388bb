"""The layout of a tactical map: a floor plan on a picture of some size."""

from dataclasses import dataclass

import numpy as np
from tabletop.image.v1.generation_request_pb2 import MapLayout
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import FloorPlan, FloorPlanSize, GridKind, MapProperties
from tabletop.image.v1.map_pb2 import Grid as GridProperties
from tabletop.image.v1.types_pb2 import Size

from image_grpc import pictures
from image_grpc.errors import Violation
from image_grpc.maps.barriers import wall_ends
from image_grpc.maps.grid import Grid, Points
from image_grpc.maps.properties import MAX_STAIRS, complete, replace_all
from image_grpc.messages import clone
from image_grpc.plans.drawing import draw_layout
from image_grpc.plans.generators import DEFAULT_SIZE, generate, with_defaults
from image_grpc.plans.map_properties import walls_of
from image_grpc.plans.objects import at, stairs_of
from image_grpc.plans.validation import PARTS, parameter_violations, plan_violations

MIN_CELL, MAX_DEFAULT_CELL = 8, 70
"""Smallest side of a cell in pixels, and the largest one unless a request has a size."""
DEFAULT_SIDE = 2048
"""Longest side in pixels of a picture whose request has no size, up to which cells are enlarged."""
REFERENCE_SIDE = 2048
"""Longest side in pixels of the drawing that the model gets."""


def layout_violations(layout: MapLayout, path: str) -> list[Violation]:
    """Return the violations of a layout at a field path."""
    if layout.HasField("floor_plan"):
        return plan_violations(layout.floor_plan, f"{path}.floor_plan")
    return parameter_violations(layout.floor_plan_parameters, f"{path}.floor_plan_parameters")


def placement_violations(cells: FloorPlanSize, grid: GridProperties, size: Size) -> list[Violation]:
    """Return the violation of a layout that does not fit a picture of `size`; with a grid, on that."""
    if not grid.size:
        least = f"{cells.columns * MIN_CELL} x {cells.rows * MIN_CELL}"
        limit = f"must be at least {least} pixels, {MIN_CELL} for each cell of the layout"
        return [Violation("size", limit)] if _fitting_cell(cells, size) < MIN_CELL else []
    # A grid that was moved to where the painting is may leave the picture by a part of a cell.
    for offset, count, side in ((grid.offset.x, cells.columns, size.width), (grid.offset.y, cells.rows, size.height)):
        if offset < -grid.size or offset + count * grid.size > side + grid.size:
            limit = f"does not fit: {cells.columns} x {cells.rows} cells of {grid.size:g} pixels"
            return [Violation("grid.size", f"{limit} on {size.width} x {size.height} pixels")]
    return []


def completed(layout: MapLayout) -> MapLayout:
    """Return a valid layout with its plan, generated from the parameters if necessary. Takes time."""
    if layout.HasField("floor_plan"):
        return layout
    return MapLayout(floor_plan=generate(with_defaults(layout.floor_plan_parameters)))


def assign_ids(plan: FloorPlan) -> None:
    """Give an id to each wall and light of a plan, as on a map."""
    properties = MapProperties(walls=plan.walls, lights=plan.lights)
    complete(properties)
    replace_all(plan.walls, properties.walls)
    replace_all(plan.lights, properties.lights)


def size_of(layout: MapLayout) -> FloorPlanSize:
    """Return the size of a layout in cells."""
    if layout.HasField("floor_plan"):
        return layout.floor_plan.size
    parameters = layout.floor_plan_parameters
    return parameters.size if parameters.HasField("size") else DEFAULT_SIZE


def default_size(cells: FloorPlanSize, cell_size: float = 0) -> Size:
    """Return the size of a picture with the ratio of a plan, whose cells have `cell_size` pixels if that is usual."""
    longest = max(1, cells.columns, cells.rows)
    if MIN_CELL <= cell_size <= DEFAULT_SIDE / longest:
        return Size(width=round(cells.columns * cell_size), height=round(cells.rows * cell_size))
    cell = max(MIN_CELL, min(MAX_DEFAULT_CELL, DEFAULT_SIDE // longest))
    return Size(width=cells.columns * cell, height=cells.rows * cell)


def place(grid: GridProperties, cells: FloorPlanSize, size: Size) -> None:
    """Put a plan into the middle of a picture, with the cells of the grid or the largest whole ones that fit.

    A grid with size and offset stays as it is.
    """
    if grid.size and grid.HasField("offset"):
        return
    grid.size = cell = grid.size or max(MIN_CELL, _fitting_cell(cells, size))
    left, top = (size.width - cells.columns * cell) // 2, (size.height - cells.rows * cell) // 2
    grid.ClearField("offset")
    if left or top:
        grid.offset.x, grid.offset.y = left, top


def properties_of(plan: FloorPlan, grid: GridProperties) -> MapProperties:
    """Return the properties of a map that follows a plan."""
    properties = MapProperties(grid=grid, walls=walls_of(plan), lights=plan.lights, floor_plan=plan)
    properties.stairs.extend(stairs_of(plan.objects)[:MAX_STAIRS])
    complete(properties)
    return properties


def current_plan(image: Image) -> FloorPlan:
    """Return the plan of a map with its walls and lights as they are now, rounded to quarter cells.

    Walls and lights outside of the plan are left out.
    """
    plan, grid = clone(image.map.floor_plan), Grid.of_map(image)
    outlines = {wall.id for wall in walls_of(plan)} - {wall.id for wall in plan.walls}
    del plan.walls[:], plan.lights[:]
    limits = (plan.size.columns, plan.size.rows)

    def in_cells(points: Points) -> list[tuple[float, float]]:
        rounded = np.round((points - grid.offset) / grid.cell_size * PARTS) / PARTS
        return [(float(x), float(y)) for x, y in rounded]

    def is_inside(*points: tuple[float, float]) -> bool:
        return all(0 <= each <= limit for point in points for each, limit in zip(point, limits, strict=True))

    for wall, ends in zip(image.map.walls, wall_ends(image.map.walls, grid), strict=True):
        start, end = in_cells(ends)
        if wall.id not in outlines and start != end and is_inside(start, end):
            plan.walls.add().CopyFrom(wall)
            plan.walls[-1].start.CopyFrom(at(*start))
            plan.walls[-1].end.CopyFrom(at(*end))
    positions = in_cells(grid.points(light.position for light in image.map.lights))
    for light, position in zip(image.map.lights, positions, strict=True):
        if is_inside(position):
            plan.lights.add().CopyFrom(light)
            plan.lights[-1].position.CopyFrom(at(*position))
    return plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The drawing that a model gets: the layout, extended to the ratio of the model's pictures.

    The part of it that remains when its edges are cropped to the ratio of the picture is exactly the layout.
    """

    width: int
    height: int
    """In pixels."""
    grid: Grid
    """The grid of the plan on it."""

    @staticmethod
    def of(grid: Grid, ratio: float | None) -> "Reference":
        """Return the drawing for a picture with a grid and a model with pictures of a ratio; None: of any."""
        width, height = extended(grid.width, grid.height, ratio)
        left, top = (width - grid.width) / 2, (height - grid.height) / 2
        # Whole pixels for each cell make edges sharp.
        cell = max(1, int(grid.cell_size * REFERENCE_SIDE / max(width, height)))
        scale = cell / grid.cell_size
        pixels = (max(1, round(width * scale)), max(1, round(height * scale)))
        offset = ((grid.offset[0] + left) * scale, (grid.offset[1] + top) * scale)
        return Reference(
            width=pixels[0], height=pixels[1], grid=Grid(GridKind.GRID_KIND_SQUARE, cell, pixels[0], pixels[1], offset)
        )


def extended(width: float, height: float, ratio: float | None) -> tuple[float, float]:
    """Return the size of the smallest picture of a ratio around another one; None: of the same ratio."""
    ratio = ratio or width / height
    return max(width, height * ratio), max(height, width / ratio)


def draw_reference(plan: FloorPlan, grid: Grid, ratio: float | None) -> bytes:
    """Return the drawing of a plan for a model, as PNG. Takes time."""
    reference = Reference.of(grid, ratio)
    size = Size(width=reference.width, height=reference.height)
    return pictures.draw(draw_layout(plan, reference.grid), size)


def _fitting_cell(cells: FloorPlanSize, size: Size) -> int:
    return min(size.width // max(1, cells.columns), size.height // max(1, cells.rows))
