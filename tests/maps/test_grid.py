"""Grids: each point of a map is in one cell, and cells are where the contract defines them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Grid as GridMessage
from tabletop.image.v1.map_pb2 import GridKind, HexShift

from image_grpc.maps.grid import Grid
from tests.maps.builders import HEX_COLUMNS, HEX_ROWS, KINDS, SQUARE, a_map, in_cells, in_pixels, pairs

every_kind = pytest.mark.parametrize("kind", KINDS)
HEXAGONS = [HEX_ROWS, HEX_COLUMNS]
near_zero = st.integers(-50, 50)
cell_sizes = st.integers(8, 100) | st.floats(8, 1024)


def center(grid: Grid, column: int, row: int) -> tuple[float, float]:
    x, y = grid.center(np.array([[column, row]]))[0]
    return float(x), float(y)


def test_a_grid_has_squares_of_70_pixels_by_default() -> None:
    assert Grid.of_map(a_map(140, 70)) == Grid(SQUARE, 70, 140, 70)


def test_a_grid_has_the_size_and_kind_of_the_map() -> None:
    image = a_map(140, 70, grid=GridMessage(size=57.69, kind=HEX_ROWS))
    assert Grid.of_map(image) == Grid(HEX_ROWS, 57.69, 140, 70)


@every_kind
def test_a_cell_is_5_ft_wide(kind: GridKind) -> None:
    assert Grid(kind, 20, 100, 100).pixels_per_foot == 4


def test_the_center_of_a_cell_is_half_a_cell_from_its_corner() -> None:
    assert Grid(SQUARE, 10, 100, 100).pixels(in_cells(3.5, 2.5)) == (35, 25)


def test_integers_are_the_upper_left_corner_of_a_square() -> None:
    assert Grid(SQUARE, 10, 100, 100).pixels(in_cells(3, 2)) == (30, 20)


def test_positions_in_pixels_are_returned_unchanged() -> None:
    assert Grid(HEX_ROWS, 10, 100, 100).pixels(in_pixels(12.25, -3)) == (12.25, -3)


def test_odd_rows_of_hexagons_are_shifted_by_half_a_cell() -> None:
    # 10 pixels between opposite sides: 10 / sqrt(3) from the center to a corner, 10 * sqrt(3) / 2 from row to row.
    corner, step = 10 / math.sqrt(3), 10 * math.sqrt(3) / 2
    grid = Grid(HEX_ROWS, 10, 100, 100)
    assert center(grid, 0, 0) == pytest.approx((5, corner))
    assert center(grid, 3, 0) == pytest.approx((35, corner))
    assert center(grid, 3, 1) == pytest.approx((40, corner + step))
    assert center(grid, 3, 2) == pytest.approx((35, corner + 2 * step))


@given(near_zero, near_zero, cell_sizes)
def test_hexagons_in_columns_are_those_in_rows_with_both_axes_swapped(column: int, row: int, cell: float) -> None:
    x, y = center(Grid(HEX_ROWS, cell, 100, 100), column, row)
    assert center(Grid(HEX_COLUMNS, cell, 100, 100), row, column) == pytest.approx((y, x))


@settings(deadline=None)
@given(st.sampled_from(KINDS), near_zero, near_zero, cell_sizes)
def test_the_center_of_a_cell_is_in_that_cell(kind: GridKind, column: int, row: int, cell: float) -> None:
    grid = Grid(kind, cell, 100, 100)
    assert grid.cell_at(*center(grid, column, row)) == (column, row)


@settings(deadline=None)
@given(st.sampled_from(KINDS), near_zero, near_zero, st.floats(0, 0.499), st.floats(0, 360))
def test_points_nearer_to_the_center_than_the_sides_are_in_the_cell(
    kind: GridKind, column: int, row: int, away: float, degrees: float
) -> None:
    grid = Grid(kind, 64, 100, 100)
    x, y = center(grid, column, row)
    angle = math.radians(degrees)
    assert grid.cell_at(x + 64 * away * math.cos(angle), y + 64 * away * math.sin(angle)) == (column, row)


@given(st.sampled_from(KINDS), near_zero, near_zero, cell_sizes)
def test_positions_in_cells_agree_with_centers_in_pixels(kind: GridKind, column: int, row: int, cell: float) -> None:
    grid = Grid(kind, cell, 100, 100)
    assert grid.pixels(in_cells(column + 0.5, row + 0.5)) == pytest.approx(center(grid, column, row))


def neighbors(grid: Grid, column: int, row: int) -> list[tuple[int, int]]:
    """Return the neighbors of one cell."""
    return [(each[0], each[1]) for each in grid.neighbors_of(np.array([[column, row]]))[0].tolist()]


@given(st.sampled_from(HEXAGONS), near_zero, near_zero)
def test_a_hexagon_has_six_neighbors_one_cell_away(kind: GridKind, column: int, row: int) -> None:
    grid = Grid(kind, 32, 100, 100)
    near = neighbors(grid, column, row)
    assert len(set(near)) == 6
    for other in near:
        assert math.dist(center(grid, column, row), center(grid, *other)) == pytest.approx(32)


def test_a_square_has_eight_neighbors() -> None:
    assert set(neighbors(Grid(SQUARE, 10, 100, 100), 1, 1)) == {
        (0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)
    }  # fmt: skip


@given(st.sampled_from(KINDS), near_zero, near_zero)
def test_neighbors_are_mutual(kind: GridKind, column: int, row: int) -> None:
    grid = Grid(kind, 10, 100, 100)
    assert all((column, row) in neighbors(grid, *other) for other in neighbors(grid, column, row))


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(KINDS), st.integers(8, 40), st.integers(30, 150), st.integers(30, 150))
def test_cells_tile_the_map_without_gaps(kind: GridKind, cell: float, width: int, height: int) -> None:
    grid = Grid(kind, cell, width, height)
    picture = shapely.box(0, 0, width, height)
    on_map = shapely.area(shapely.intersection(grid.polygons, picture))
    assert on_map.min() > 0
    assert on_map.sum() == pytest.approx(width * height), "neither gaps nor overlaps"
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


def test_partial_hexagons_at_the_edges_are_cells_of_the_map() -> None:
    # Odd rows are shifted right by half a cell, and row -1 reaches down between the tips of row 0.
    cells = pairs(Grid(HEX_ROWS, 20, 100, 100).cells)
    assert (-1, 1) in cells
    assert (-1, 0) not in cells
    assert {(column, -1) for column in range(-1, 5)} <= cells


# Grids whose origin is not the corner of the map, such as those of a cropped map.

offsets = st.floats(-300, 300)


def test_a_grid_has_the_offset_and_shift_of_the_map() -> None:
    grid = GridMessage(size=20, kind=HEX_ROWS, offset={"x": 10.5, "y": -3}, hex_shift=HexShift.HEX_SHIFT_EVEN)
    assert Grid.of_map(a_map(140, 70, grid=grid)) == Grid(HEX_ROWS, 20, 140, 70, (10.5, -3), shifts_even=True)


def test_a_map_cropped_by_half_a_cell_has_half_a_column_at_its_left_edge() -> None:
    grid = Grid(SQUARE, 20, 100, 60, (10, 0))
    assert grid.squares == (range(-1, 5), range(3))
    assert grid.cell_at(9.9, 5) == (-1, 0)
    assert grid.cell_at(10, 5) == (0, 0)
    assert grid.pixels(in_cells(0.5, 0.5)) == (20, 10)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KINDS), offsets, offsets, st.booleans(), st.integers(1, 149), st.integers(1, 99))
def test_with_any_offset_the_cell_of_each_pixel_is_a_cell_of_the_map(
    kind: GridKind, left: float, top: float, even: bool, x: int, y: int
) -> None:
    grid = Grid(kind, 16, 150, 100, (left, top), even)
    cell = grid.cell_at(x, y)
    assert cell in pairs(grid.cells)
    assert shapely.dwithin(grid.outlines(np.array([cell]))[0], shapely.Point(x, y), 1e-6)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KINDS), st.integers(-3, 3), st.integers(-3, 3), st.booleans())
def test_an_offset_of_whole_cells_only_renumbers_them(kind: GridKind, columns: int, rows: int, even: bool) -> None:
    steps = np.array((columns, 2 * rows) if kind != HEX_COLUMNS else (2 * columns, rows))  # keeps what is shifted
    grid = Grid(kind, 16, 150, 100, shifts_even=even)
    left, top = grid.center(steps[None])[0] - grid.center(np.array([[0, 0]]))[0]
    moved = Grid(kind, 16, 150, 100, (float(left), float(top)), even)
    assert pairs(moved.cells + steps) == pairs(grid.cells)
    assert pairs(moved.neighbors_of(np.array([[2, 2]]))[0] + steps) == pairs(grid.neighbors_of(2 + steps[None])[0])


@given(st.sampled_from(HEXAGONS), near_zero, near_zero)
def test_even_rows_are_shifted_like_odd_rows_that_begin_one_row_earlier(kind: GridKind, column: int, row: int) -> None:
    step = 10 * math.sqrt(3) / 2
    offset, next_ = ((0.0, -step), (column, row + 1)) if kind == HEX_ROWS else ((-step, 0.0), (column + 1, row))
    even, odd = Grid(kind, 10, 100, 100, shifts_even=True), Grid(kind, 10, 100, 100, offset)
    assert center(even, column, row) == pytest.approx(center(odd, *next_))


@settings(deadline=None)
@given(st.sampled_from(HEXAGONS), st.booleans(), near_zero, near_zero)
def test_steps_between_hexagons_are_those_of_a_walk(kind: GridKind, even: bool, column: int, row: int) -> None:
    grid = Grid(kind, 10, 100, 100, shifts_even=even)
    start = np.array([[column, row]])
    ring = start
    for steps in range(1, 4):
        reached = np.unique(np.concatenate([ring, grid.neighbors_of(ring).reshape(-1, 2)]), axis=0)
        assert len(reached) == 1 + 3 * steps * (steps + 1)
        assert grid.steps(reached, start).max() == steps
        ring = reached


# Fractional cell sizes: 71 cells on 4096 pixels are 57.69 pixels each.

SIZES_OF_71 = pytest.mark.parametrize("cell_size", [4096 / 71, 57.69, 57.690140845])


@SIZES_OF_71
def test_71_cells_cover_4096_pixels(cell_size: float) -> None:
    grid = Grid(SQUARE, cell_size, 4096, 4096)
    assert grid.squares == (range(71), range(71))
    assert len(grid.cells) == 71 * 71
    left, top, right, bottom = grid.outlines(np.array([[70, 35]]))[0].bounds
    assert (left, right) == pytest.approx((70 / 71 * 4096, 4096), abs=1)
    assert (top, bottom) == pytest.approx((35 / 71 * 4096, 36 / 71 * 4096), abs=1)
    assert center(grid, 70, 35) == pytest.approx((70.5 / 71 * 4096, 35.5 / 71 * 4096), abs=1)
    assert grid.cell_at(4095, 2048) == (70, 35)
    assert grid.cell_at(70 / 71 * 4096 + 1, 2048) == (70, 35)
    assert grid.cell_at(70 / 71 * 4096 - 1, 2048) == (69, 35)


@SIZES_OF_71
@pytest.mark.parametrize("kind", HEXAGONS)
def test_71_hexagons_cover_4096_pixels(kind: GridKind, cell_size: float) -> None:
    cells = Grid(kind, cell_size, 4096, 4096).cells
    along = cells[cells[:, 1] == 4, 0] if kind == HEX_ROWS else cells[cells[:, 0] == 4, 1]
    assert along.tolist() == list(range(71))


@pytest.mark.parametrize(
    ("cell_size", "columns"), [(50, 4), (49.9375, 4), (49.92, 5), (66.67, 3), (200, 1), (1024, 1), (8, 25)]
)
def test_a_column_belongs_to_the_map_if_more_than_a_quarter_of_a_pixel_does(cell_size: float, columns: int) -> None:
    # 4 x 49.9375 leaves 0.25 of 200 pixels, 4 x 49.92 leaves 0.32.
    assert Grid(SQUARE, cell_size, 200, 200).squares == (range(columns), range(columns))
    assert Grid(HEX_ROWS, cell_size, 200, 200).cells[:, 0].max() == columns - 1


@given(st.integers(0, 511), st.integers(0, 511), st.floats(8, 1024))
def test_the_upper_left_corner_belongs_to_a_square_despite_rounding(column: int, row: int, cell_size: float) -> None:
    grid = Grid(SQUARE, cell_size, 4096, 4096)
    assert grid.cell_at(*grid.pixels(in_cells(column, row))) == (column, row)


@settings(max_examples=50)
@given(st.sampled_from(KINDS), st.floats(8, 64))
def test_neighbors_share_their_corners_exactly(kind: GridKind, cell_size: float) -> None:
    grid = Grid(kind, cell_size, 300, 200)
    assert shapely.coverage_is_valid(grid.polygons)
    corners = shapely.get_coordinates(grid.polygons)
    distinct = np.unique(corners, axis=0)
    assert len(distinct) == len(np.unique(corners.round(6), axis=0))


@pytest.mark.parametrize("kind", KINDS)
def test_fractional_outlines_have_the_cell_size(kind: GridKind) -> None:
    grid = Grid(kind, 57.69, 4096, 4096)
    area = 57.69**2 * (1 if kind == SQUARE else math.sqrt(3) / 2)
    assert shapely.area(grid.polygons) == pytest.approx(np.full(len(grid.polygons), area))
    assert shapely.get_coordinates(shapely.centroid(grid.polygons)) == pytest.approx(grid.centers)
