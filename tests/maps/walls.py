"""Grids and random walls for tests of movement and sight."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall

from image_grpc.maps import movement
from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Cells, Grid
from image_grpc.maps.movement import Mover
from tests.maps.builders import CELL, CLOSED_DOOR, OPEN_DOOR, WALL, WINDOW, in_pixels, squares

SIDE = 6
"""Rows and columns of small grids."""
quarters = st.integers(0, 4 * SIDE).map(lambda count: count * CELL / 4)
wall_kinds = st.sampled_from([WALL, CLOSED_DOOR, OPEN_DOOR, WINDOW])
any_walls = st.lists(
    st.builds(
        lambda x1, y1, x2, y2, kind: Wall(start=in_pixels(x1, y1), end=in_pixels(x2, y2), kind=kind),
        quarters,
        quarters,
        quarters,
        quarters,
        wall_kinds,
    ),
    max_size=8,
)
numbers = st.integers(0, SIDE - 2)
any_cell = st.tuples(numbers, numbers)


def grid_of(map_: str) -> Grid:
    """Return the grid of a map of the size of a sketch."""
    rows = map_.split()
    return squares(len(rows[0]), len(rows))


def reachable_cells(
    grid: Grid,
    x: float,
    y: float,
    feet: float,
    difficult: Iterable[tuple[int, int]] = (),
    walls: Iterable[Wall] = (),
    *,
    limit: int = sys.maxsize,
    **mover: Any,
) -> Cells:
    """Return the cells that a mover at (x, y) pixels reaches. `mover` has further fields of Mover."""
    cells = np.array(list(difficult), dtype=np.int64).reshape(-1, 2)
    barriers = Barriers.of(walls, grid, Sense.MOVE)
    return movement.reachable_cells(grid, Mover(x=x, y=y, feet=feet, difficult=cells, **mover), barriers, limit=limit)


def a_grid(kind: GridKind) -> Grid:
    return Grid(kind, CELL, SIDE * CELL, SIDE * CELL)
