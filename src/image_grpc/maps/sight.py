"""Sight on the cells of a grid, which walls block."""

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import TOUCH, Cells, Grid, Points
from image_grpc.maps.view import View
from image_grpc.workers import stop_if_abandoned

NEAREST = 24
"""Number of walls that are checked first; then come this number squared, and all others."""
CHUNK = 20_000
"""Paths that are checked before it is checked whether the result is still wanted."""


def visible_cells(grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall]) -> Cells:
    """Return the cells whose center is visible from a point within `feet` (0: any), and its own cell, row by row."""
    visible = cells_in_view(grid, x, y, in_range(grid, x, y, feet), Barriers.of(walls, grid, Sense.SIGHT))
    return np.asarray(grid.cells[visible])


def cells_in_view(grid: Grid, x: float, y: float, cells: NDArray[np.bool_], barriers: Barriers) -> NDArray[np.bool_]:
    """Return which of some cells have their center in view of a point, and its own cell."""
    hiding = barriers.hiding_from(x, y)
    view, centers = View(*hiding, (x, y)), grid.centers[cells]
    in_view = cells.copy()
    in_view[cells] = view.sees(centers) if view.is_exact else _reached(x, y, centers, *hiding)
    in_view |= np.all(grid.cells == grid.cell_at(x, y), axis=1)
    return in_view


def _reached(x: float, y: float, points: Points, walls: Points, limited: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which points straight paths reach. This takes long, unless walls hide most."""
    distances = shapely.distance(shapely.linestrings(walls), shapely.Point(x, y))
    order = np.argsort(distances)
    normal = order[~limited[order]]
    reached = np.arange(len(points))
    # The nearest walls first: they hide most. Limited walls come last and together, as they are counted.
    for part in (*np.split(normal, [NEAREST, NEAREST * NEAREST]), order[limited[order]]):
        some = Barriers(walls[part], np.zeros(len(part), dtype=np.int8), limited[part])
        for chunk in np.split(reached, range(CHUNK, len(reached), CHUNK)):
            stop_if_abandoned()
            eyes = np.broadcast_to((x, y), (len(chunk), 2))
            reached = np.setdiff1d(reached, chunk[some.blocked(eyes, points[chunk])])
    return np.isin(np.arange(len(points)), reached)


def in_range(grid: Grid, x: float, y: float, feet: float) -> NDArray[np.bool_]:
    """Return which of the grid's cells have their center within `feet` of a point; 0: all."""
    if not feet:
        return np.ones(len(grid.cells), dtype=bool)
    distance = np.hypot(*(grid.centers - (x, y)).T)
    return np.asarray(distance <= feet * grid.pixels_per_foot + TOUCH)
