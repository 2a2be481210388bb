"""The space of a creature on a grid."""

import math

import numpy as np
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import CreatureSize

from image_grpc.maps.grid import Cells, Grid

SPACE_SQUARES = {
    CreatureSize.CREATURE_SIZE_UNSPECIFIED: 1.0,
    CreatureSize.CREATURE_SIZE_TINY: 0.5,
    CreatureSize.CREATURE_SIZE_SMALL: 1.0,
    CreatureSize.CREATURE_SIZE_MEDIUM: 1.0,
    CreatureSize.CREATURE_SIZE_LARGE: 2.0,
    CreatureSize.CREATURE_SIZE_HUGE: 3.0,
    CreatureSize.CREATURE_SIZE_GARGANTUAN: 4.0,
}
"""Squares along each side of a creature's space."""
_HEXAGONS = {0.5: 1, 1.0: 1, 2.0: 3, 3.0: 7, 4.0: 12}
"""Hexagons of the space of a creature that needs this many squares along each side."""


def space(grid: Grid, x: float, y: float, size: CreatureSize) -> Cells:
    """Return the cells that a creature occupies whose center is at a point: those that it fits best."""
    squares = SPACE_SQUARES[size]
    if grid.kind != GridKind.GRID_KIND_SQUARE:
        return grid.nearest_hexagons(x, y, _HEXAGONS[squares])
    side = math.ceil(squares)
    half = (side - 1) * grid.cell_size / 2
    column, row = grid.cell_at(x - half, y - half)
    return np.stack(np.meshgrid(range(column, column + side), range(row, row + side)), axis=-1).reshape(-1, 2)
