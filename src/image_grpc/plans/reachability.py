"""Which cells of a floor plan can be reached from each other, by the rules of movement on a map."""

import math
from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import FloorPlan, Wall, WallRestriction

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Cells
from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import walkable_cells
from image_grpc.plans.map_properties import grid_of, walls_of
from image_grpc.plans.objects import outline, restrictions_of
from image_grpc.workers import stop_if_abandoned

CELL = 32
"""Pixels per cell: ends of walls that are a quarter of a cell apart do not meet."""
STRAIGHT, DIAGONAL = ((1, 0), (0, 1)), ((1, 1), (-1, 1))
"""Steps in columns and rows. Those in the other direction are the same ones."""
_RESTRICTING = (WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_LIMITED)

Step = tuple[int, int]
Flags = NDArray[np.bool_]
"""Of shape (rows, columns)."""


class Passages:
    """The steps between neighbors that no wall blocks, in at least one direction."""

    def __init__(self, plan: FloorPlan, walls: Iterable[Wall]) -> None:
        self._rows, self._columns = plan.size.rows, plan.size.columns
        self._barriers = Barriers.of(walls, grid_of(plan, CELL), Sense.MOVE)
        y, x = np.mgrid[0 : self._rows, 0 : self._columns] * CELL + CELL / 2
        self._centers = np.stack([x, y], axis=-1)

    def on_walls(self) -> Flags:
        """Return the cells whose middle lies on a wall: nobody stands there."""
        middles = self._centers.reshape(-1, 2)
        return self._flags(self._barriers.blocked(middles, middles))

    def open(self, step: Step) -> Flags:
        """Return the cells from which a step is possible."""
        right, down = step
        source, target = _shifted(-right, -down), _shifted(right, down)
        starts, ends = (self._centers[part].reshape(-1, 2) for part in (source, target))
        there, back = self._barriers.blocked(starts, ends), self._barriers.blocked(ends, starts)
        is_open = np.ones(len(starts), dtype=bool)
        is_open[np.intersect1d(there, back)] = False
        result = np.zeros((self._rows, self._columns), dtype=bool)
        result[source] = is_open.reshape(result[source].shape)
        return result

    def _flags(self, indices: NDArray[np.int64]) -> Flags:
        flags = np.zeros(self._rows * self._columns, dtype=bool)
        flags[indices] = True
        return flags.reshape(self._rows, self._columns)


def connected_areas(plan: FloorPlan) -> list[Cells]:
    """Return the areas of cells that can be reached from each other, the largest first.

    Doors block nothing, because somebody opens them. Cells where nobody can stand belong to no area.
    """
    passages = Passages(plan, [wall for wall in walls_of(plan) if not is_door(wall)])
    standing = walkable_cells(plan) & ~_under_objects(plan) & ~passages.on_walls()
    areas = label(standing, {step: passages.open(step) for step in (*STRAIGHT, *DIAGONAL)})
    return sorted(areas, key=len, reverse=True)


def label(members: Flags, steps: Mapping[Step, Flags]) -> list[Cells]:
    """Return the areas of members that steps, in both directions, connect. Each has its cells row by row."""
    columns = members.shape[1]
    neighbors: list[tuple[int, list[bool]]] = []
    for (right, down), possible in steps.items():
        both = np.zeros_like(members)
        both[_shifted(-right, -down)] = members[_shifted(-right, -down)] & members[_shifted(right, down)]
        both &= possible
        back = np.zeros_like(members)
        back[_shifted(right, down)] = both[_shifted(-right, -down)]
        distance = down * columns + right
        neighbors += [(distance, both.ravel().tolist()), (-distance, back.ravel().tolist())]
    is_open = members.ravel().tolist()
    areas = []
    for first in np.flatnonzero(members).tolist():
        if not is_open[first]:
            continue
        stop_if_abandoned()
        is_open[first] = False
        area, queue = [], deque([first])
        while queue:
            cell = queue.popleft()
            area.append(cell)
            for distance, possible_from in neighbors:
                if possible_from[cell] and is_open[cell + distance]:
                    is_open[cell + distance] = False
                    queue.append(cell + distance)
        indices = np.sort(np.array(area))
        areas.append(np.stack([indices % columns, indices // columns], axis=1))
    return areas


def _under_objects(plan: FloorPlan) -> Flags:
    """Return the cells whose middle is inside of an object that restricts movement."""
    covered = np.zeros((plan.size.rows, plan.size.columns), dtype=bool)
    for each in plan.objects:
        if restrictions_of(each).move in _RESTRICTING:
            left, top, width, height = outline(each)
            columns, rows = (
                slice(math.ceil(start - 0.5), math.floor(start + length - 0.5) + 1)
                for start, length in ((left, width), (top, height))
            )
            covered[rows, columns] = True
    return covered


def _shifted(right: int, down: int) -> tuple[slice, slice]:
    """Return the part of an array that has a neighbor in the opposite direction, as its index."""
    return _part(down), _part(right)


def _part(step: int) -> slice:
    return slice(max(0, step), None if step >= 0 else step)
