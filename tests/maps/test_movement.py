"""Movement, the range of spells, and line of sight, with walls in the way. Lengths in comments are in squares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall, WallKind

from image_grpc.maps import reach
from image_grpc.maps.grid import Grid
from tests.maps.builders import (
    CELL,
    CLOSED_DOOR,
    HEX_ROWS,
    KINDS,
    OPEN_DOOR,
    SQUARE,
    WALL,
    WINDOW,
    Pairs,
    box,
    in_pixels,
    pairs,
    sketch,
    squares,
    wall,
)


def grid_of(map_: str) -> Grid:
    rows = map_.split()
    return squares(len(rows[0]), len(rows))


def moved(
    feet: float,
    at: tuple[float, float],
    map_: str,
    walls: Iterable[Wall] = (),
    difficult: Iterable[tuple[int, int]] = (),
) -> list[str]:
    """The sketch of what a move from a point (in squares) reaches, on a map of the size of another sketch."""
    grid = grid_of(map_)
    return sketch(reach.movement(grid, at[0] * CELL, at[1] * CELL, feet, difficult, walls), grid)


def seen(at: tuple[float, float], map_: str, walls: Iterable[Wall] = (), *, feet: float = 0) -> list[str]:
    """The sketch of what is seen from a point (in squares)."""
    grid = grid_of(map_)
    return sketch(reach.line_of_sight(grid, at[0] * CELL, at[1] * CELL, feet, walls), grid)


# Range of spells


def test_a_spell_reaches_centres_in_a_straight_line() -> None:
    # 15 ft are 3 squares: 3, 0 is on the edge, which counts; 2, 2 is sqrt(8) away, 3, 1 is sqrt(10).
    expected = """
    ...#...
    .#####.
    .#####.
    #######
    .#####.
    .#####.
    ...#...
    """
    grid = grid_of(expected)
    assert sketch(reach.spell_range(grid, 35, 35, 15), grid) == expected.split()


# Movement


@pytest.mark.parametrize("feet", [5, 9.5])
def test_a_diagonal_step_costs_5_ft_like_any_other(feet: float) -> None:
    expected = """
    .....
    .###.
    .###.
    .###.
    .....
    """
    assert moved(feet, (2.5, 2.5), expected) == expected.split()


def test_ten_feet_are_two_steps() -> None:
    expected = """
    ###...
    ###...
    ###...
    ......
    """
    assert moved(10, (0.1, 0.9), expected) == expected.split()


def test_less_than_a_step_is_where_one_stands() -> None:
    assert moved(4.9, (1.5, 0.5), "...") == [".#."]


def test_difficult_terrain_costs_double_to_enter() -> None:
    # Into column 1 for 10 ft, on to column 2 for 5.
    assert moved(15, (0.5, 0.5), "......", difficult=[(1, 0)]) == ["###..."]
    assert moved(5, (0.5, 0.5), "......", difficult=[(1, 0)]) == ["#....."]


def test_leaving_difficult_terrain_costs_no_more() -> None:
    assert moved(15, (0.5, 0.5), "......", difficult=[(0, 0)]) == ["####.."]


def test_a_move_goes_around_difficult_terrain_where_that_is_cheaper() -> None:
    # To column 3, straight through column 2, costs 5 + 10 + 5; by the row above it is three steps of 5.
    around = """
    ####.
    ####.
    """
    assert moved(15, (0.5, 1.5), around, difficult=[(2, 1)]) == around.split()
    # With column 2 difficult in both rows, 15 ft end in it.
    through = """
    ###..
    ###..
    """
    assert moved(15, (0.5, 1.5), through, difficult=[(2, 0), (2, 1)]) == through.split()


# A wall between columns 1 and 2, from the top to the corner 2, 2.
HALF_WALL = [wall(2, 0, 2, 2)]


def test_nobody_steps_diagonally_past_the_end_of_a_wall() -> None:
    # From 1.5, 1.5 to 2.5, 2.5 one meets the wall's end.
    expected = """
    ###.
    ###.
    ###.
    ....
    """
    without = [row.replace("###.", "##..") for row in expected.split()]
    assert moved(5, (1.5, 1.5), expected) == expected.split()
    assert moved(5, (1.5, 1.5), expected, HALF_WALL) == without


def test_a_move_goes_around_the_end_of_a_wall() -> None:
    # One step down to row 2, one to the right, below the wall. Column 2 of the rows above is a third step.
    expected = """
    ##..
    ##..
    ###.
    ###.
    """
    assert moved(10, (1.5, 1.5), expected, HALF_WALL) == expected.split()


def test_a_room_without_a_door_is_not_left() -> None:
    expected = """
    .....
    .##..
    .##..
    .....
    """
    assert moved(100, (1.5, 1.5), expected, box(1, 1, 3, 3)) == expected.split()


@pytest.mark.parametrize(
    ("kind", "row"), [(WALL, "##.."), (0, "##.."), (CLOSED_DOOR, "##.."), (WINDOW, "##.."), (OPEN_DOOR, "####")]
)
def test_what_stops_a_move(kind: WallKind, row: str) -> None:
    assert moved(15, (0.5, 0.5), "....", [wall(2, 0, 2, 1, kind)]) == [row]


def test_a_move_from_outside_enters_the_map_and_does_not_leave_it() -> None:
    # From column -1: one step to column 0, two to column 1.
    assert moved(10, (-0.5, 0.5), "....") == ["##.."]
    assert moved(10, (-5, 0.5), "....") == ["...."]


def test_on_hexagons_a_step_leads_to_six_cells() -> None:
    grid = Grid(HEX_ROWS, 20, 200, 200)
    x, y = grid.centre(np.array([[4, 5]]))[0]
    assert pairs(reach.movement(grid, x, y, 5, [], [])) == {(4, 5), *grid.neighbours(4, 5)}


# Line of sight


def test_without_walls_everything_is_seen() -> None:
    assert seen((0.5, 0.5), "....\n....") == ["####", "####"]


def test_sight_has_a_range() -> None:
    # 10 ft: 2, 0 is on the edge, 2, 1 is too far.
    expected = """
    ..#..
    .###.
    #####
    .###.
    ..#..
    """
    assert seen((2.5, 2.5), expected, feet=10) == expected.split()


def a_room(door: WallKind) -> list[Wall]:
    """A room from 1, 1 to 4, 4 with a door in the middle of its right side."""
    return [
        wall(4, 1, 1, 1),
        wall(1, 1, 1, 4),
        wall(1, 4, 4, 4),
        wall(4, 1, 4, 2),
        wall(4, 2, 4, 3, door),
        wall(4, 3, 4, 4),
    ]


@pytest.mark.parametrize("kind", [CLOSED_DOOR, WALL])
def test_a_closed_room_is_all_that_is_seen_from_within(kind: WallKind) -> None:
    expected = """
    .......
    .###...
    .###...
    .###...
    .......
    """
    assert seen((2.5, 2.5), expected, a_room(kind)) == expected.split()


@pytest.mark.parametrize("kind", [OPEN_DOOR, WINDOW])
def test_through_an_open_door_or_a_window_one_sees_as_far_as_its_sides_let_one(kind: WallKind) -> None:
    # The gap is 1.5 to the right, and reaches .5 up and down. A line to the row above leaves the gap's height at
    # 1.5 * 1 / d: in column 5 (d = 3) exactly where the wall ends, which stops it; in column 6 (d = 4) at .375.
    expected = """
    .......
    .###..#
    .######
    .###..#
    .......
    """
    assert seen((2.5, 2.5), expected, a_room(kind)) == expected.split()


def test_a_pillar_throws_a_shadow() -> None:
    # The pillar is the cell 2, 2. From .5, 2.5 a line that rises 1 in d squares is at 1.5 / d at the pillar's
    # front,
    # and its corner is at .5: at d = 3 it is touched, at d = 4 the line meets the front. One that rises 2 passes.
    expected = """
    #####
    ###..
    ##...
    ###..
    #####
    """
    assert seen((0.5, 2.5), expected, box(2, 2, 3, 3)) == expected.split()


def test_a_line_that_only_touches_the_end_of_a_wall_is_stopped() -> None:
    # The diagonal from .5, .5 meets 1, 1, where the wall ends. Other lines pass it on either side.
    expected = """
    ##
    #.
    """
    assert seen((0.5, 0.5), expected, [wall(1, 1, 2, 1)])[1][1] == "."
    assert seen((0.5, 0.5), expected, [wall(1, 1, 1.4, 0.8)])[1][1] == "."
    assert seen((0.5, 0.5), expected, [wall(1.01, 1, 2, 1.01)])[1][1] == "#"


def test_nobody_sees_through_the_corner_where_two_walls_meet() -> None:
    corner = [wall(1, 1, 1, 2), wall(1, 1, 2, 1)]
    expected = """
    ##
    #.
    """
    assert seen((0.5, 0.5), expected, corner) == expected.split()


def test_ones_own_cell_is_always_seen() -> None:
    # A wall between the eye and the centre of its cell.
    assert seen((1.1, 0.5), "...", [wall(1.3, 0, 1.3, 1)]) == ["##."]


def test_on_hexagons_too_ones_own_cell_is_always_seen() -> None:
    # The left half of this cell is off the map.
    grid = Grid(HEX_ROWS, 20, 100, 100)
    x, y = 2.0, float(grid.centre(np.array([[-1, 1]]))[0][1])
    assert pairs(reach.line_of_sight(grid, x, y, 0, box(0, 0, 5, 1))) >= {(-1, 1)}


# What holds for any walls

SIDE = 6
quarters = st.integers(0, 4 * SIDE).map(lambda count: count * CELL / 4)
kinds_of_wall = st.sampled_from([WALL, CLOSED_DOOR, OPEN_DOOR, WINDOW])
walls_anywhere = st.lists(
    st.builds(
        lambda x1, y1, x2, y2, kind: Wall(start=in_pixels(x1, y1), end=in_pixels(x2, y2), kind=kind),
        quarters,
        quarters,
        quarters,
        quarters,
        kinds_of_wall,
    ),
    max_size=8,
)
numbers = st.integers(0, SIDE - 2)
cells_anywhere = st.tuples(numbers, numbers)


def a_grid(kind: GridKind) -> Grid:
    return Grid(kind, CELL, SIDE * CELL, SIDE * CELL)


def reached(
    grid: Grid, cell: tuple[int, int], feet: float, walls: Iterable[Wall], hard: Iterable[tuple[int, int]] = ()
) -> Pairs:
    x, y = grid.centre(np.array([cell]))[0]
    return pairs(reach.movement(grid, x, y, feet, hard, walls))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), cells_anywhere, cells_anywhere, walls_anywhere)
def test_who_is_seen_sees(kind: GridKind, one: tuple[int, int], other: tuple[int, int], walls: list[Wall]) -> None:
    grid = a_grid(kind)
    there, back = (
        pairs(reach.line_of_sight(grid, *grid.centre(np.array([cell]))[0], 0, walls)) for cell in (one, other)
    )
    assert (other in there) == (one in back)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), cells_anywhere, st.integers(1, 30), walls_anywhere)
def test_a_longer_move_reaches_at_least_as_much(
    kind: GridKind, start: tuple[int, int], feet: int, walls: list[Wall]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, walls) <= reached(grid, start, feet + 5, walls)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), cells_anywhere, st.integers(1, 30), walls_anywhere, walls_anywhere)
def test_more_walls_leave_at_most_as_much(
    kind: GridKind, start: tuple[int, int], feet: int, walls: list[Wall], more: list[Wall]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, walls + more) <= reached(grid, start, feet, walls)
    x, y = grid.centre(np.array([start]))[0]
    hidden = reach.line_of_sight(grid, x, y, feet, walls + more)
    assert pairs(hidden) <= pairs(reach.line_of_sight(grid, x, y, feet, walls))


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(KINDS), cells_anywhere, st.integers(1, 30), st.sets(cells_anywhere))
def test_difficult_terrain_is_never_quicker(
    kind: GridKind, start: tuple[int, int], feet: int, hard: set[tuple[int, int]]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, [], hard) <= reached(grid, start, feet, [])


@settings(deadline=None, max_examples=40)
@given(cells_anywhere, st.integers(1, 30))
def test_in_the_open_a_move_is_a_square_of_squares(start: tuple[int, int], feet: int) -> None:
    grid = a_grid(SQUARE)
    column, row = start
    near = {cell for cell in pairs(grid.cells) if max(abs(cell[0] - column), abs(cell[1] - row)) <= feet // 5}
    assert reached(grid, start, feet, []) == near
