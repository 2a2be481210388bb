"""Movement, around walls and through difficult terrain. Lengths in comments are in squares."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall, WallKind

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
    pairs,
    sketch,
    wall,
)
from tests.maps.walls import a_grid, any_cell, any_walls, grid_of, reachable_cells


def moved(
    feet: float,
    at: tuple[float, float],
    map_: str,
    walls: Iterable[Wall] = (),
    difficult: Iterable[tuple[int, int]] = (),
) -> list[str]:
    """Return a sketch of the cells that a move from a point in squares reaches, on a map as large as `map_`."""
    grid = grid_of(map_)
    return sketch(reachable_cells(grid, at[0] * CELL, at[1] * CELL, feet, difficult, walls), grid)


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


def test_a_move_shorter_than_a_step_stays_in_its_cell() -> None:
    assert moved(4.9, (1.5, 0.5), "...") == [".#."]


def test_difficult_terrain_costs_double_to_enter() -> None:
    # Entering column 1 costs 10 ft, column 2 another 5 ft.
    assert moved(15, (0.5, 0.5), "......", difficult=[(1, 0)]) == ["###..."]
    assert moved(5, (0.5, 0.5), "......", difficult=[(1, 0)]) == ["#....."]


def test_leaving_difficult_terrain_costs_no_more() -> None:
    assert moved(15, (0.5, 0.5), "......", difficult=[(0, 0)]) == ["####.."]


def test_a_move_goes_around_difficult_terrain_where_that_is_cheaper() -> None:
    # Straight through column 2 to column 3 costs 5 + 10 + 5 ft, through the row above three steps of 5 ft.
    around = """
    ####.
    ####.
    """
    assert moved(15, (0.5, 1.5), around, difficult=[(2, 1)]) == around.split()
    # With column 2 difficult in both rows, a move of 15 ft ends there.
    through = """
    ###..
    ###..
    """
    assert moved(15, (0.5, 1.5), through, difficult=[(2, 0), (2, 1)]) == through.split()


HALF_WALL = [wall(2, 0, 2, 2)]
"""Wall between columns 1 and 2, from the top to the corner (2, 2)."""


def test_a_diagonal_step_past_the_end_of_a_wall_is_blocked() -> None:
    # The step from (1.5, 1.5) to (2.5, 2.5) touches the end of the wall.
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
    # One step down to row 2, one to the right below the wall. Column 2 of the upper rows takes a third step.
    expected = """
    ##..
    ##..
    ###.
    ###.
    """
    assert moved(10, (1.5, 1.5), expected, HALF_WALL) == expected.split()


def test_a_move_does_not_leave_a_closed_room() -> None:
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
def test_all_walls_but_open_doors_block_movement(kind: WallKind, row: str) -> None:
    assert moved(15, (0.5, 0.5), "....", [wall(2, 0, 2, 1, kind)]) == [row]


def test_a_move_may_start_outside_of_the_map_but_does_not_leave_it() -> None:
    # From column -1, it is one step to column 0 and two steps to column 1.
    assert moved(10, (-0.5, 0.5), "....") == ["##.."]
    assert moved(10, (-5, 0.5), "....") == ["...."]


def test_on_hexagons_a_step_leads_to_six_cells() -> None:
    grid = Grid(HEX_ROWS, 20, 200, 200)
    x, y = grid.center(np.array([[4, 5]]))[0]
    assert pairs(reachable_cells(grid, x, y, 5, [], [])) == {(4, 5), *pairs(grid.neighbors_of(np.array([[4, 5]]))[0])}


def reached(
    grid: Grid, cell: tuple[int, int], feet: float, walls: Iterable[Wall], difficult: Iterable[tuple[int, int]] = ()
) -> Pairs:
    x, y = grid.center(np.array([cell]))[0]
    return pairs(reachable_cells(grid, x, y, feet, difficult, walls))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), any_cell, st.integers(1, 30), any_walls)
def test_a_longer_move_reaches_at_least_as_much(
    kind: GridKind, start: tuple[int, int], feet: int, walls: list[Wall]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, walls) <= reached(grid, start, feet + 5, walls)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), any_cell, st.integers(1, 30), any_walls, any_walls)
def test_more_walls_never_extend_a_move(
    kind: GridKind, start: tuple[int, int], feet: int, walls: list[Wall], more: list[Wall]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, walls + more) <= reached(grid, start, feet, walls)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(KINDS), any_cell, st.integers(1, 30), st.sets(any_cell))
def test_difficult_terrain_never_extends_a_move(
    kind: GridKind, start: tuple[int, int], feet: int, difficult: set[tuple[int, int]]
) -> None:
    grid = a_grid(kind)
    assert reached(grid, start, feet, [], difficult) <= reached(grid, start, feet, [])


@settings(deadline=None, max_examples=40)
@given(any_cell, st.integers(1, 30))
def test_without_walls_a_move_covers_a_square(start: tuple[int, int], feet: int) -> None:
    grid = a_grid(SQUARE)
    column, row = start
    near = {cell for cell in pairs(grid.cells) if max(abs(cell[0] - column), abs(cell[1] - row)) <= feet // 5}
    assert reached(grid, start, feet, []) == near


def test_reachable_cells_are_ordered_row_by_row() -> None:
    cells = reachable_cells(a_grid(SQUARE), 2.5 * CELL, 2.5 * CELL, 10, [], []).tolist()
    assert cells == sorted(cells, key=lambda cell: (cell[1], cell[0]))
    assert cells[1] == [1, 0]


def test_a_move_over_the_whole_finest_grid_stops_at_the_limit() -> None:
    grid = Grid(SQUARE, 8, 4096, 4096)
    assert 1000 < len(reachable_cells(grid, 2048, 2048, 5000, [], [], limit=1000)) < 2000


def test_a_move_that_starts_far_from_the_map_reaches_nothing() -> None:
    assert len(reachable_cells(a_grid(SQUARE), -1e6, 1e6, 5000, [], [])) == 0
