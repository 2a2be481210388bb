"""Areas of effect on squares of 5 ft. Lengths in comments are in squares: the center of a cell is at (.5, .5)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion

from image_grpc.maps.areas import SPACE_SQUARES, area_of
from image_grpc.maps.grid import Grid
from tests.maps.areas import (
    ANY_TOUCH,
    CENTER,
    CONE,
    CUBE,
    CYLINDER,
    GARGANTUAN,
    HALF_COVERED,
    HUGE,
    LARGE,
    LINE,
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


@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # Length 3 from the left side of the cell in column 1. It is .5 wide at the first center, 1.5 at the
        # second, 2.5 at the third: there the centers 1 above and below are inside.
        (
            CENTER,
            """
            ......
            ...#..
            .###..
            ...#..
            ......
            """,
        ),
        # Columns end 1, 2, 3 away, where it is 1, 2, 3 wide. At 1 it only touches corners of the
        # cells above and below.
        (
            ANY_TOUCH,
            """
            ......
            ..##..
            .###..
            ..##..
            ......
            """,
        ),
        # Of the first cell it has 1 * 1 / 2: exactly half. Above and below, the part between .5 and d / 2 for d
        # from 1 to 2 is .25, and for d from 2 to 3 it is .75.
        (
            HALF_COVERED,
            """
            ......
            ...#..
            .###..
            ...#..
            ......
            """,
        ),
    ],
)
def test_the_width_of_a_cone_equals_the_distance_from_its_origin(inclusion: CellInclusion, expected: str) -> None:
    assert covered(CONE, 15, (1, 2.5), expected, inclusion) == expected.split()


# Centers are .5 off the axis. At .5 the cone reaches .25 from it, at 1.5 .75, at 2.5 1.25.
DOWN = """
    ......
    ......
    ..##..
    ..##..
    """
UP = """
    ..##..
    ..##..
    ......
    ......
    """
LEFT = """
    ......
    .##...
    .##...
    ......
    """


@pytest.mark.parametrize(
    ("degrees", "at", "expected"),
    [(90, (3, 1), DOWN), (-90, (3, 3), UP), (270, (3, 3), UP), (180, (4, 2), LEFT), (-180, (4, 2), LEFT)],
)
def test_directions_are_clockwise_from_right(degrees: float, at: tuple[float, float], expected: str) -> None:
    assert covered(CONE, 15, at, expected, direction_degrees=degrees) == expected.split()


def test_a_diagonal_cone() -> None:
    # Along the diagonal: as wide as far means y <= 3 x and x <= 3 y, and length 3 means x + y <= 3 * sqrt(2) =
    # 4.24.
    # The center .5, 1.5 is on the edge y = 3 x; 2.5, .5 is outside of x = 3 y; 2.5, 2.5 is too far.
    expected = """
    ##..
    ###.
    .#..
    ....
    """
    assert covered(CONE, 15, (0, 0), expected, direction_degrees=45) == expected.split()


def test_the_origin_of_a_cube_is_the_center_of_a_face() -> None:
    # Side 2, pointing right from 1, 3: from 1, 2 to 3, 4.
    expected = """
    .....
    .....
    .##..
    .##..
    .....
    """
    assert covered(CUBE, 10, (1, 3), expected) == expected.split()


def test_a_cube_that_points_up_extends_above_its_origin() -> None:
    # Side 3, up from 2.5, 4: from 1, 1 to 4, 4.
    expected = """
    .....
    .###.
    .###.
    .###.
    .....
    """
    assert covered(CUBE, 15, (2.5, 4), expected, direction_degrees=270) == expected.split()


@pytest.mark.parametrize("inclusion", [CENTER, ANY_TOUCH, HALF_COVERED])
def test_a_cell_halved_by_the_edge_of_a_cube_is_covered_by_every_rule(inclusion: CellInclusion) -> None:
    # Side 2, pointing right from 1, 2.5: from 1, 1.5 to 3, 3.5. The rows 1 and 3 are halved, through their
    # centers.
    expected = """
    .....
    .##..
    .##..
    .##..
    .....
    """
    assert covered(CUBE, 10, (1, 2.5), expected, inclusion) == expected.split()


def test_a_line_is_5_ft_wide_by_default() -> None:
    narrow = """
    ......
    ######
    ......
    ......
    """
    assert covered(LINE, 30, (0, 1.5), narrow) == narrow.split()
    # Length 4 and width 2 from 1, 2: from 1, 1 to 5, 3.
    wide = """
    ......
    .####.
    .####.
    ......
    """
    assert covered(LINE, 20, (1, 2), wide, width_feet=10) == wide.split()


@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # From the corner to 4, 4, width 1: |y - x| <= sqrt(2) / 2 = .71. Centers off the diagonal are 1 off.
        (
            CENTER,
            """
            #....
            .#...
            ..#..
            ...#.
            .....
            """,
        ),
        # The corners of the cells beside the diagonal are inside of the line. The last cell begins where the line
        # ends.
        (
            ANY_TOUCH,
            """
            ##...
            ###..
            .###.
            ..###
            ...#.
            """,
        ),
        # Those beside have the corner triangle with legs of .71: a quarter. The first has all but what is more
        # than .71 off the diagonal: two triangles with legs of .29, that is .09.
        (
            HALF_COVERED,
            """
            #....
            .#...
            ..#..
            ...#.
            .....
            """,
        ),
    ],
)
def test_a_diagonal_line(inclusion: CellInclusion, expected: str) -> None:
    length = 20 * math.sqrt(2)
    assert covered(LINE, length, (0, 0), expected, inclusion, direction_degrees=45) == expected.split()


def test_squares_along_a_side_of_a_creatures_space() -> None:
    sizes = [TINY, SMALL, MEDIUM, LARGE, HUGE, GARGANTUAN]
    assert [SPACE_SQUARES[size] for size in sizes] == [0.5, 1, 1, 2, 3, 4]


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
    assert pairs(area.cells(grid, CENTER)) == {(4, 5), *grid.neighbors(4, 5)}
