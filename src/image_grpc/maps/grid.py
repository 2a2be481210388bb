"""The grid of a tactical map: its cells in pixels, and positions on it.

Lengths are in pixels of the stored picture. A cell is a pair (column, row); a square of the game is 5 ft.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Cell, CoordinateUnit, GridKind, Position
from tabletop.image.v1.map_pb2 import Grid as GridMessage
from tabletop.image.v1.types_pb2 import Size

DEFAULT_CELL = 70
DEFAULT_COLOR = "#00000080"
FEET_PER_CELL = 5.0
TOUCH = 1e-6
"""Part of a cell's side: cells that share a strip no wider than this with something only touch it."""

Points = NDArray[np.float64]
"""Pixels, of shape (n, 2)."""
Cells = NDArray[np.int64]
"""Columns and rows, of shape (n, 2)."""
Shapes = NDArray[Any]
"""Geometries of shapely, of shape (n,)."""

_SQUARE = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))
# Of hexagons in rows: in even rows, then in odd ones, which are shifted to the right.
_HEX = (((-1, 0), (1, 0), (-1, -1), (0, -1), (-1, 1), (0, 1)), ((-1, 0), (1, 0), (0, -1), (1, -1), (0, 1), (1, 1)))


@dataclass(frozen=True)
class Grid:
    """Cells over a picture of `width` x `height` pixels, each `cell` pixels from one side to the opposite one."""

    kind: GridKind
    cell: float
    width: int
    height: int

    @staticmethod
    def of(grid: GridMessage, size: Size) -> Grid:
        """The grid of a map of this size, with its defaults."""
        return _known(grid.kind or GridKind.GRID_KIND_SQUARE, grid.size or DEFAULT_CELL, size.width, size.height)

    @property
    def pixels_per_foot(self) -> float:
        """Scale of the map."""
        return self.cell / FEET_PER_CELL

    @property
    def _columns_stagger(self) -> bool:
        """Whether columns, not rows, are shifted against each other: the same grid with both axes swapped."""
        return self.kind == GridKind.GRID_KIND_HEX_COLUMNS

    @cached_property
    def cells(self) -> Cells:
        """The cells that overlap the picture, row by row."""
        across, down = (self.height, self.width) if self._columns_stagger else (self.width, self.height)
        columns, rows = math.ceil(across / self.cell), math.ceil(down / self._row_step)
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return _all_of(range(columns), range(rows))
        # Shifted rows begin with half a cell, and above the first row there are the tips of another.
        found = _all_of(range(-1, columns), range(-1, rows))
        outer = np.any((found < 1) | (found >= (columns - 1, rows - 2)), axis=1)
        found = found[:, ::-1] if self._columns_stagger else found
        picture = shapely.box(0, 0, self.width, self.height)
        shared = shapely.area(shapely.intersection(self.outlines(found[outer]), picture))
        inside = ~outer
        inside[outer] = shared > TOUCH * self.cell
        found = found[inside]
        ordered: Cells = found[np.lexsort(found.T)]
        return ordered

    @cached_property
    def centres(self) -> Points:
        """Centre of each of `cells`."""
        return self.centre(self.cells)

    @cached_property
    def polygons(self) -> Shapes:
        """Outline of each of `cells`."""
        return self.outlines(self.cells)

    def centre(self, cells: Cells) -> Points:
        """Centres of cells."""
        return self._placed(cells.astype(np.float64) + 0.5)

    def outlines(self, cells: Cells) -> Shapes:
        """Outlines of cells."""
        # To a thousandth of a pixel, so that neighbours share their corners exactly.
        corners = np.round(self.centre(cells)[:, None, :] + self._corners[None, :, :], 3)
        polygons: Any = shapely.polygons(corners)
        return np.asarray(polygons)

    def pixels(self, position: Position) -> tuple[float, float]:
        """A position of the contract in pixels."""
        if position.unit == CoordinateUnit.COORDINATE_UNIT_PIXELS:
            return position.x, position.y
        x, y = self._placed(np.array([[position.x, position.y]]))[0]
        return float(x), float(y)

    def cell_at(self, x: float, y: float) -> tuple[int, int]:
        """The cell that has a point; on a border, the one to the right and below."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return math.floor(x / self.cell), math.floor(y / self.cell)
        # Every point of a hexagon is nearer to its centre than to any other's.
        across, down = (y, x) if self._columns_stagger else (x, y)
        column, row = math.floor(across / self.cell), math.floor(down / self._row_step)
        near = np.array([(column + i, row + j) for j in (0, -1, 1) for i in (0, -1, 1)])
        if self._columns_stagger:
            near = near[:, ::-1]
        distances = np.hypot(*(self.centre(near) - (x, y)).T)
        best = near[int(np.argmin(np.round(distances, 9)))]
        return int(best[0]), int(best[1])

    def neighbours(self, column: int, row: int) -> list[tuple[int, int]]:
        """The cells one step away: eight of a square, six of a hexagon."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return [(column + i, row + j) for i, j in _SQUARE]
        if self._columns_stagger:
            return [(column + j, row + i) for i, j in _HEX[column % 2]]
        return [(column + i, row + j) for i, j in _HEX[row % 2]]

    @property
    def _row_step(self) -> float:
        """From one row (or staggered column) to the next."""
        return self.cell if self.kind == GridKind.GRID_KIND_SQUARE else self.cell * math.sqrt(3) / 2

    @property
    def _corners(self) -> Points:
        """Corners of a cell about its centre."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * self.cell
        start = 0 if self._columns_stagger else 30
        angles = np.radians(np.arange(start, start + 360, 60))
        radius = self.cell / math.sqrt(3)
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1) * radius

    def _placed(self, places: Points) -> Points:
        """Pixels of places that count cells, where x.5, y.5 is the centre of the cell in column x and row y."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return places * self.cell
        across, down = (places[:, 1], places[:, 0]) if self._columns_stagger else (places[:, 0], places[:, 1])
        shift = np.where(np.floor(down) % 2 == 1, 0.5, 0.0)
        across = (across + shift) * self.cell
        down = (down - 0.5) * self._row_step + self.cell / math.sqrt(3)
        return np.stack([down, across] if self._columns_stagger else [across, down], axis=-1)


@lru_cache(64)
def _known(kind: GridKind, cell: float, width: int, height: int) -> Grid:
    """One grid for all elements of a map: its cells are worked out once."""
    return Grid(kind, cell, width, height)


def _all_of(columns: range, rows: range) -> Cells:
    """Every cell in these columns and rows, row by row."""
    found: Cells = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return found


def messages(cells: Cells) -> list[Cell]:
    """Cells as the contract has them."""
    return [Cell(column=int(column), row=int(row)) for column, row in cells]
