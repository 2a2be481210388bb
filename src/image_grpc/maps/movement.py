"""How far a move gets, and what is seen, with walls in the way.

A wall is closed: what only touches it, even at its end, is stopped. So nobody sees or steps through the corner
where two walls meet.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np
import shapely
from tabletop.image.v1.map_pb2 import Wall, WallKind

from image_grpc.maps.grid import FEET_PER_CELL, Cells, Grid, Shapes

SIGHT_STOPS = (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_WALL, WallKind.WALL_KIND_CLOSED_DOOR)
MOVEMENT_STOPS = (*SIGHT_STOPS, WallKind.WALL_KIND_WINDOW)
EDGE = 1e-6


def segments(walls: Iterable[Wall], grid: Grid, kinds: Iterable[WallKind]) -> Shapes:
    """The walls of these kinds, in pixels."""
    ends = [(grid.pixels(wall.start), grid.pixels(wall.end)) for wall in walls if wall.kind in kinds]
    return np.asarray(shapely.linestrings(np.array(ends).reshape(-1, 2, 2)))


def spell_range(grid: Grid, x: float, y: float, feet: float) -> Cells:
    """The cells whose centre is within a distance in a straight line, over anything."""
    away = np.hypot(*(grid.centres - (x, y)).T)
    found: Cells = grid.cells[away <= feet * grid.pixels_per_foot + EDGE]
    return found


def line_of_sight(grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall]) -> Cells:
    """The cells whose centre is seen from a point; 0 feet is as far as the map goes. One's own cell always is."""
    own = np.all(grid.cells == grid.cell_at(x, y), axis=1)
    away = np.hypot(*(grid.centres - (x, y)).T)
    near = np.flatnonzero(away <= feet * grid.pixels_per_foot + EDGE) if feet else np.arange(len(own))
    eyes = np.broadcast_to((x, y), (len(near), 2))
    hidden = near[stopped(eyes, grid.centres[near], segments(walls, grid, SIGHT_STOPS))]
    seen = np.zeros(len(own), dtype=bool)
    seen[near] = True
    seen[hidden] = False
    found: Cells = grid.cells[seen | own]
    return found


def movement(
    grid: Grid, x: float, y: float, feet: float, difficult: Iterable[tuple[int, int]], walls: Iterable[Wall]
) -> Cells:
    """The cells that a move reaches: each step to a neighbour costs 5 ft, into difficult terrain 10 ft."""
    start, hard = grid.cell_at(x, y), set(difficult)
    steps = _open_steps(grid, start, feet, segments(walls, grid, MOVEMENT_STOPS))
    cost = {start: 0.0}
    border = [(0.0, start)]
    while border:
        spent, cell = heapq.heappop(border)
        if spent > cost[cell]:
            continue
        for following in steps.get(cell, ()):
            total = spent + FEET_PER_CELL * (2 if following in hard else 1)
            if total <= feet + EDGE and total < cost.get(following, np.inf):
                cost[following] = total
                heapq.heappush(border, (total, following))
    if not np.any(np.all(grid.cells == start, axis=1)):
        del cost[start]  # a move onto the map begins outside of it
    reached = sorted(cost, key=lambda cell: (cell[1], cell[0]))
    return np.array(reached, dtype=np.int64).reshape(-1, 2)


def _open_steps(
    grid: Grid, start: tuple[int, int], feet: float, walls: Shapes
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """From each cell that may be reached at all, the neighbours that no wall parts it from."""
    most = int(feet // FEET_PER_CELL) + 1
    near = grid.cells[np.all(np.abs(grid.cells - start) <= most, axis=1)]
    cells = {(int(column), int(row)) for column, row in near} | {start}
    pairs = [(cell, other) for cell in cells for other in grid.neighbours(*cell) if other in cells]
    if not pairs:
        return {}
    flat = np.array(pairs)
    parted = set(stopped(grid.centre(flat[:, 0]), grid.centre(flat[:, 1]), walls).tolist())
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for index, (cell, other) in enumerate(pairs):
        if index not in parted:
            steps.setdefault(cell, []).append(other)
    return steps


def stopped(starts: np.ndarray, ends: np.ndarray, walls: Shapes) -> np.ndarray:
    """Indices of the straight ways from `starts` to `ends` that meet a wall; the same there and back."""
    if not len(walls) or not len(starts):
        return np.array([], dtype=np.int64)
    ways = shapely.linestrings(np.stack([starts, ends], axis=1))
    met, _ = shapely.STRtree(walls).query(ways, predicate="intersects")
    return np.unique(met)
