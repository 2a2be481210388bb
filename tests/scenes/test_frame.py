"""Where maps lie in exported scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind

from image_grpc.maps.grid import Grid
from image_grpc.scenes.frame import Frame

SIDES = st.integers(64, 2048)
OFFSETS = st.floats(-4096, 4096)
SIZES = st.floats(8, 1024)
KINDS = st.sampled_from([GridKind.GRID_KIND_SQUARE, GridKind.GRID_KIND_HEX_ROWS, GridKind.GRID_KIND_HEX_COLUMNS])


@given(KINDS, SIDES, SIDES, SIZES, OFFSETS, OFFSETS)
def test_a_scene_contains_its_map_and_starts_where_its_grid_does(
    kind: GridKind, width: int, height: int, size: float, x: float, y: float
) -> None:
    grid = Grid(kind, size, width, height, (x, y))
    frame = Frame.of(grid)
    corners = frame.pixels(np.array([(0, 0), (width, height)], dtype=float))
    # Rounded sides of the map, and up to a quarter of a pixel of it that belongs to no cell.
    slack = 0.25 * frame.scale + 1e-6 * frame.cell
    assert np.all(corners[0] >= -slack)
    assert np.all(corners[1] <= np.array([frame.width, frame.height]) + 0.5 + slack)
    assert abs(corners[0] - (frame.left, frame.top)).max() <= 0.5 + 1e-6
    columns = (np.array(frame.origin) - (x, y)) / size
    if kind == GridKind.GRID_KIND_SQUARE:
        assert (frame.width % frame.cell, frame.height % frame.cell) == (0, 0)
    else:
        rows = columns[1 if kind == GridKind.GRID_KIND_HEX_ROWS else 0] / math.sqrt(3)
        columns = np.array([rows, columns[0 if kind == GridKind.GRID_KIND_HEX_ROWS else 1]])
    assert columns == pytest.approx(np.rint(columns), abs=1e-6)


@pytest.mark.parametrize(("size", "cell"), [(8, 20), (19.4, 20), (70.4, 70)])
def test_small_cells_are_enlarged(size: float, cell: int) -> None:
    assert Frame.of(Grid(GridKind.GRID_KIND_SQUARE, size, 400, 400), least_cell=20).cell == cell
