"""Line of sight, blocked by walls."""

from collections.abc import Iterable

import numpy as np
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.maps.grid import TOUCH, Cells, Grid
from image_grpc.maps.walls import BLOCKS_SIGHT, blocked_paths, wall_lines


def visible_cells(grid: Grid, x: float, y: float, feet: float, walls: Iterable[Wall]) -> Cells:
    """Return the cells whose center is visible from a point, and the viewer's own cell, row by row.

    `feet` limits the distance; 0 means no limit.
    """
    own = np.all(grid.cells == grid.cell_at(x, y), axis=1)
    distance = np.hypot(*(grid.centers - (x, y)).T)
    nearby = np.flatnonzero(distance <= feet * grid.pixels_per_foot + TOUCH) if feet else np.arange(len(own))
    eyes = np.broadcast_to((x, y), (len(nearby), 2))
    hidden = nearby[blocked_paths(eyes, grid.centers[nearby], wall_lines(walls, grid, BLOCKS_SIGHT))]
    visible = own.copy()
    visible[nearby] = True
    visible[hidden] = False
    cells: Cells = grid.cells[visible | own]
    return cells
