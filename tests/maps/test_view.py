"""The view of an eye is what straight paths from it reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall, WallDirection, WallRestriction

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Grid
from image_grpc.maps.sight import visible_cells
from image_grpc.maps.view import View
from tests.maps.builders import KINDS, WALL, in_pixels, pairs
from tests.maps.walls import any_walls

SIDE, CELL = 60, 10
anywhere = st.floats(-5, SIDE + 5)
on_a_raster = st.integers(0, 24).map(lambda quarter: quarter * 2.5)
coordinates = anywhere | on_a_raster
restrictions = st.sampled_from([WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_LIMITED])
free_walls = st.lists(
    st.builds(
        lambda x1, y1, x2, y2: Wall(start=in_pixels(x1, y1), end=in_pixels(x2, y2), kind=WALL), *[coordinates] * 4
    ),
    max_size=12,
)


def reached(grid: Grid, x: float, y: float, walls: list[Wall]) -> set[tuple[int, int]]:
    """Return the cells whose centers straight paths reach, each path checked against each wall."""
    ends, limited = Barriers.of(walls, grid, Sense.SIGHT).hiding_from(x, y)
    barriers = Barriers(ends, np.zeros(len(ends), dtype=np.int8), limited)
    starts = np.broadcast_to((x, y), (len(grid.cells), 2))
    open_ = np.delete(np.arange(len(grid.cells)), barriers.blocked(starts, grid.centers))
    return pairs(grid.cells[open_]) | {grid.cell_at(x, y)} & pairs(grid.cells)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(KINDS), coordinates, coordinates, free_walls | any_walls)
def test_the_view_is_what_straight_paths_reach(kind: GridKind, x: float, y: float, walls: list[Wall]) -> None:
    grid = Grid(kind, CELL, SIDE, SIDE)
    assert pairs(visible_cells(grid, x, y, 0, walls)) == reached(grid, x, y, walls)


irregular = st.integers(-500, 7000).map(lambda part: part * 0.00931 + 0.0017)
"""Coordinates at which no path touches the end of a wall exactly; those of eyes and walls share no diagonal."""
irregular_eye_y = irregular.map(lambda y: y + 0.0006)
irregular_walls = st.lists(
    st.builds(lambda x1, y1, x2, y2: Wall(start=in_pixels(x1, y1), end=in_pixels(x2, y2), kind=WALL), *[irregular] * 4),
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(irregular, irregular_eye_y, irregular_walls, st.data())
def test_limited_and_one_way_walls_limit_it_as_they_block_paths(
    x: float, y: float, walls: list[Wall], data: st.DataObject
) -> None:
    for wall in walls:
        wall.restrictions.sight = data.draw(restrictions)
        wall.direction = data.draw(st.sampled_from(WallDirection.values()))
    grid = Grid(GridKind.GRID_KIND_SQUARE, CELL + 0.123, SIDE, SIDE)
    barriers = Barriers.of(walls, grid, Sense.SIGHT)
    starts = np.broadcast_to((x, y), (len(grid.cells), 2))
    on_wall = shapely.dwithin(shapely.linestrings(barriers.ends), shapely.Point(x, y), 1e-3)
    if np.any(on_wall):
        return
    expected = pairs(grid.cells[np.delete(np.arange(len(grid.cells)), barriers.blocked(starts, grid.centers))])
    assert pairs(visible_cells(grid, x, y, 0, walls)) == expected | {grid.cell_at(x, y)} & pairs(grid.cells)


@pytest.mark.parametrize("count", [20, 300])
def test_a_lattice_of_walls_takes_no_memory_for_its_crossings(count: int) -> None:
    grid = Grid(GridKind.GRID_KIND_SQUARE, 20, 400, 400)
    places = np.linspace(1.3, 398.7, count).tolist()
    lattice = [Wall(start=in_pixels(0, y), end=in_pixels(400, y)) for y in places]
    lattice += [Wall(start=in_pixels(x, 0), end=in_pixels(x, 400)) for x in places]
    assert pairs(visible_cells(grid, 203.1, 207.7, 0, lattice)) == reached(grid, 203.1, 207.7, lattice)


def test_an_eye_without_walls_sees_everything() -> None:
    view = View(np.empty((0, 2, 2)), np.empty(0, dtype=bool), (3, 3))
    assert view.sees(np.array([[1.0, 2.0], [500.0, -3.0]])).all()


def a_box(size: float) -> np.ndarray:
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def test_the_visible_area_ends_at_the_walls() -> None:
    divider = np.array([[[50.0, 0.0], [50.0, 40.0]]])
    walls = np.concatenate([a_box(100), divider])
    area = View(walls, np.zeros(len(walls), dtype=bool), (25, 20)).polygon()
    # Behind the divider, everything above the line from the eye through its end, (50, 40), is hidden.
    hidden = shapely.Polygon([(50, 0), (100, 0), (100, 80), (50, 40)])
    assert area.symmetric_difference(shapely.box(0, 0, 100, 100).difference(hidden)).area == pytest.approx(0, abs=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.floats(1, SIDE - 1), st.floats(1, SIDE - 1), free_walls)
def test_the_visible_area_contains_what_the_eye_sees(x: float, y: float, walls: list[Wall]) -> None:
    grid = Grid(GridKind.GRID_KIND_SQUARE, CELL / 3, SIDE, SIDE)
    ends, limited = Barriers.of(walls, grid, Sense.SIGHT).hiding_from(x, y)
    border = a_box(SIDE)
    view = View(np.concatenate([ends, border]), np.concatenate([limited, np.zeros(4, dtype=bool)]), (x, y))
    area = view.polygon()
    inside = shapely.contains(area.buffer(-1e-6), shapely.points(grid.centers))
    outside = ~shapely.intersects(area.buffer(1e-6), shapely.points(grid.centers))
    seen = view.sees(grid.centers)
    assert not np.any(seen & outside)
    # Only what is exactly in the direction of the end of a wall is hidden within the area.
    assert math.isclose(area.area, SIDE**2, rel_tol=1e-6) or np.count_nonzero(inside & ~seen) <= len(grid.centers) / 20
