"""Line of sight, blocked by walls. Lengths in comments are in squares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall, WallKind

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import Grid
from image_grpc.maps.sight import visible_cells
from tests.maps.builders import CELL, CLOSED_DOOR, HEX_ROWS, KINDS, OPEN_DOOR, WALL, WINDOW, box, pairs, sketch, wall
from tests.maps.walls import a_grid, any_cell, any_walls, grid_of


def visible(at: tuple[float, float], map_: str, walls: Iterable[Wall] = (), *, feet: float = 0) -> list[str]:
    """Return a sketch of the cells that are visible from a point in squares, on a map as large as `map_`."""
    grid = grid_of(map_)
    return sketch(visible_cells(grid, at[0] * CELL, at[1] * CELL, feet, walls), grid)


def test_without_walls_everything_is_visible() -> None:
    assert visible((0.5, 0.5), "....\n....") == ["####", "####"]


def test_sight_has_a_range() -> None:
    # 10 ft: (2, 0) is on the edge, (2, 1) is too far.
    expected = """
    ..#..
    .###.
    #####
    .###.
    ..#..
    """
    assert visible((2.5, 2.5), expected, feet=10) == expected.split()


def a_room(door: WallKind) -> list[Wall]:
    """Return a room from (1, 1) to (4, 4) with a door in the middle of its right side."""
    return [
        wall(4, 1, 1, 1),
        wall(1, 1, 1, 4),
        wall(1, 4, 4, 4),
        wall(4, 1, 4, 2),
        wall(4, 2, 4, 3, door),
        wall(4, 3, 4, 4),
    ]


@pytest.mark.parametrize("kind", [CLOSED_DOOR, WALL])
def test_nothing_outside_of_a_closed_room_is_visible(kind: WallKind) -> None:
    expected = """
    .......
    .###...
    .###...
    .###...
    .......
    """
    assert visible((2.5, 2.5), expected, a_room(kind)) == expected.split()


@pytest.mark.parametrize("kind", [OPEN_DOOR, WINDOW])
def test_an_open_door_or_a_window_limits_the_angle_of_sight(kind: WallKind) -> None:
    # The gap is 1.5 squares to the right and extends .5 up and down. A line to the row above crosses it at
    # 1.5 / d: for column 5 (d = 3) exactly at the end of the wall, which blocks; for column 6 (d = 4) at .375.
    expected = """
    .......
    .###..#
    .######
    .###..#
    .......
    """
    assert visible((2.5, 2.5), expected, a_room(kind)) == expected.split()


def test_cells_behind_a_pillar_are_hidden() -> None:
    # The pillar is the cell (2, 2). From (.5, 2.5), a line that rises 1 in d squares is at 1.5 / d at the pillar's
    # front, whose corner is at .5: for d = 3 it is touched, for d = 4 the line meets the front. One that rises 2
    # passes.
    expected = """
    #####
    ###..
    ##...
    ###..
    #####
    """
    assert visible((0.5, 2.5), expected, box(2, 2, 3, 3)) == expected.split()


def test_a_line_that_only_touches_the_end_of_a_wall_is_blocked() -> None:
    # The diagonal from (.5, .5) meets the end of the wall at (1, 1).
    expected = """
    ##
    #.
    """
    assert visible((0.5, 0.5), expected, [wall(1, 1, 2, 1)])[1][1] == "."
    assert visible((0.5, 0.5), expected, [wall(1, 1, 1.4, 0.8)])[1][1] == "."
    assert visible((0.5, 0.5), expected, [wall(1.01, 1, 2, 1.01)])[1][1] == "#"


def test_the_corner_where_two_walls_meet_blocks_sight() -> None:
    corner = [wall(1, 1, 1, 2), wall(1, 1, 2, 1)]
    expected = """
    ##
    #.
    """
    assert visible((0.5, 0.5), expected, corner) == expected.split()


def test_ones_own_cell_is_always_visible() -> None:
    # The wall is between the eye and the center of its cell.
    assert visible((1.1, 0.5), "...", [wall(1.3, 0, 1.3, 1)]) == ["##."]


def test_on_hexagons_too_ones_own_cell_is_always_visible() -> None:
    # The left half of this cell is outside of the map.
    grid = Grid(HEX_ROWS, 20, 100, 100)
    x, y = 2.0, float(grid.center(np.array([[-1, 1]]))[0][1])
    assert pairs(visible_cells(grid, x, y, 0, box(0, 0, 5, 1))) >= {(-1, 1)}


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), any_cell, any_cell, any_walls)
def test_sight_is_mutual(kind: GridKind, one: tuple[int, int], other: tuple[int, int], walls: list[Wall]) -> None:
    grid = a_grid(kind)
    eyes = shapely.points(grid.center(np.array([one, other])))
    lines = shapely.multilinestrings(shapely.linestrings(Barriers.of(walls, grid, Sense.SIGHT).ends))
    assume(not np.any(shapely.dwithin(lines, eyes, 1e-3)))  # an eye on a wall sees both sides of it
    there, back = (pairs(visible_cells(grid, *grid.center(np.array([cell]))[0], 0, walls)) for cell in (one, other))
    assert (other in there) == (one in back)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), any_cell, st.integers(1, 30), any_walls, any_walls)
def test_more_walls_never_extend_sight(
    kind: GridKind, cell: tuple[int, int], feet: int, walls: list[Wall], more: list[Wall]
) -> None:
    grid = a_grid(kind)
    x, y = grid.center(np.array([cell]))[0]
    visible_through_more = visible_cells(grid, x, y, feet, walls + more)
    assert pairs(visible_through_more) <= pairs(visible_cells(grid, x, y, feet, walls))


def test_an_eye_on_a_wall_sees_both_sides_as_far_as_other_walls_allow() -> None:
    expected = """
    #########.
    #########.
    #########.
    #########.
    #########.
    """
    assert visible((5, 2.5), expected, [wall(5, 0, 5, 5), wall(9, 0, 9, 5)]) == expected.split()


def test_an_eye_where_two_walls_meet_sees_both_rooms() -> None:
    corner = [wall(0, 2, 2, 2), wall(2, 2, 2, 0)]
    assert visible((2, 2), "....\n....\n....\n....", corner) == ["####"] * 4


def test_walls_that_almost_meet_let_nothing_through() -> None:
    gap = [wall(0, 2, 1.999999999, 2), wall(2.000000001, 2, 4, 2)]
    assert visible((1.9, 1.5), "....\n....\n....\n....", gap) == ["####", "####", "....", "...."]
