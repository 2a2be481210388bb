"""Sight on the cells of a grid, which walls block."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import TOUCH, Cells, Grid
from image_grpc.maps.view import View


def visible_cells(grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall]) -> Cells:
    """Return the cells whose center is visible from a point within `feet` (0: any), and its own cell, row by row."""
    view = View(*Barriers.of(walls, grid, Sense.SIGHT).hiding_from(x, y), (x, y))
    visible = in_range(grid, x, y, feet)
    visible[visible] = view.sees(grid.centers[visible])
    visible |= np.all(grid.cells == grid.cell_at(x, y), axis=1)
    return np.asarray(grid.cells[visible])


def in_range(grid: Grid, x: float, y: float, feet: float) -> NDArray[np.bool_]:
    """Return which of the grid's cells have their center within `feet` of a point; 0: all."""
    if not feet:
        return np.ones(len(grid.cells), dtype=bool)
    distance = np.hypot(*(grid.centers - (x, y)).T)
    return np.asarray(distance <= feet * grid.pixels_per_foot + TOUCH)
