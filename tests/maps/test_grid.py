"""Grids: every point of a map is in one cell, and cells are where the contract says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Grid as GridMessage
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.types_pb2 import Size

from image_grpc.maps.grid import Grid
from tests.maps.builders import HEX_COLUMNS, HEX_ROWS, KINDS, SQUARE, in_cells, in_pixels, pairs

every_kind = pytest.mark.parametrize("kind", KINDS)
HEXAGONS = [HEX_ROWS, HEX_COLUMNS]
near_zero = st.integers(-50, 50)
cell_sizes = st.integers(8, 100)


def centre(grid: Grid, column: int, row: int) -> tuple[float, float]:
    x, y = grid.centre(np.array([[column, row]]))[0]
    return float(x), float(y)


def test_a_grid_that_says_nothing_has_squares_of_70_pixels() -> None:
    assert Grid.of(GridMessage(), Size(width=140, height=70)) == Grid(SQUARE, 70, 140, 70)


def test_the_centre_of_column_3_and_row_2_is_at_three_and_a_half_and_two_and_a_half() -> None:
    assert Grid(SQUARE, 10, 100, 100).pixels(in_cells(3.5, 2.5)) == (35, 25)


def test_on_squares_whole_numbers_are_a_cells_upper_left_corner() -> None:
    assert Grid(SQUARE, 10, 100, 100).pixels(in_cells(3, 2)) == (30, 20)


def test_pixels_stay_what_they_are() -> None:
    assert Grid(HEX_ROWS, 10, 100, 100).pixels(in_pixels(12.25, -3)) == (12.25, -3)


def test_odd_rows_of_hexagons_are_shifted_by_half_a_cell() -> None:
    # 10 pixels between opposite sides: 10 / sqrt(3) from the centre to a corner, 10 * sqrt(3) / 2 from row to row.
    corner, step = 10 / math.sqrt(3), 10 * math.sqrt(3) / 2
    grid = Grid(HEX_ROWS, 10, 100, 100)
    assert centre(grid, 0, 0) == pytest.approx((5, corner))
    assert centre(grid, 3, 0) == pytest.approx((35, corner))
    assert centre(grid, 3, 1) == pytest.approx((40, corner + step))
    assert centre(grid, 3, 2) == pytest.approx((35, corner + 2 * step))


@given(near_zero, near_zero, cell_sizes)
def test_hexagons_in_columns_are_those_in_rows_with_both_axes_swapped(column: int, row: int, cell: int) -> None:
    x, y = centre(Grid(HEX_ROWS, cell, 100, 100), column, row)
    assert centre(Grid(HEX_COLUMNS, cell, 100, 100), row, column) == pytest.approx((y, x))


@settings(deadline=None)
@given(st.sampled_from(KINDS), near_zero, near_zero, cell_sizes)
def test_a_cell_is_found_by_its_centre(kind: GridKind, column: int, row: int, cell: int) -> None:
    grid = Grid(kind, cell, 100, 100)
    assert grid.cell_at(*centre(grid, column, row)) == (column, row)


@settings(deadline=None)
@given(st.sampled_from(KINDS), near_zero, near_zero, st.floats(0, 0.499), st.floats(0, 360))
def test_a_cell_is_found_by_any_point_that_is_nearer_to_its_centre_than_its_sides(
    kind: GridKind, column: int, row: int, away: float, degrees: float
) -> None:
    grid = Grid(kind, 64, 100, 100)
    x, y = centre(grid, column, row)
    angle = math.radians(degrees)
    assert grid.cell_at(x + 64 * away * math.cos(angle), y + 64 * away * math.sin(angle)) == (column, row)


@given(st.sampled_from(KINDS), near_zero, near_zero, cell_sizes)
def test_a_position_in_cells_names_the_centre_in_pixels(kind: GridKind, column: int, row: int, cell: int) -> None:
    grid = Grid(kind, cell, 100, 100)
    assert grid.pixels(in_cells(column + 0.5, row + 0.5)) == pytest.approx(centre(grid, column, row))


@given(st.sampled_from(HEXAGONS), near_zero, near_zero)
def test_a_hexagon_has_six_neighbours_one_cell_away(kind: GridKind, column: int, row: int) -> None:
    grid = Grid(kind, 32, 100, 100)
    near = grid.neighbours(column, row)
    assert len(set(near)) == 6
    for other in near:
        assert math.dist(centre(grid, column, row), centre(grid, *other)) == pytest.approx(32)


def test_a_square_has_eight_neighbours() -> None:
    assert set(Grid(SQUARE, 10, 100, 100).neighbours(1, 1)) == {
        (0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)
    }  # fmt: skip


@given(st.sampled_from(KINDS), near_zero, near_zero)
def test_neighbours_are_mutual(kind: GridKind, column: int, row: int) -> None:
    grid = Grid(kind, 10, 100, 100)
    assert all((column, row) in grid.neighbours(*other) for other in grid.neighbours(column, row))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(KINDS), st.integers(8, 40), st.integers(30, 150), st.integers(30, 150))
def test_cells_tile_the_map_without_gaps_and_none_is_off_it(kind: GridKind, cell: int, width: int, height: int) -> None:
    grid = Grid(kind, cell, width, height)
    picture = shapely.box(0, 0, width, height)
    on_map = shapely.area(shapely.intersection(grid.polygons, picture))
    assert on_map.min() > 0
    assert on_map.sum() == pytest.approx(width * height), "neither gaps nor cells over each other"
    assert shapely.union_all(grid.polygons, grid_size=1e-6).buffer(1e-3).contains(picture)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KINDS), st.integers(1, 149), st.integers(1, 99))
def test_the_cell_of_any_pixel_of_the_map_is_a_cell_of_the_map(kind: GridKind, x: int, y: int) -> None:
    grid = Grid(kind, 16, 150, 100)
    assert grid.cell_at(x, y) in pairs(grid.cells)


@every_kind
def test_cells_come_row_by_row(kind: GridKind) -> None:
    cells = [(int(row), int(column)) for column, row in Grid(kind, 16, 150, 100).cells]
    assert cells == sorted(cells)


def test_half_cells_at_the_left_and_tips_at_the_top_are_cells_of_a_map_of_hexagons() -> None:
    # Odd rows begin half a cell further right, and row -1 reaches down between the tips of row 0.
    cells = pairs(Grid(HEX_ROWS, 20, 100, 100).cells)
    assert (-1, 1) in cells
    assert (-1, 0) not in cells
    assert {(column, -1) for column in range(-1, 5)} <= cells
