"""Sight and movement on the cells of a grid, which walls block."""

import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Cells, Grid
from image_grpc.workers import stop_if_abandoned

CHUNK = 20_000
"""Paths that are checked before it is checked whether the result is still wanted."""

CellIndex = tuple[int, int]
"""Column and row."""


def visible_cells(
    grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall], *, limit: int = sys.maxsize
) -> Cells:
    """Return the cells whose center is visible from a point within `feet` (0: any), and its own cell, row by row.

    Stops once there are more than `limit`.
    """
    visible = np.all(grid.cells == grid.cell_at(x, y), axis=1)
    barriers = list(Barriers.of(walls, grid, Sense.SIGHT).around(x, y))
    nearby = np.flatnonzero(in_range(grid, x, y, feet))
    for start in range(0, len(nearby), CHUNK):
        chunk = nearby[start : start + CHUNK]
        for some in barriers:
            stop_if_abandoned()
            eyes = np.broadcast_to((x, y), (len(chunk), 2))
            chunk = np.delete(chunk, some.blocked(eyes, grid.centers[chunk]))
        visible[chunk] = True
        if np.count_nonzero(visible) > limit:
            break
    return np.asarray(grid.cells[visible])


def in_range(grid: Grid, x: float, y: float, feet: float) -> NDArray[np.bool_]:
    """Return which of the grid's cells have their center within `feet` of a point; 0: all."""
    if not feet:
        return np.ones(len(grid.cells), dtype=bool)
    distance = np.hypot(*(grid.centers - (x, y)).T)
    return np.asarray(distance <= feet * grid.pixels_per_foot + TOUCH)


def reachable_cells(
    grid: Grid,
    x: float,
    y: float,
    feet: float,
    difficult: Iterable[CellIndex],
    walls: Iterable[Wall],
    *,
    limit: int = sys.maxsize,
) -> Cells:
    """Return the cells of the map that a move of `feet` from (x, y) pixels reaches, row by row.

    A step to a neighbor costs 5 ft, into difficult terrain 10 ft. A move may start outside of the map. Stops once
    there are more than `limit` cells.
    """
    start = np.array([grid.cell_at(x, y)])
    if np.any((start < grid.cells.min(axis=0) - 1) | (start > grid.cells.max(axis=0) + 1)):
        return np.empty((0, 2), dtype=np.int64)  # no cell of the map is a step away
    barriers = Barriers.of(walls, grid, Sense.MOVE)
    board = _Board(grid, start, difficult)
    most = int((feet + TOUCH) // FEET_PER_CELL)
    waves = {0: [start]}
    for cost in range(most):
        stop_if_abandoned()
        # Some cells have been reached at a lower cost since.
        wave = [cells[board.cost(cells) == cost] for cells in waves.pop(cost, [])]
        if not wave:
            if not waves:
                break
            continue
        cells, others, totals = board.cheaper_steps(np.unique(np.concatenate(wave), axis=0), cost, most)
        open_ = np.ones(len(cells), dtype=bool)
        open_[barriers.blocked(grid.center(cells), grid.center(others))] = False
        for total in np.unique(totals[open_]):
            reached = others[open_ & (totals == total)]
            board.reach(reached, total)
            waves.setdefault(int(total), []).append(reached)
        if board.count > limit:
            break
    return board.reached()


class _Board:
    """What it costs, in steps, to reach each cell of a map, and the cell where a move starts."""

    _UNREACHED = np.iinfo(np.int32).max

    def __init__(self, grid: Grid, start: Cells, difficult: Iterable[CellIndex]) -> None:
        self._grid = grid
        cells = np.concatenate([grid.cells, start])
        self._origin = cells.min(axis=0)
        shape = tuple(cells.max(axis=0) - self._origin + 1)
        self._is_on_map = np.zeros(shape, dtype=bool)
        self._is_on_map[self._at(grid.cells)] = True
        self._price = np.ones(shape, dtype=np.int32)
        terrain = np.array(list(difficult), dtype=np.int64).reshape(-1, 2)
        self._price[self._at(terrain[self._contains(terrain)])] = 2
        self._cost = np.full(shape, self._UNREACHED, dtype=np.int32)
        self._cost[self._at(start)] = 0

    def _at(self, cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        columns, rows = (cells - self._origin).T
        return columns, rows

    def _contains(self, cells: Cells) -> NDArray[np.bool_]:
        indices = cells - self._origin
        return np.asarray(np.all((indices >= 0) & (indices < self._is_on_map.shape), axis=1))

    def cost(self, cells: Cells) -> NDArray[np.int32]:
        """Return the lowest known cost of cells."""
        return np.asarray(self._cost[self._at(cells)])

    def cheaper_steps(self, cells: Cells, cost: int, most: int) -> tuple[Cells, Cells, NDArray[np.int32]]:
        """Return the steps from cells to neighbors that make these cheaper, within `most`, and their total costs."""
        neighbors = self._grid.neighbors_of(cells)
        sources = np.repeat(cells, neighbors.shape[1], axis=0)
        others = neighbors.reshape(-1, 2)
        kept = self._contains(others)
        sources, others = sources[kept], others[kept]
        totals = cost + self._price[self._at(others)]
        kept = self._is_on_map[self._at(others)] & (totals <= most) & (totals < self._cost[self._at(others)])
        return sources[kept], others[kept], totals[kept]

    def reach(self, cells: Cells, cost: int) -> None:
        """Record that cells are reached at a cost, which is lower than what is known."""
        self._cost[self._at(cells)] = np.minimum(self._cost[self._at(cells)], cost)

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self._cost != self._UNREACHED))

    def reached(self) -> Cells:
        """Return the reached cells of the map, row by row."""
        cells = np.argwhere((self._cost != self._UNREACHED) & self._is_on_map) + self._origin
        return np.asarray(cells[np.lexsort(cells.T)], dtype=np.int64)
