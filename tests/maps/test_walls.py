"""Paths that only touch a wall are blocked, on grids of any cell size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Grid
from tests.maps.builders import KINDS, SQUARE, in_cells, in_pixels, wall

cell_sizes = st.floats(8, 1024)


def blocked(grid: Grid, start: Sequence[float], end: Sequence[float], *walls: Wall) -> bool:
    """Return whether a path between two points in cells is blocked, in both directions."""
    points = [np.array([grid.pixels(in_cells(x, y))]) for x, y in (start, end)]
    lines = Barriers.of(walls, grid, Sense.MOVE)
    there, back = (len(lines.blocked(*path)) for path in (points, points[::-1]))
    assert there == back
    return bool(there)


@given(cell_sizes, st.integers(0, 200), st.integers(0, 200))
def test_the_end_of_a_wall_blocks_a_path_that_touches_it(cell_size: float, column: int, row: int) -> None:
    # The path from (.5, .5) to (2.5, 1.5) touches (1.5, 1); to (3.5, 2.5), it touches (2, 1.5).
    grid = Grid(SQUARE, cell_size, 4096, 4096)
    start = (column + 0.5, row + 0.5)
    for touched, end in (((1.5, 1), (2.5, 1.5)), ((2, 1.5), (3.5, 2.5)), ((1, 1), (1.5, 1.5))):
        x, y = column + touched[0], row + touched[1]
        path = start, (column + end[0], row + end[1])
        assert blocked(grid, *path, wall(x, y, x, y + 5))
        assert blocked(grid, *path, wall(x, y, x + 0.3, y - 0.9))
        assert not blocked(grid, *path, wall(x - 0.01, y + 0.01, x - 0.01, y + 5))


@given(st.sampled_from(KINDS), cell_sizes, st.integers(0, 50), st.integers(0, 50))
def test_a_wall_from_center_to_center_blocks_the_paths_from_its_ends(
    kind: GridKind, cell_size: float, column: int, row: int
) -> None:
    grid = Grid(kind, cell_size, 4096, 4096)
    ends = (column + 0.5, row + 0.5), (column + 3.5, row + 2.5)
    between = wall(*ends[0], *ends[1])
    for end in ends:
        assert blocked(grid, end, (column + 1.5, row + 7.5), between)
    assert blocked(grid, *ends, between)


@pytest.mark.parametrize("path", [((0.5, 0.5), (0.5, 0.5)), ((0.5, 0.5), (1.5, 0.5))])
def test_a_wall_of_one_point_blocks_paths_through_that_point(path: tuple[Sequence[float], Sequence[float]]) -> None:
    grid = Grid(SQUARE, 57.69, 4096, 4096)
    assert blocked(grid, *path, wall(0.5, 0.5, 0.5, 0.5))
    assert not blocked(grid, *path, wall(0.5, 0.6, 0.5, 0.6))


def test_all_blocked_paths_are_returned_in_order() -> None:
    # One path touches the end of the wall, one crosses it, one passes.
    grid = Grid(SQUARE, 10, 100, 100)
    lines = Barriers.of([wall(2, 0, 2, 2)], grid, Sense.SIGHT)
    starts = np.array([[15.0, 15.0], [15.0, 5.0], [15.0, 25.0]])
    assert lines.blocked(starts, starts + 10).tolist() == [0, 1]
    assert lines.blocked(starts[:0], starts[:0]).tolist() == []
    assert Barriers.of([], grid, Sense.SIGHT).blocked(starts, starts).tolist() == []


# Joints


def passes(start: Sequence[float], end: Sequence[float], *walls: Wall) -> bool:
    """Return whether a path between two points in pixels is free, on a map whose cells have 10 pixels."""
    barriers = Barriers.of(walls, Grid(SQUARE, 10, 200, 200), Sense.SIGHT)
    return not len(barriers.blocked(np.array([start], dtype=float), np.array([end], dtype=float)))


@pytest.mark.parametrize(("gap", "meets"), [(0.0, True), (0.5, True), (1.0, True), (1.01, False), (3.0, False)])
def test_ends_within_a_pixel_of_each_other_meet(gap: float, meets: bool) -> None:
    walls = wall(0, 5, 4, 5), wall(4 + gap / 10, 5, 9, 5)
    assert passes((40 + gap / 2, 45), (40 + gap / 2, 55), *walls) is not meets


def test_a_third_end_opens_no_gap_between_two_that_meet() -> None:
    walls = wall(0, 10, 11.09, 10), wall(11.18, 10, 20, 10), wall(11, 6, 11, 10)
    for x in (110.5, 111.0, 111.4, 111.7):
        assert not passes((x, 105), (x, 95), *walls)


def test_a_curve_of_short_walls_lets_nothing_through() -> None:
    points = [(step * 0.05, 2 + (step % 2) * 0.01) for step in range(60)]  # half a pixel apart
    walls = [wall(*start, *end) for start, end in itertools.pairwise(points)]
    for x in np.arange(0.1, 29.4, 0.37):
        assert not passes((x, 10), (x, 30), *walls)
    assert passes((31, 10), (31, 30), *walls)


def test_a_wall_shorter_than_a_pixel_does_not_vanish() -> None:
    assert not passes((20.3, 10), (20.3, 30), wall(2, 2, 2.05, 2))


def test_thousands_of_ends_in_one_pixel_are_joined_by_few_walls() -> None:
    ends = np.random.default_rng(7).uniform(50, 51, (2000, 2, 2))
    walls = [Wall(start=in_pixels(*start), end=in_pixels(*end)) for start, end in ends.tolist()]
    assert len(Barriers.of(walls, Grid(SQUARE, 10, 200, 200), Sense.SIGHT).ends) < 2 * len(walls)
