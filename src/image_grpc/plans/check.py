"""Mistakes in floor plans."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.floor_plan_service_pb2 import FloorPlanFinding, FloorPlanFindingKind
from tabletop.image.v1.map_pb2 import Cell, CellRectangle, FloorPlan, Passability, Room, Wall

from image_grpc.maps.barriers import wall_ends
from image_grpc.maps.grid import Cells, Points
from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import passability_of, walkable_cells
from image_grpc.plans.map_properties import grid_of
from image_grpc.plans.reachability import STRAIGHT, Flags, Passages, connected_areas
from image_grpc.workers import stop_if_abandoned

MAX_FINDINGS = 100
"""Findings of each kind: more help nobody, and would not fit a response."""
_NAMED_ROOMS = 3
_BESIDE = 0.75
"""Cells from a door to the places that it leads to: beyond the middle of the cell that it may stand in."""
_TOUCH = 1e-9
_SEALED = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_SEALED
_NOWHERE = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_DOOR_TO_NOWHERE
_GAP = FloorPlanFindingKind.FLOOR_PLAN_FINDING_KIND_GAP


def check(plan: FloorPlan) -> list[FloorPlanFinding]:
    """Return the mistakes in a valid plan, at most MAX_FINDINGS of each kind. Takes time."""
    # In pixels of one per cell, coordinates are cells.
    ends = wall_ends(plan.walls, grid_of(plan, 1))
    gaps = (finding for found in (_missing_walls(plan), _loose_ends(plan, ends)) for finding in found)
    kinds = (_sealed(plan), _doors_to_nowhere(plan, ends), gaps)
    return [finding for findings in kinds for finding in islice(findings, MAX_FINDINGS)]


def _sealed(plan: FloorPlan) -> Iterator[FloorPlanFinding]:
    areas = connected_areas(plan)[1 : MAX_FINDINGS + 1]
    numbers = np.zeros((plan.size.rows, plan.size.columns), dtype=np.int64)
    for number, area in enumerate(areas, start=1):
        numbers[area[:, 1], area[:, 0]] = number
    rooms_of = defaultdict[int, list[Room]](list)
    for room in plan.rooms:
        stop_if_abandoned()
        for number in np.unique(numbers[_covered(room.cells, plan)]).tolist():
            rooms_of[number].append(room)
    for number, area in enumerate(areas, start=1):
        rooms = rooms_of[number]
        names = ", ".join(room.name or room.id for room in rooms[:_NAMED_ROOMS])
        others = f" and {len(rooms) - _NAMED_ROOMS} other rooms" if len(rooms) > _NAMED_ROOMS else ""
        where = f" in {names}{others}" if names else ""
        description = f"{len(area)} {'cell' if len(area) == 1 else 'cells'}{where} cannot be reached from the rest"
        yield FloorPlanFinding(
            kind=_SEALED, description=description, cells=_cells(area), room_ids=[room.id for room in rooms]
        )


def _covered(rectangles: Iterable[CellRectangle], plan: FloorPlan) -> Flags:
    """Return the cells that rectangles cover, from the number that begin and end to the left of and above each."""
    edges = np.array([(each.column, each.row, each.columns, each.rows) for each in rectangles])
    left, top, columns, rows = edges.T
    counts = np.zeros((plan.size.rows + 1, plan.size.columns + 1), dtype=np.int64)
    for down, across, sign in ((top, left, 1), (top + rows, left, -1), (top, left + columns, -1)):
        np.add.at(counts, (down, across), sign)
    np.add.at(counts, (top + rows, left + columns), 1)
    return np.asarray(counts.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)


def _doors_to_nowhere(plan: FloorPlan, ends: Points) -> Iterator[FloorPlanFinding]:
    walkable = walkable_cells(plan)
    limits = (plan.size.columns - 1, plan.size.rows - 1)
    for wall, (start, end) in zip(plan.walls, ends, strict=True):
        if not is_door(wall):
            continue
        along = end - start
        length = np.hypot(*along)
        count = max(1, round(length))
        places = start + along * ((np.arange(count) + 0.5) / count)[:, np.newaxis]
        across = _BESIDE * np.array([-along[1], along[0]]) / length
        beside = np.floor(np.concatenate([places - across, places + across])).astype(int)
        inside = np.clip(beside, 0, limits)
        is_bad = np.any(beside != inside, axis=1) | ~walkable[inside[:, 1], inside[:, 0]]
        if np.any(is_bad):
            yield FloorPlanFinding(
                kind=_NOWHERE,
                description=f"door {_name(wall)} leads to nowhere",
                cells=_cells(np.unique(inside[is_bad], axis=0)),
                wall_ids=_ids(wall),
            )


def _missing_walls(plan: FloorPlan) -> Iterator[FloorPlanFinding]:
    is_solid = passability_of(plan) == Passability.PASSABILITY_SOLID
    # Whatever a wall restricts, it is there; an object is none.
    passages = Passages(plan, [Wall(start=wall.start, end=wall.end) for wall in plan.walls])
    bare = np.zeros_like(is_solid)
    for right, down in STRAIGHT:
        is_open = passages.open((right, down))[: plan.size.rows - down, : plan.size.columns - right]
        one, other = (slice(None, -down or None), slice(None, -right or None)), (slice(down, None), slice(right, None))
        differs = is_open & (is_solid[one] != is_solid[other])
        bare[one] |= differs
        bare[other] |= differs
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
        first, second = (plan.walls[wall] for wall in pair)
        middle = shapely.get_coordinates(shapely.shortest_line(points[index], lines[neighbor])).mean(axis=0)
        place: NDArray[np.int64] = np.minimum(middle, (plan.size.columns - 1, plan.size.rows - 1)).astype(int)
        yield FloorPlanFinding(
            kind=_GAP,
            description=f"walls {_name(first)} and {_name(second)} have a gap of less than a cell between them",
            cells=_cells([place]),
            wall_ids=[*_ids(first), *_ids(second)],
        )


def _name(wall: Wall) -> str:
    """Return the id of a wall, or where it is if it has none."""
    return wall.id or f"from ({wall.start.x:g}, {wall.start.y:g}) to ({wall.end.x:g}, {wall.end.y:g})"


def _ids(wall: Wall) -> list[str]:
    return [wall.id] if wall.id else []


def _cells(cells: Cells | Sequence[NDArray[np.int64]]) -> list[Cell]:
    return [Cell(column=int(column), row=int(row)) for column, row in cells]
