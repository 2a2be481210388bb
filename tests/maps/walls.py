"""Grids and random walls for tests of movement and sight."""

from __future__ import annotations

from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall

from image_grpc.maps.grid import Grid
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


def a_grid(kind: GridKind) -> Grid:
    return Grid(kind, CELL, SIDE * CELL, SIDE * CELL)
