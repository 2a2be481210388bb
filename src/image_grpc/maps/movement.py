"""Movement on the cells of a grid, which walls and other creatures block."""

import math
import sys
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import CreatureSize, DiagonalRule

from image_grpc.maps.barriers import Barriers
from image_grpc.maps.creatures import space
from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Cells, Grid
from image_grpc.workers import stop_if_abandoned

CellIndex = tuple[int, int]
"""Column and row."""
States = NDArray[np.int64]
"""Where a mover is, of shape (n, 3): 1 after an odd number of diagonal steps by the rule 5-10-5, column, row."""

_STRAIGHT_STEPS = 4
"""The neighbors of a square on its sides come before those at its corners."""
_NO_CELLS: Cells = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mover:
    """A creature that moves, and what is in its way."""

    x: float
    y: float
    feet: float
    size: CreatureSize = CreatureSize.CREATURE_SIZE_UNSPECIFIED
    diagonals: DiagonalRule = DiagonalRule.DIAGONAL_RULE_UNSPECIFIED
    difficult: Cells = field(default_factory=lambda: _NO_CELLS)
    """Cells that cost double."""
    obstacles: Cells = field(default_factory=lambda: _NO_CELLS)
    """Cells that it cannot enter."""
    passable: Cells = field(default_factory=lambda: _NO_CELLS)
    """Cells that it can pass, but not stop in."""


def reachable_cells(grid: Grid, mover: Mover, barriers: Barriers, *, limit: int = sys.maxsize) -> Cells:
    """Return the cells of the map that a mover can occupy, row by row.

    A step to a neighbor costs 5 ft, into difficult terrain 10 ft. A move may start outside of the map. Stops once
    there are more than `limit` cells.
    """
    own = space(grid, mover.x, mover.y, mover.size)
    if np.any((own < grid.cells.min(axis=0) - 1) | (own > grid.cells.max(axis=0) + 1)):
        return _NO_CELLS  # no cell of the map is a step away
    board = _Board(grid, own, mover, barriers)
    most = mover.feet / FEET_PER_CELL + TOUCH
    start = np.array([[0, *own[0]]])
    board.reach(start, np.zeros(1))
    # A step costs 1 at least. So what costs less than the next whole number gets no cheaper by steps from its own wave.
    waves = {0: [start]}
    for wave in range(int(most) + 1):
        if not waves or board.count > limit:
            break
        stop_if_abandoned()
        states = np.concatenate(waves.pop(wave, [start[:0]]))
        states = states[board.cost(states) >= wave]  # others have been reached at a lower cost since
        reached, totals = board.cheaper_steps(np.unique(states, axis=0), most)
        board.reach(reached, totals)
        whole = totals.astype(int)
        for following in np.unique(whole).tolist():
            waves.setdefault(following, []).append(reached[whole == following])
    return board.occupied()


