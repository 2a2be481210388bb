"""Spheres, and what all areas have in common. Comments are in squares: the center of a cell is at (.5, .5)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.areas import SPACE_SQUARES, area_of, sphere
from image_grpc.maps.grid import Grid
from tests.maps.areas import (
    ANY_TOUCH,
    CENTER,
    CONE,
    CYLINDER,
    GARGANTUAN,
    HALF_COVERED,
    HUGE,
    LARGE,
    MEDIUM,
    SMALL,
    SPHERE,
    TINY,
    covered,
)
from tests.maps.builders import HEX_COLUMNS, HEX_ROWS, pairs


@pytest.mark.parametrize("shape", [SPHERE, CYLINDER])
@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # Radius 2 about a corner. Centers are .5, 1.5, 2.5 away on each axis: .5, 1.5 is sqrt(2.5) away, which is
        # inside; 1.5, 1.5 is sqrt(4.5) away, which is not.
        (
            CENTER,
            """
            ......
            ..##..
            .####.
            .####.
            ..##..
            ......
            """,
        ),
        # The cell from 1, 1 to 2, 2 begins sqrt(2) away: touched. Cells that begin 2 away touch the edge only.
        (
            ANY_TOUCH,
            """
            ......
            .####.
            .####.
            .####.
            .####.
            ......
            """,
        ),
        # Of the cell from 1, 1 to 2, 2 the circle has pi / 3 + 1 - sqrt(3) = 0.32; of that from 1, 0 to 2, 1
        # it has all up to sqrt(3), that is more than 0.73.
        (
            HALF_COVERED,
            """
            ......
            ..##..
            .####.
            .####.
            ..##..
            ......
            """,
        ),
    ],
)
def test_a_circle_of_10_ft_about_a_corner(shape: AreaShape, inclusion: CellInclusion, expected: str) -> None:
    assert covered(shape, 10, (3, 3), expected, inclusion) == expected.split()


@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # Centers are whole squares away. 2, 0 is on the edge, which counts; 2, 1 is sqrt(5) away.
        (
            CENTER,
            """
            ..#..
            .###.
            #####
            .###.
            ..#..
            """,
        ),
        # The cell at 2, 1 begins at 1.5, .5, sqrt(2.5) away; that at 2, 2 begins at 1.5, 1.5, sqrt(4.5) away.
        (
            ANY_TOUCH,
            """
            .###.
            #####
            #####
            #####
            .###.
            """,
        ),
        # The cell at 2, 0 goes from 1.5 to 2.5, and the circle to 2 at most: less than half of it.
        (
            HALF_COVERED,
            """
            .....
            .###.
            .###.
            .###.
            .....
            """,
        ),
    ],
)
def test_a_sphere_of_10_ft_about_the_center_of_a_cell(inclusion: CellInclusion, expected: str) -> None:
    assert covered(SPHERE, 10, (2.5, 2.5), expected, inclusion) == expected.split()


def test_squares_along_a_side_of_a_creatures_space() -> None:
    sizes = [CreatureSize.CREATURE_SIZE_UNSPECIFIED, TINY, SMALL, MEDIUM, LARGE, HUGE, GARGANTUAN]
    assert [SPACE_SQUARES[size] for size in sizes] == [1, 0.5, 1, 1, 2, 3, 4]


def test_the_outline_of_a_circle_has_256_corners() -> None:
    corners = shapely.get_coordinates(sphere(50, 40, 10).outline)[:-1]
    assert len(corners) == 256
    assert np.hypot(*(corners - (50, 40)).T) == pytest.approx(np.full(256, 10))


def test_only_cells_of_the_map_are_covered() -> None:
    expected = """
    ##.
    #..
    """
    # Radius 2 about the upper left corner of the map: a quarter of the circle above.
    assert covered(SPHERE, 10, (0, 0), expected) == expected.split()
    assert covered(SPHERE, 10, (-9, 40), expected) == ["...", "..."]


def test_the_default_rule_is_by_centers() -> None:
    map_ = "........\n" * 8
    assert covered(CONE, 20, (4, 4), map_, inclusion=0) == covered(CONE, 20, (4, 4), map_, inclusion=CENTER)


@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
def test_a_sphere_of_5_ft_covers_a_hexagon_and_its_neighbors(kind: Any) -> None:
    grid = Grid(kind, 20, 200, 200)
    x, y = grid.center(np.array([[4, 5]]))[0]
    area = area_of(AreaOfEffect(shape=SPHERE, size_feet=5), x, y, grid)
    assert pairs(area.cells(grid, CENTER)) == {(4, 5), *pairs(grid.neighbors_of(np.array([[4, 5]]))[0])}
