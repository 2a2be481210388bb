"""Areas of effect on squares of 5 ft. Lengths in comments are in squares: the centre of a cell is at .5, .5."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.areas import SQUARES, area_of
from image_grpc.maps.grid import Grid
from tests.maps.builders import CELL, HEX_COLUMNS, HEX_ROWS, Pairs, pairs, sketch, squares

SPHERE, CYLINDER, CONE, CUBE, LINE, EMANATION = (
    AreaShape.AREA_SHAPE_SPHERE,
    AreaShape.AREA_SHAPE_CYLINDER,
    AreaShape.AREA_SHAPE_CONE,
    AreaShape.AREA_SHAPE_CUBE,
    AreaShape.AREA_SHAPE_LINE,
    AreaShape.AREA_SHAPE_EMANATION,
)
CENTER, ANY_TOUCH, HALF_COVERED = (
    CellInclusion.CELL_INCLUSION_CENTER,
    CellInclusion.CELL_INCLUSION_ANY_TOUCH,
    CellInclusion.CELL_INCLUSION_HALF_COVERED,
)
TINY, SMALL, MEDIUM, LARGE, HUGE, GARGANTUAN = (
    CreatureSize.CREATURE_SIZE_TINY,
    CreatureSize.CREATURE_SIZE_SMALL,
    CreatureSize.CREATURE_SIZE_MEDIUM,
    CreatureSize.CREATURE_SIZE_LARGE,
    CreatureSize.CREATURE_SIZE_HUGE,
    CreatureSize.CREATURE_SIZE_GARGANTUAN,
)


def covered(
    shape: AreaShape, feet: float, at: tuple[float, float], map_: str, inclusion: Any = CENTER, **how: Any
) -> list[str]:
    """The sketch of what an area at a point (in squares) covers, on a map of the size of another sketch."""
    rows = map_.split()
    grid = squares(len(rows[0]), len(rows))
    effect = AreaOfEffect(shape=shape, size_feet=feet, inclusion=inclusion, **how)
    return sketch(area_of(effect, at[0] * CELL, at[1] * CELL, grid).covers(grid, inclusion), grid)


@pytest.mark.parametrize("shape", [SPHERE, CYLINDER])
@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # Radius 2 about a corner. Centres are .5, 1.5, 2.5 away on each axis: .5, 1.5 is sqrt(2.5) away, which is
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
        # it has
        # all up to sqrt(3), that is more than 0.73.
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
        # Centres are whole squares away. 2, 0 is on the edge, which counts; 2, 1 is sqrt(5) away.
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
def test_a_sphere_of_10_ft_about_the_centre_of_a_cell(inclusion: CellInclusion, expected: str) -> None:
    assert covered(SPHERE, 10, (2.5, 2.5), expected, inclusion) == expected.split()


@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # Length 3 from the left side of the cell in column 1. It is .5 wide at the first centre, 1.5 at the
        # second,
        # 2.5 at the third: there the centres 1 above and below are inside.
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
        # Columns end 1, 2, 3 away, where it is 1, 2, 3 wide. At 1 it meets the cells above and below in a point.
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
        # Of the first cell it has 1 * 1 / 2: exactly half. Above and below, the part between .5 and d / 2 for
        # d from
        # 1 to 2 is .25, and for d from 2 to 3 it is .75.
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
def test_a_cone_of_15_ft_is_as_wide_at_a_point_as_it_is_far_away(inclusion: CellInclusion, expected: str) -> None:
    assert covered(CONE, 15, (1, 2.5), expected, inclusion) == expected.split()


# Centres are .5 off the axis. At .5 the cone reaches .25 from it, at 1.5 .75, at 2.5 1.25.
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
    # The centre .5, 1.5 is on the edge y = 3 x; 2.5, .5 is outside of x = 3 y; 2.5, 2.5 is too far.
    expected = """
    ##..
    ###.
    .#..
    ....
    """
    assert covered(CONE, 15, (0, 0), expected, direction_degrees=45) == expected.split()


def test_a_cubes_origin_is_the_middle_of_a_face() -> None:
    # Side 2, pointing right from 1, 3: from 1, 2 to 3, 4.
    expected = """
    .....
    .....
    .##..
    .##..
    .....
    """
    assert covered(CUBE, 10, (1, 3), expected) == expected.split()


def test_a_cube_that_points_up_stands_on_its_origin() -> None:
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
def test_a_cell_that_a_cubes_edge_halves_counts_by_every_rule(inclusion: CellInclusion) -> None:
    # Side 2, pointing right from 1, 2.5: from 1, 1.5 to 3, 3.5. The rows 1 and 3 are halved, through their
    # centres.
    expected = """
    .....
    .##..
    .##..
    .##..
    .....
    """
    assert covered(CUBE, 10, (1, 2.5), expected, inclusion) == expected.split()


def test_a_line_is_5_ft_wide_unless_it_says_more() -> None:
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
        # From the corner to 4, 4, width 1: |y - x| <= sqrt(2) / 2 = .71. Centres off the diagonal are 1 off.
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
        # The cells beside the diagonal meet it in a corner, around which the line goes. The last cell begins where
        # the line ends.
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
        # than
        # .71 off the diagonal: two triangles with legs of .29, that is .09.
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


@pytest.mark.parametrize(
    ("size", "at", "expected"),
    [
        # A space of half a square, from 2.25 to 2.75: the centres beside are .75 away, those at the corners
        # .75 * sqrt(2) = 1.06.
        (
            TINY,
            (2.5, 2.5),
            """
            .....
            ..#..
            .###.
            ..#..
            .....
            """,
        ),
        # Centres of the ring around a space of whole squares are .5 away, at its corners .71; those of the
        # next are
        # 1.5 away.
        (
            SMALL,
            (2.5, 2.5),
            """
            .....
            .###.
            .###.
            .###.
            .....
            """,
        ),
        (
            MEDIUM,
            (1.5, 1.5),
            """
            ###..
            ###..
            ###..
            .....
            .....
            """,
        ),
        (
            LARGE,
            (3, 3),
            """
            ......
            .####.
            .####.
            .####.
            .####.
            ......
            """,
        ),
        (
            HUGE,
            (3.5, 3.5),
            """
            .......
            .#####.
            .#####.
            .#####.
            .#####.
            .#####.
            .......
            """,
        ),
        (
            GARGANTUAN,
            (4, 4),
            """
            ........
            .######.
            .######.
            .######.
            .######.
            .######.
            .######.
            ........
            """,
        ),
    ],
)
def test_an_emanation_of_5_ft_goes_around_the_creatures_space(
    size: CreatureSize, at: tuple[float, float], expected: str
) -> None:
    with_space = covered(EMANATION, 5, at, expected, origin_size=size, origin_included=True)
    assert with_space == expected.split()
    # The ring is one square wide.
    without = covered(EMANATION, 5, at, expected, origin_size=size)
    assert "\n".join(without) == "\n".join(hollowed(with_space))


def hollowed(rows: list[str]) -> list[str]:
    """A sketch without the cells whose four neighbours are all covered."""
    around = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def inner(column: int, row: int) -> bool:
        return all(rows[row + y][column + x] == "#" for x, y in around)

    return [
        "".join("." if each == "#" and inner(column, row) else each for column, each in enumerate(line))
        for row, line in enumerate(rows)
    ]


def test_an_emanation_is_round_at_the_corners_of_the_space() -> None:
    # 10 ft around one square: the centres at 2, 2 are 1.5 * sqrt(2) = 2.12 squares from its corner.
    expected = """
    .......
    ..###..
    .#####.
    .##.##.
    .#####.
    ..###..
    .......
    """
    assert covered(EMANATION, 10, (3.5, 3.5), expected, origin_size=MEDIUM) == expected.split()


@pytest.mark.parametrize(
    ("inclusion", "expected"),
    [
        # The space is the middle half of a square: its centre is in the space, three quarters of it are not.
        (CENTER, "#.#"),
        (ANY_TOUCH, "###"),
        (HALF_COVERED, "###"),
    ],
)
def test_the_square_of_a_tiny_creature_is_covered_around_it(inclusion: CellInclusion, expected: str) -> None:
    rows = covered(EMANATION, 5, (1.5, 1.5), "...\n...\n...", inclusion, origin_size=TINY)
    assert rows[1] == expected


@pytest.mark.parametrize("inclusion", [CENTER, ANY_TOUCH, HALF_COVERED])
def test_the_space_of_the_creature_is_covered_by_no_rule(inclusion: CellInclusion) -> None:
    rows = covered(EMANATION, 5, (2, 2), "....\n....\n....\n....", inclusion, origin_size=LARGE)
    assert [row[1:3] for row in rows[1:3]] == ["..", ".."]
    assert rows[0][1:3] == rows[3][1:3] == "##"


def test_creatures_take_the_squares_of_their_size() -> None:
    sizes = [TINY, SMALL, MEDIUM, LARGE, HUGE, GARGANTUAN]
    assert [SQUARES[size] for size in sizes] == [0.5, 1, 1, 2, 3, 4]


def test_only_cells_of_the_map_are_covered() -> None:
    expected = """
    ##.
    #..
    """
    # Radius 2 about the upper left corner of the map: a quarter of the circle above.
    assert covered(SPHERE, 10, (0, 0), expected) == expected.split()
    assert covered(SPHERE, 10, (-9, 40), expected) == ["...", "..."]


def test_an_area_without_a_rule_of_inclusion_goes_by_centres() -> None:
    map_ = "........\n" * 8
    assert covered(CONE, 20, (4, 4), map_, inclusion=0) == covered(CONE, 20, (4, 4), map_, inclusion=CENTER)


@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
def test_a_sphere_of_5_ft_covers_a_hexagon_and_its_neighbours(kind: Any) -> None:
    grid = Grid(kind, 20, 200, 200)
    x, y = grid.centre(np.array([[4, 5]]))[0]
    area = area_of(AreaOfEffect(shape=SPHERE, size_feet=5), x, y, grid)
    assert pairs(area.covers(grid, CENTER)) == {(4, 5), *grid.neighbours(4, 5)}


# What holds for any area

SIDE = 16
GRID = squares(SIDE, SIDE)


@dataclass(frozen=True, slots=True)
class Cast:
    """An area on the map of SIDE x SIDE squares, origin in squares."""

    shape: AreaShape
    x: float
    y: float
    feet: float
    degrees: float
    width: float
    size: CreatureSize
    whole: bool

    def covers(self, inclusion: CellInclusion, *, feet: float = 0) -> Pairs:
        effect = AreaOfEffect(
            shape=self.shape,
            size_feet=feet or self.feet,
            direction_degrees=self.degrees,
            width_feet=self.width,
            origin_size=self.size,
            origin_included=self.whole,
        )
        return pairs(area_of(effect, self.x * CELL, self.y * CELL, GRID).covers(GRID, inclusion))

    def turned(self) -> Cast:
        """A quarter clockwise about the middle of the map."""
        return replace(self, x=SIDE - self.y, y=self.x, degrees=(self.degrees + 90) % 360)

    def mirrored(self) -> Cast:
        """Left and right swapped."""
        return replace(self, x=SIDE - self.x, degrees=(180 - self.degrees) % 360)


halves = st.integers(0, 2 * SIDE).map(lambda count: count / 2)
casts = st.builds(
    Cast,
    st.sampled_from([SPHERE, CYLINDER, CONE, CUBE, LINE, EMANATION]),
    halves,
    halves,
    st.sampled_from([5, 7.5, 10, 15, 20, 30, 40]),
    st.integers(0, 359) | st.sampled_from([0, 45, 90, 180, 270]),
    st.sampled_from([0, 5, 10]),
    st.sampled_from([TINY, MEDIUM, LARGE, HUGE, GARGANTUAN]),
    st.booleans(),
)
rules = st.sampled_from([CENTER, ANY_TOUCH, HALF_COVERED])


@settings(deadline=None)
@given(casts, rules)
def test_a_quarter_turn_of_the_map_turns_what_is_covered(cast: Cast, rule: CellInclusion) -> None:
    assert cast.turned().covers(rule) == {(SIDE - 1 - row, column) for column, row in cast.covers(rule)}


@settings(deadline=None)
@given(casts, rules)
def test_a_mirrored_map_mirrors_what_is_covered(cast: Cast, rule: CellInclusion) -> None:
    assert cast.mirrored().covers(rule) == {(SIDE - 1 - column, row) for column, row in cast.covers(rule)}


@settings(deadline=None)
@given(casts, rules, st.sampled_from([1, 2.5, 5, 20]))
def test_a_larger_area_covers_all_that_a_smaller_one_does(cast: Cast, rule: CellInclusion, more: float) -> None:
    assert cast.covers(rule) <= cast.covers(rule, feet=cast.feet + more)


@settings(deadline=None)
@given(casts)
def test_a_cell_that_is_half_covered_is_touched(cast: Cast) -> None:
    assert cast.covers(HALF_COVERED) <= cast.covers(ANY_TOUCH)


@settings(deadline=None)
@given(casts)
def test_a_cell_whose_centre_is_inside_is_touched(cast: Cast) -> None:
    assert cast.covers(CENTER) <= cast.covers(ANY_TOUCH)
