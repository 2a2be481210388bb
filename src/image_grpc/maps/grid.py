"""Grid of a tactical map: its cells in pixels, and positions on it.

Lengths are in pixels of the stored picture and may be fractional. A cell is a pair (column, row) and 5 ft wide.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import CoordinateUnit, GridKind, HexShift, Position
from tabletop.image.v1.map_pb2 import Grid as GridProperties
from tabletop.image.v1.types_pb2 import Size

DEFAULT_CELL = 70
"""Cell size in pixels of a grid that has none."""
DEFAULT_COLOR = "#00000080"
FEET_PER_CELL = 5.0
TOUCH = 1e-6
"""Overlap in pixels up to which shapes only touch."""
SLIVER = 0.25
"""Pixels of a cell that must lie on the map, so that a rounded cell size adds no further column or row."""
_ROUNDING = 1e-9
"""Cells by which rounding may move a point across a border."""

Points = NDArray[np.float64]
"""Points in pixels, of shape (n, 2)."""
Cells = NDArray[np.int64]
"""Columns and rows, of shape (n, 2)."""
Shapes = NDArray[Any]
"""Shapely geometries, of shape (n,)."""

_SQUARE_NEIGHBORS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1))
# Hexagons in rows: neighbors in rows that are not shifted, then in those that are shifted to the right.
_HEX_NEIGHBORS = (
    ((-1, 0), (1, 0), (-1, -1), (0, -1), (-1, 1), (0, 1)),
    ((-1, 0), (1, 0), (0, -1), (1, -1), (0, 1), (1, 1)),
)
# Corners around the center of a cell, in lattice units.
_CORNERS = {
    GridKind.GRID_KIND_SQUARE: ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    GridKind.GRID_KIND_HEX_ROWS: ((1, 1), (0, 2), (-1, 1), (-1, -1), (0, -2), (1, -1)),
    GridKind.GRID_KIND_HEX_COLUMNS: ((2, 0), (1, 1), (-1, 1), (-2, 0), (-1, -1), (1, -1)),
}


@dataclass(frozen=True)
class Grid:
    """Grid over a picture of `width` x `height` pixels; `cell_size` is the distance between opposite sides."""

    kind: GridKind
    cell_size: float
    width: int
    height: int
    offset: tuple[float, float] = (0.0, 0.0)
    """Upper left corner of column 0, row 0."""
    shifts_even: bool = False
    """Whether even instead of odd rows (or columns) of hexagons are shifted by half a cell."""

    @staticmethod
    def of_map(image: Image) -> "Grid":
        """Return the grid of a map, with defaults for what the map does not set."""
        return grid_on(image.map.grid, image.content.size)

    @property
    def pixels_per_foot(self) -> float:
        return self.cell_size / FEET_PER_CELL

    @property
    def squares(self) -> tuple[range, range]:
        """Columns and rows of a square grid."""
        columns, rows = (
            range(math.floor((SLIVER - start) / self.cell_size), math.ceil((side - SLIVER - start) / self.cell_size))
            for side, start in zip((self.width, self.height), self.offset, strict=True)
        )
        return columns, rows

    @cached_property
    def cells(self) -> Cells:
        """Cells that overlap the picture, row by row."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return _product(*self.squares)
        return self._hexagons()

    @cached_property
    def centers(self) -> Points:
        """Center of each of `cells`."""
        return self.center(self.cells)

    @cached_property
    def polygons(self) -> Shapes:
        """Outline of each of `cells`."""
        return self.outlines(self.cells)

    def center(self, cells: Cells) -> Points:
        """Return the centers of cells."""
        return self._lattice_centers(cells) * self._lattice_unit + self.offset

    def outlines(self, cells: Cells) -> Shapes:
        """Return the outlines of cells as polygons. Neighbors share their corners exactly."""
        corners = self._lattice_centers(cells)[:, None, :] + np.array(_CORNERS[self.kind])
        return np.asarray(shapely.polygons(corners * self._lattice_unit + self.offset))

    def pixels(self, position: Position) -> tuple[float, float]:
        """Return a position in pixels."""
        [[x, y]] = self.points([position])
        return float(x), float(y)

    def points(self, positions: Iterable[Position]) -> Points:
        """Return positions in pixels."""
        values = [(position.x, position.y, position.unit) for position in positions]
        array = np.array(values, dtype=float).reshape(-1, 3)
        given, in_pixels = array[:, :2], array[:, 2] == CoordinateUnit.COORDINATE_UNIT_PIXELS
        return np.where(in_pixels[:, np.newaxis], given, self._pixels_of_cells(given))

    def _pixels_of_cells(self, positions: Points) -> Points:
        """Return positions in cells as pixels."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return positions * self.cell_size + self.offset
        along, across = (positions[:, ::-1] if self._in_columns else positions).T
        along = (along + self._is_shifted(np.floor(across)) / 2) * self.cell_size
        across = (across - 0.5) * self._row_step + self.cell_size / math.sqrt(3)
        return np.stack([across, along] if self._in_columns else [along, across], axis=1) + self.offset

    def cell_at(self, x: float, y: float) -> tuple[int, int]:
        """Return the cell that contains a point; on a border, the cell to the right and below."""
        left, top = x - self.offset[0], y - self.offset[1]
        along, across = (top, left) if self._in_columns else (left, top)
        column = math.floor(along / self.cell_size + _ROUNDING)
        row = math.floor(across / self._row_step + _ROUNDING)
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return column, row
        # Each point of a hexagon is nearer to its center than to any other center.
        near = np.array([(column + i, row + j) for j in (0, -1, 1) for i in (0, -1, 1)])
        if self._in_columns:
            near = near[:, ::-1]
        distances = np.hypot(*(self.center(near) - (x, y)).T)
        nearest = near[int(np.argmin(np.round(distances, 9)))]
        return int(nearest[0]), int(nearest[1])

    def neighbors_of(self, cells: Cells) -> Cells:
        """Return the cells one step away from each cell: of shape (n, 8, 2) for squares, (n, 6, 2) for hexagons."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return np.asarray(cells[:, None, :] + np.array(_SQUARE_NEIGHBORS))
        steps = np.array(_HEX_NEIGHBORS)
        if self._in_columns:
            steps = steps[:, :, ::-1]
        shifted = self._is_shifted(cells[:, 0 if self._in_columns else 1])
        return np.asarray(cells[:, None, :] + steps[shifted])

    def steps(self, cells: Cells, other: Cells) -> NDArray[np.int64]:
        """Return the number of hexagons from each of `cells` to the nearest of `other`, of shape (n,)."""
        across, along = self._doubled(cells)
        fewest = np.full(len(cells), np.iinfo(np.int64).max)
        for row, column in zip(*self._doubled(other), strict=True):
            rows, columns = abs(across - row), abs(along - column)
            fewest = np.minimum(fewest, rows + np.maximum(0, (columns - rows) // 2))
        return fewest

    def offsets(self, cells: Cells, anchor: Cells) -> Cells:
        """Return where cells are as seen from another one, in the form that `shifted` takes.

        `anchor` has shape (1, 2).
        """
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return cells - anchor
        return np.stack(self._doubled(cells), axis=-1) - np.stack(self._doubled(anchor), axis=-1)

    def shifted(self, cells: Cells, offsets: Cells) -> Cells:
        """Return the cells at offsets from each of `cells`, of shape (n, m, 2)."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return np.asarray(cells[:, None] + offsets)
        rows, doubled = np.moveaxis(np.stack(self._doubled(cells), axis=-1)[:, None] + offsets, -1, 0)
        columns = (doubled - self._is_shifted(rows)) // 2
        return np.stack([rows, columns] if self._in_columns else [columns, rows], axis=-1)

    def nearest_hexagons(self, x: float, y: float, count: int) -> Cells:
        """Return the hexagons whose centers are nearest to a point."""
        near = np.array([self.cell_at(x, y)])
        for _ in range(2):  # at most 19 cells
            near = np.unique(np.concatenate([near, self.neighbors_of(near).reshape(-1, 2)]), axis=0)
        distances = np.round(np.hypot(*(self.center(near) - (x, y)).T), 6)
        return np.asarray(near[np.argsort(distances, kind="stable")[:count]])

    def _doubled(self, cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of hexagons, and their columns in half cells."""
        columns, rows = (cells[:, ::-1] if self._in_columns else cells).T
        return rows, 2 * columns + self._is_shifted(rows)

    def _is_shifted(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        """Return 1 for each row (or column) that is shifted by half a cell, otherwise 0."""
        return np.asarray((rows + self.shifts_even) % 2, dtype=np.int64)

    def _hexagons(self) -> Cells:
        along, across, (start, top) = self.width, self.height, self.offset
        if self._in_columns:
            along, across, start, top = across, along, top, start
        # Shifted rows begin with half a cell, and the tips of a row reach into the one before.
        columns = range(math.floor(-start / self.cell_size) - 1, math.ceil((along - start) / self.cell_size))
        rows = range(math.floor(-top / self._row_step) - 1, math.ceil((across - top) / self._row_step))
        cells = _product(columns, rows)
        inner = (cells >= (columns.start + 2, rows.start + 2)) & (cells < (columns.stop - 2, rows.stop - 2))
        at_edge = ~np.all(inner, axis=1)
        left = (cells[at_edge, 0] + self._is_shifted(cells[at_edge, 1]) / 2) * self.cell_size + start
        wide = np.minimum(left + self.cell_size, along) - np.maximum(left, 0) > SLIVER
        cells = cells[:, ::-1] if self._in_columns else cells
        picture = shapely.box(0, 0, self.width, self.height)
        overlap = shapely.area(shapely.intersection(self.outlines(cells[at_edge]), picture))
        on_map = ~at_edge
        on_map[at_edge] = wide & (overlap > TOUCH * self.cell_size)
        cells = cells[on_map]
        return np.asarray(cells[np.lexsort(cells.T)])

    @property
    def _in_columns(self) -> bool:
        """Whether columns instead of rows are shifted: the same grid with both axes swapped."""
        return self.kind == GridKind.GRID_KIND_HEX_COLUMNS

    @property
    def _row_step(self) -> float:
        """Distance from one row (or shifted column) to the next."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return self.cell_size
        return self.cell_size * math.sqrt(3) / 2

    @property
    def _lattice_unit(self) -> Points:
        """Pixels per lattice unit on each axis. Centers and corners are whole lattice units from the origin."""
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return np.array([self.cell_size / 2, self.cell_size / 2])
        unit = np.array([self.cell_size / 2, self.cell_size / (2 * math.sqrt(3))])
        return unit[::-1] if self._in_columns else unit

    def _lattice_centers(self, cells: Cells) -> Cells:
        if self.kind == GridKind.GRID_KIND_SQUARE:
            return 2 * cells + 1
        rows, columns = self._doubled(cells)
        centers = np.stack([columns + 1, 3 * rows + 2], axis=-1)
        return centers[:, ::-1] if self._in_columns else centers


def _product(columns: range, rows: range) -> Cells:
    """Return all cells in these columns and rows, row by row."""
    return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)


def grid_on(grid: GridProperties, size: Size) -> Grid:
    """Return a grid on a picture, with defaults for what its properties do not set."""
    kind = grid.kind or GridKind.GRID_KIND_SQUARE
    offset, shifts_even = (grid.offset.x, grid.offset.y), grid.hex_shift == HexShift.HEX_SHIFT_EVEN
    return _shared_grid(kind, grid.size or DEFAULT_CELL, size.width, size.height, offset, shifts_even)


# The same grid for equal arguments, so that its cells are computed once.
_shared_grid = lru_cache(64)(Grid)