class _Board:
    """What it costs, in steps, to reach each place of a map, and the place where a move starts."""

    def __init__(self, grid: Grid, own: Cells, mover: Mover, barriers: Barriers) -> None:
        self._grid, self._barriers, self._rule = grid, barriers, mover.diagonals
        cells = np.concatenate([grid.cells, own])
        self._origin = cells.min(axis=0)
        shape = tuple(cells.max(axis=0) - self._origin + 1)
        self._is_open, self._may_stop = np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool)
        self._is_open[self._at(grid.cells)] = True
        self._is_open[self._at(self._on_board(mover.obstacles))] = False
        self._may_stop[self._at(self._on_board(mover.passable))] = False
        self._price = np.ones(shape)
        self._price[self._at(self._on_board(mover.difficult))] = 2.0
        self._cost = np.full((2, *shape), np.inf)
        self._offsets = grid.offsets(own, own[:1])
        # Cells of its space that are next to each other: no wall may be between them.
        pairs = [(i, j) for i in range(len(own)) for j in range(i) if _are_neighbors(grid, own[i], own[j])]
        self._inner = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self._start = own

    def _at(self, cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return cells[..., 0] - self._origin[0], cells[..., 1] - self._origin[1]

    def _contains(self, cells: Cells) -> NDArray[np.bool_]:
        indices = cells - self._origin
        return np.asarray(np.all((indices >= 0) & (indices < self._is_open.shape), axis=-1))

    def _on_board(self, cells: Cells) -> Cells:
        return cells[self._contains(cells)]

    def cost(self, states: States) -> NDArray[np.float64]:
        """Return the lowest known cost of states."""
        return np.asarray(self._cost[states[:, 0], *self._at(states[:, 1:])])

    def reach(self, states: States, costs: NDArray[np.float64]) -> None:
        """Record that states are reached at costs."""
        np.minimum.at(self._cost, (states[:, 0], *self._at(states[:, 1:])), costs)

    @property
    def count(self) -> int:
        """Number of places that are reached."""
        return int(np.count_nonzero(np.isfinite(self._cost).any(axis=0)))

    def cheaper_steps(self, states: States, most: float) -> tuple[States, NDArray[np.float64]]:
        """Return the states that steps reach at a lower cost than is known, within `most`, and their total costs."""
        neighbors = self._grid.neighbors_of(states[:, 1:])
        count = neighbors.shape[1]
        sources = np.repeat(states, count, axis=0)
        targets = np.column_stack([sources[:, 0], neighbors.reshape(-1, 2)])
        factors = np.ones(len(targets))
        if self._grid.kind == GridKind.GRID_KIND_SQUARE:
            diagonal = np.tile(np.arange(count) >= _STRAIGHT_STEPS, len(states))
            if self._rule == DiagonalRule.DIAGONAL_RULE_EUCLIDEAN:
                factors[diagonal] = math.sqrt(2)
            elif self._rule == DiagonalRule.DIAGONAL_RULE_FIVE_TEN_FIVE:
                factors[diagonal] += sources[diagonal, 0]
                targets[diagonal, 0] = 1 - sources[diagonal, 0]
        spaces = self._grid.shifted(targets[:, 1:], self._offsets)
        kept = np.all(self._contains(spaces), axis=1)
        sources, targets, spaces, factors = sources[kept], targets[kept], spaces[kept], factors[kept]
        totals = np.round(self.cost(sources) + factors * self._price[self._at(spaces)].max(axis=1), 9)
        kept = np.all(self._is_open[self._at(spaces)], axis=1) & (totals <= most) & (totals < self.cost(targets))
        sources, targets, spaces, totals = sources[kept], targets[kept], spaces[kept], totals[kept]
        free = self._is_free(self._grid.shifted(sources[:, 1:], self._offsets), spaces)
        return targets[free], totals[free]

    def _is_free(self, sources: Cells, targets: Cells) -> NDArray[np.bool_]:
        """Return which moves of a space to another place no wall blocks; both have shape (n, cells, 2)."""
        free = np.ones(len(sources), dtype=bool)
        paths = [(sources[:, index], targets[:, index]) for index in range(targets.shape[1])]
        paths += [(targets[:, one], targets[:, other]) for one, other in self._inner]
        for starts, ends in paths:
            open_ = np.flatnonzero(free)
            blocked = self._barriers.blocked(self._grid.center(starts[open_]), self._grid.center(ends[open_]))
            free[open_[blocked]] = False
        return free

    def occupied(self) -> Cells:
        """Return the cells of the map that the mover can stop in, row by row."""
        reached = np.argwhere(np.isfinite(self._cost).any(axis=0)) + self._origin
        spaces = self._grid.shifted(reached, self._offsets)
        is_start = np.all(reached == self._start[0], axis=1)
        spaces = spaces[np.all(self._may_stop[self._at(spaces)], axis=1) | is_start]
        covered = np.zeros(self._is_open.shape, dtype=bool)
        covered[self._at(spaces.reshape(-1, 2))] = True
        on_map = np.zeros_like(covered)
        on_map[self._at(self._grid.cells)] = True
        cells = np.argwhere(covered & on_map) + self._origin
        return np.asarray(cells[np.lexsort(cells.T)], dtype=np.int64)


def _are_neighbors(grid: Grid, one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether two cells share a side."""
    if grid.kind == GridKind.GRID_KIND_SQUARE:
        return bool(abs(one - other).sum() == 1)
    return bool(grid.steps(one[None], other[None])[0] == 1)
