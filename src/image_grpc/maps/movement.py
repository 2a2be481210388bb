"""Movement: the cells that a creature can reach, around walls and through difficult terrain."""

import heapq
from collections.abc import Iterable

import numpy as np
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Cells, Grid, Shapes
from image_grpc.maps.walls import BLOCKS_MOVEMENT, blocked_paths, wall_lines

CellPair = tuple[int, int]
"""Column and row."""


def reachable_cells(
    grid: Grid, x: float, y: float, feet: float, difficult: Iterable[CellPair], walls: Iterable[Wall]
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
        for neighbor in steps.get(cell, ()):
            total = cost + FEET_PER_CELL * (2 if neighbor in difficult_cells else 1)
            if total <= feet + TOUCH and total < costs.get(neighbor, np.inf):
                costs[neighbor] = total
                heapq.heappush(queue, (total, neighbor))
    if not np.any(np.all(grid.cells == start, axis=1)):
        del costs[start]
    return np.array(sorted(costs, key=lambda cell: cell[::-1]), dtype=np.int64).reshape(-1, 2)


def _open_steps(grid: Grid, start: CellPair, feet: float, lines: Shapes) -> dict[CellPair, list[CellPair]]:
    """Return, for each cell in range, the neighbors in range that no wall separates from it."""
    max_steps = int(feet // FEET_PER_CELL) + 1
    nearby = grid.cells[np.all(np.abs(grid.cells - start) <= max_steps, axis=1)]
    cells = {(int(column), int(row)) for column, row in nearby} | {start}
    pairs = [(cell, other) for cell in cells for other in grid.neighbors(*cell) if other in cells]
    if not pairs:
        return {}
    ends = np.array(pairs)
    blocked = set(blocked_paths(grid.center(ends[:, 0]), grid.center(ends[:, 1]), lines).tolist())
    steps: dict[CellPair, list[CellPair]] = {}
    for index, (cell, other) in enumerate(pairs):
        if index not in blocked:
            steps.setdefault(cell, []).append(other)
    return steps
