"""Which cells of a floor plan can be reached from each other, by the rules of movement on a map."""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import FloorPlan, WallRestriction

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Cells
from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import walkable_cells
from image_grpc.plans.map_properties import grid_of, walls_of
from image_grpc.plans.objects import restrictions_of

_RESTRICTING = (WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_LIMITED)
CELL = 32
"""Pixels per cell: ends of walls that are a quarter of a cell apart do not meet."""


class Passages:
    """The steps from cells to their neighbors that no wall blocks. Doors block nothing: somebody opens them."""

    def __init__(self, plan: FloorPlan, *, doors_block: bool = False) -> None:
        rows, columns = plan.size.rows, plan.size.columns
        grid = grid_of(plan, CELL)
        walls = [wall for wall in walls_of(plan) if doors_block or not is_door(wall)]
        barriers = Barriers.of(walls, grid, Sense.MOVE)
        y, x = np.mgrid[0:rows, 0:columns] * CELL + CELL / 2
        centers = np.stack([x, y], axis=-1)
        self.right = _are_open(barriers, centers[:, :-1], centers[:, 1:])
        """Whether a step to the right is possible, of shape (rows, columns - 1)."""
        self.down = _are_open(barriers, centers[:-1], centers[1:])
        """Whether a step down is possible, of shape (rows - 1, columns)."""


def connected_areas(plan: FloorPlan, passages: Passages) -> list[Cells]:
    """Return the areas of cells that can be reached from each other, the largest first."""
    walkable = walkable_cells(plan) & ~_under_objects(plan)
    right = passages.right & walkable[:, :-1] & walkable[:, 1:]
    down = passages.down & walkable[:-1] & walkable[1:]
    areas = label(walkable, right, down)
    return sorted(areas, key=len, reverse=True)


def _under_objects(plan: FloorPlan) -> NDArray[np.bool_]:
    """Return the cells whose middle is inside of an object that restricts movement, of shape (rows, columns)."""
    covered = np.zeros((plan.size.rows, plan.size.columns), dtype=bool)
    for each in plan.objects:
        if restrictions_of(each).move in _RESTRICTING:
            columns, rows = (
                slice(math.ceil(start - 0.5), math.floor(start + length - 0.5) + 1)
                for start, length in ((each.x, each.width), (each.y, each.height))
            )
            covered[rows, columns] = True
    return covered


def label(members: NDArray[np.bool_], right: NDArray[np.bool_], down: NDArray[np.bool_]) -> list[Cells]:
    """Return the areas of members that steps to the right and down, in both directions, connect."""
    _rows, columns = members.shape
    east, south = np.pad(right, ((0, 0), (0, 1))).ravel().tolist(), np.pad(down, ((0, 1), (0, 0))).ravel().tolist()
    is_open = members.ravel().tolist()
    areas = []
    for first in np.flatnonzero(members).tolist():
        if not is_open[first]:
            continue
        is_open[first] = False
        area, queue = [], deque([first])
        while queue:
            cell = queue.popleft()
            area.append(cell)
            # Padding makes the steps over the right edge closed; those over the left edge are steps of the cell before.
            for neighbor, possible in (
                (cell + 1, east[cell]),
                (cell - 1, cell % columns > 0 and east[cell - 1]),
                (cell + columns, south[cell]),
                (cell - columns, cell >= columns and south[cell - columns]),
            ):
                if possible and is_open[neighbor]:
                    is_open[neighbor] = False
                    queue.append(neighbor)
        indices = np.sort(np.array(area))
        areas.append(np.stack([indices % columns, indices // columns], axis=1))
    return areas


def _are_open(barriers: Barriers, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.bool_]:
    is_open = np.ones(starts.shape[:2], dtype=bool)
    is_open.reshape(-1)[barriers.blocked(starts.reshape(-1, 2), ends.reshape(-1, 2))] = False
    return is_open
