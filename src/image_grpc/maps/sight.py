"""Sight on the cells of a grid, which walls block."""

import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import TOUCH, Cells, Grid
from image_grpc.workers import stop_if_abandoned

CHUNK = 20_000
"""Paths that are checked before it is checked whether the result is still wanted."""


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
