"""Cubes and lines on squares of 5 ft. Lengths in comments are in squares: the center of a cell is at (.5, .5)."""

from __future__ import annotations

import math

import pytest
from tabletop.image.v1.overlay_pb2 import CellInclusion

from tests.maps.areas import ANY_TOUCH, CENTER, CUBE, HALF_COVERED, LINE, covered


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


@pytest.mark.parametrize("inclusion", [CENTER, ANY_TOUCH])
def test_a_line_is_5_ft_wide_by_default(inclusion: CellInclusion) -> None:
    # It is exactly as wide as the row.
    expected = """
    ......
    ######
    ......
    ......
    """
    assert covered(LINE, 30, (0, 1.5), expected, inclusion) == expected.split()


def test_a_line_has_the_requested_width() -> None:
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
