"""Cones on squares of 5 ft. Lengths in comments are in squares: the center of a cell is at (.5, .5)."""

from __future__ import annotations

import math

import pytest
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, CellInclusion

from image_grpc.maps.areas import area_of
from tests.maps.areas import ANY_TOUCH, CENTER, CONE, HALF_COVERED, covered
from tests.maps.builders import CELL, squares


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


@pytest.mark.parametrize("degrees", [*range(-360, 361, 15), -91, -89, 89, 91])
def test_the_axis_of_a_cone_has_its_direction(degrees: int) -> None:
    # 15 ft are 3 squares of CELL pixels; the far side is halved by the axis.
    cone = AreaOfEffect(shape=CONE, size_feet=15, direction_degrees=degrees)
    _, one, other, _ = area_of(cone, 50, 40, squares(10, 10)).outline.exterior.coords
    end = (50 + 3 * CELL * math.cos(math.radians(degrees)), 40 + 3 * CELL * math.sin(math.radians(degrees)))
    assert ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2) == pytest.approx(end)
