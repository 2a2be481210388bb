"""Mistakes in floor plans."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.floor_plan_service_pb2 import FloorPlanFinding, FloorPlanFindingKind
from tabletop.image.v1.map_pb2 import Cell, CellRectangle, FloorPlan, Passability

from image_grpc.maps.barriers import wall_ends
from image_grpc.maps.grid import Cells, Points
from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import passability_of, walkable_cells
from image_grpc.plans.map_properties import grid_of
from image_grpc.plans.reachability import Passages, connected_areas

_BESIDE = 0.75
"""Cells from the middle of a door to the place that it leads to: beyond the middle of the cell that it may stand in."""
_TOUCH = 1e-9
_SEALED = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_SEALED
_NOWHERE = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_DOOR_TO_NOWHERE
_GAP = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_GAP


def check(plan: FloorPlan) -> list[FloorPlanFinding]:
    """Return the mistakes in a valid plan. Takes time."""
    # In pixels of one per cell, coordinates are cells.
    ends = wall_ends(plan.walls, grid_of(plan, 1))
    return [*_sealed(plan), *_doors_to_nowhere(plan, ends), *_missing_walls(plan), *_loose_ends(plan, ends)]


def _sealed(plan: FloorPlan) -> Iterator[FloorPlanFinding]:
    areas = connected_areas(plan, Passages(plan))
    for area in areas[1:]:
        rooms = [room for room in plan.rooms if _contains(room.cells, area)]
        names = ", ".join(room.name or room.id for room in rooms)
        where = f" in {names}" if names else ""
        description = f"{len(area)} {'cell' if len(area) == 1 else 'cells'}{where} cannot be reached from the rest"
        yield FloorPlanFinding(
            kind=_SEALED, description=description, cells=_cells(area), room_ids=[room.id for room in rooms]
        )


def _contains(rectangles: Iterable[CellRectangle], cells: Cells) -> bool:
    """Whether any of these cells is in one of the rectangles."""
    return any(
        np.any(
            (cells[:, 0] >= area.column)
            & (cells[:, 0] < area.column + area.columns)
            & (cells[:, 1] >= area.row)
            & (cells[:, 1] < area.row + area.rows)
        )
        for area in rectangles
    )


def _doors_to_nowhere(plan: FloorPlan, ends: Points) -> Iterator[FloorPlanFinding]:
    walkable = walkable_cells(plan)
    for wall, (start, end) in zip(plan.walls, ends, strict=True):
        if not is_door(wall):
            continue
        along = end - start
        across = np.array([-along[1], along[0]]) / np.hypot(*along)
        sides = [np.floor((start + end) / 2 + sign * _BESIDE * across).astype(int) for sign in (-1, 1)]
        if bad := [(column, row) for column, row in sides if not _is_walkable(walkable, column, row)]:
            cells = [Cell(column=column, row=row) for column, row in bad]
            yield FloorPlanFinding(
                kind=_NOWHERE, description=f"door {wall.id} leads to nowhere", cells=cells, wall_ids=[wall.id]
            )


def _is_walkable(walkable: NDArray[np.bool_], column: int, row: int) -> bool:
    rows, columns = walkable.shape
    return 0 <= column < columns and 0 <= row < rows and bool(walkable[row, column])


def _missing_walls(plan: FloorPlan) -> Iterator[FloorPlanFinding]:
    is_solid = passability_of(plan) == Passability.PASSABILITY_SOLID
    passages = Passages(plan, doors_block=True)
    right = (is_solid[:, 1:] != is_solid[:, :-1]) & passages.right
    down = (is_solid[1:] != is_solid[:-1]) & passages.down
    bare = np.zeros_like(is_solid)
    bare[:, 1:] |= right
    bare[:, :-1] |= right
    bare[1:] |= down
    bare[:-1] |= down
    cells = np.argwhere(bare & ~is_solid)[:, ::-1]
    if len(cells):
        description = "no wall between these cells and the solid ground beside them"
        yield FloorPlanFinding(kind=_GAP, description=description, cells=_cells(cells))


def _loose_ends(plan: FloorPlan, ends: Points) -> Iterator[FloorPlanFinding]:
    """Yield the walls that end less than a cell away from another one that they do not touch."""
    lines = np.asarray(shapely.linestrings(ends), dtype=object)
    points = np.asarray(shapely.points(ends.reshape(-1, 2)), dtype=object)
    tree = shapely.STRtree(lines)
    end, touched = tree.query(points, predicate="dwithin", distance=_TOUCH)
    is_loose = np.ones(len(points), dtype=bool)
    is_loose[end[end // 2 != touched]] = False
    end, other = tree.query(points, predicate="dwithin", distance=1 - _TOUCH)
    near = is_loose[end] & (shapely.distance(lines[end // 2], lines[other]) > _TOUCH)
    named = set[tuple[int, int]]()
    for index, neighbor in zip(end[near].tolist(), other[near].tolist(), strict=True):
        # Of a gap between two ends, each is loose.
        pair = (min(index // 2, neighbor), max(index // 2, neighbor))
        if pair in named:
            continue
        named.add(pair)
        first, second = (plan.walls[wall].id for wall in pair)
        middle = shapely.get_coordinates(shapely.shortest_line(points[index], lines[neighbor])).mean(axis=0)
        column, row = np.minimum(middle, (plan.size.columns - 1, plan.size.rows - 1)).astype(int)
        yield FloorPlanFinding(
            kind=_GAP,
            description=f"walls {first} and {second} have a gap of less than a cell between them",
            cells=[Cell(column=column, row=row)],
            wall_ids=[first, second],
        )


def _cells(cells: Cells | Sequence[tuple[int, int]]) -> list[Cell]:
    return [Cell(column=int(column), row=int(row)) for column, row in cells]
