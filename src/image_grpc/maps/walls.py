"""Walls in pixels, and the sight and movement that they block.

The end points belong to a wall, so a path that only touches one is blocked: nothing passes through the corner
where two walls meet.
"""

import heapq
from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall, WallKind

from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Cells, Grid, Points, Shapes

BLOCKS_SIGHT = (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_WALL, WallKind.WALL_KIND_CLOSED_DOOR)
BLOCKS_MOVEMENT = (*BLOCKS_SIGHT, WallKind.WALL_KIND_WINDOW)

CellIndex = tuple[int, int]
"""Column and row."""


def visible_cells(grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall]) -> Cells:
    """Return the cells whose center is visible from a point within `feet` (0: any), and its own cell, row by row."""
    own = np.all(grid.cells == grid.cell_at(x, y), axis=1)
    distance = np.hypot(*(grid.centers - (x, y)).T)
    visible = distance <= feet * grid.pixels_per_foot + TOUCH if feet else np.ones(len(own), dtype=bool)
    nearby = np.flatnonzero(visible)
    eyes = np.broadcast_to((x, y), (len(nearby), 2))
    visible[nearby[blocked_paths(eyes, grid.centers[nearby], wall_lines(walls, grid, BLOCKS_SIGHT))]] = False
    return np.asarray(grid.cells[visible | own])


def reachable_cells(
    grid: Grid, x: float, y: float, feet: float, difficult: Iterable[CellIndex], walls: Iterable[Wall]
) -> Cells:
    """Return the cells of the map that a move of `feet` from (x, y) pixels reaches, row by row.

    A step to a neighbor costs 5 ft, into difficult terrain 10 ft. A move may start outside of the map.
    """
    start, difficult_cells = grid.cell_at(x, y), set(difficult)
    steps = _open_steps(grid, start, feet, wall_lines(walls, grid, BLOCKS_MOVEMENT))
    costs = {start: 0.0}
    queue = [(0.0, start)]
    while queue:
        cost, cell = heapq.heappop(queue)
        if cost > costs[cell]:
            continue
        for neighbor in steps[cell]:
            total = cost + FEET_PER_CELL * (2 if neighbor in difficult_cells else 1)
            if total <= feet + TOUCH and total < costs.get(neighbor, np.inf):
                costs[neighbor] = total
                heapq.heappush(queue, (total, neighbor))
    if not np.any(np.all(grid.cells == start, axis=1)):
        del costs[start]
    return np.array(sorted(costs, key=lambda cell: cell[::-1]), dtype=np.int64).reshape(-1, 2)


def _open_steps(grid: Grid, start: CellIndex, feet: float, lines: Shapes) -> dict[CellIndex, list[CellIndex]]:
    """Return, for each cell in range, the neighbors in range that no wall separates from it."""
    max_steps = int(feet // FEET_PER_CELL) + 1
    nearby = grid.cells[np.all(np.abs(grid.cells - start) <= max_steps, axis=1)]
    steps: dict[CellIndex, list[CellIndex]] = {start: []} | {(column, row): [] for column, row in nearby.tolist()}
    pairs = [(cell, other) for cell in steps for other in grid.neighbors(*cell) if other in steps]
    ends = np.array(pairs).reshape(-1, 2, 2)
    blocked = set(blocked_paths(grid.center(ends[:, 0]), grid.center(ends[:, 1]), lines).tolist())
    for index, (cell, other) in enumerate(pairs):
        if index not in blocked:
            steps[cell].append(other)
    return steps


def wall_lines(walls: Iterable[Wall], grid: Grid, kinds: Iterable[WallKind]) -> Shapes:
    """Return the walls of these kinds as lines in pixels."""
    ends = [(grid.pixels(wall.start), grid.pixels(wall.end)) for wall in walls if wall.kind in kinds]
    return np.asarray(shapely.linestrings(np.array(ends).reshape(-1, 2, 2)))


def blocked_paths(starts: Points, ends: Points, lines: Shapes) -> NDArray[np.int64]:
    """Return the indices of the straight paths from `starts` to `ends` that meet a wall, in either direction."""
    if not len(lines) or not len(starts):
        return np.array([], dtype=np.int64)
    paths: Shapes = np.asarray(shapely.linestrings(np.stack([starts, ends], axis=1)))
    tree = shapely.STRtree(lines)
    crossing = np.unique(tree.query(paths, predicate="intersects")[0])
    # Rounding of fractional pixels must not open a gap at the end of a wall. This predicate is slower.
    others = np.setdiff1d(np.arange(len(paths)), crossing)
    touching, _ = tree.query(paths[others], predicate="dwithin", distance=TOUCH)
    return np.union1d(crossing, others[touching])
