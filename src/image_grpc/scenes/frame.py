"""Where a map lies in an exported scene, whose cells start in its upper left corner and have whole pixels."""

import math
from dataclasses import dataclass

import numpy as np
from tabletop.image.v1.map_pb2 import GridKind

from image_grpc.errors import SceneLimitExceeded
from image_grpc.maps.grid import SLIVER, Grid, Points

MAX_PIXELS = 40_000_000
"""Maximum number of pixels of a scene's picture."""
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The picture of a scene, and where the map lies in it."""

    cell: int
    """Pixels of the scene per cell."""
    scale: float
    """Pixels of the scene per pixel of the map."""
    origin: tuple[float, float]
    """Upper left corner of the scene, in pixels of the map: that of the first cell."""
    width: int
    height: int
    """Size of the picture of the scene, in its pixels."""

    @staticmethod
    def of(grid: Grid, *, least_cell: int = 1) -> "Frame":
        """Return the frame of a map with a grid. Cells have at least `least_cell` pixels.

        A scene with squares has whole cells; one with hexagons starts where the shifted rows (or columns) keep their
        numbers. Raises SceneLimitExceeded if the picture would become too large.
        """
        sides = (grid.width, grid.height)
        cell = max(round(grid.cell_size), least_cell)
        scale = cell / grid.cell_size
        steps = _periods(grid)
        origin = [
            start - math.ceil((start - SLIVER) / step) * step for start, step in zip(grid.offset, steps, strict=True)
        ]
        ends = [side - start for side, start in zip(sides, origin, strict=True)]
        if grid.kind == GridKind.GRID_KIND_SQUARE:
            width, height = (max(1, math.ceil((end - SLIVER) / grid.cell_size)) * cell for end in ends)
        else:
            width, height = (math.ceil(end * scale - _ROUNDING) for end in ends)
        if width * height > MAX_PIXELS:
            raise SceneLimitExceeded(
                f"with cells of {cell} pixels, the picture would have {width} x {height} pixels; the limit is "
                f"{MAX_PIXELS} in total; use a map with larger cells"
            )
        return Frame(cell=cell, scale=scale, origin=(origin[0], origin[1]), width=width, height=height)

    @property
    def left(self) -> int:
        """Distance of the map from the left edge of the scene, in pixels of the scene."""
        return round(-self.origin[0] * self.scale)

    @property
    def top(self) -> int:
        """Distance of the map from the top edge of the scene, in pixels of the scene."""
        return round(-self.origin[1] * self.scale)

    def cells(self, points: Points) -> Points:
        """Return points in pixels of the map as cells of the scene."""
        return np.asarray((points - np.array(self.origin)) * (self.scale / self.cell))

    def pixels(self, points: Points) -> Points:
        """Return points in pixels of the map as pixels of the scene."""
        return np.asarray((points - np.array(self.origin)) * self.scale)


def _periods(grid: Grid) -> tuple[float, float]:
    """Return after how many pixels a grid repeats itself on each axis."""
    two_rows = grid.cell_size * math.sqrt(3)
    match grid.kind:
        case GridKind.GRID_KIND_HEX_ROWS:
            return grid.cell_size, two_rows
        case GridKind.GRID_KIND_HEX_COLUMNS:
            return two_rows, grid.cell_size
        case _:
            return grid.cell_size, grid.cell_size
