"""Movement of creatures of any size, around others, by each rule for diagonal steps."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import GridKind, Wall
from tabletop.image.v1.overlay_pb2 import CreatureSize, DiagonalRule

from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.creatures import space
from image_grpc.maps.grid import Cells, Grid
from tests.maps.areas import GARGANTUAN, HUGE, LARGE, MEDIUM, TINY
from tests.maps.builders import CELL, HEX_COLUMNS, HEX_ROWS, Pairs, pairs, sketch, wall
from tests.maps.walls import any_cell, any_walls, grid_of, reachable_cells

FIVE, FIVE_TEN, EUCLIDEAN = (
    DiagonalRule.DIAGONAL_RULE_FIVE_FIVE_FIVE,
    DiagonalRule.DIAGONAL_RULE_FIVE_TEN_FIVE,
    DiagonalRule.DIAGONAL_RULE_EUCLIDEAN,
)


def moved(feet: float, at: tuple[float, float], map_: str, walls: Iterable[Wall] = (), **mover: Any) -> list[str]:
    """Return a sketch of the cells that a mover at a point in squares can occupy, on a map as large as `map_`."""
    grid = grid_of(map_)
    return sketch(reachable_cells(grid, at[0] * CELL, at[1] * CELL, feet, walls=walls, **mover), grid)


def cells(*each: tuple[int, int]) -> Cells:
    return np.array(each, dtype=np.int64).reshape(-1, 2)


# Size


@pytest.mark.parametrize(
    ("size", "at", "own"),
    [
        (TINY, (2.5, 2.5), {(2, 2)}),
        (MEDIUM, (2.2, 2.9), {(2, 2)}),
        (LARGE, (5, 5), {(4, 4), (5, 4), (4, 5), (5, 5)}),
        (LARGE, (5.3, 4.6), {(4, 4), (5, 4), (4, 5), (5, 5)}),
        (HUGE, (2.5, 2.5), {(column, row) for column in (1, 2, 3) for row in (1, 2, 3)}),
        (GARGANTUAN, (3, 4), {(column, row) for column in (1, 2, 3, 4) for row in (2, 3, 4, 5)}),
    ],
)
def test_the_space_of_a_creature_is_around_its_center(size: CreatureSize, at: tuple[float, float], own: Pairs) -> None:
    grid = grid_of("........\n" * 8)
    assert pairs(space(grid, at[0] * CELL, at[1] * CELL, size)) == own


def test_a_large_creature_covers_all_that_it_can_occupy() -> None:
    expected = """
    ........
    ........
    ........
    ...####.
    ...####.
    ...####.
    ...####.
    ........
    """
    assert moved(5, (5, 5), expected, size=LARGE) == expected.split()


@pytest.mark.parametrize(("gap", "passes"), [(1, False), (2, True)])
def test_a_large_creature_needs_a_gap_of_two_squares(gap: int, passes: bool) -> None:
    walls = [wall(0, 3, 2, 3), wall(2 + gap, 3, 8, 3)]
    rows = moved(60, (3, 1), "........\n" * 6, walls, size=LARGE)
    assert ("#" in rows[4]) is passes
    assert "#" in moved(60, (3.5, 1.5), "........\n" * 6, walls, size=MEDIUM)[4] or gap == 1


def test_no_wall_may_be_within_the_space() -> None:
    # The wall is between the two rows that the creature needs.
    rows = moved(60, (1, 2), "........\n" * 4, [wall(3, 2, 8, 2)], size=LARGE)
    assert [row[4:] for row in rows] == ["####", "####", "####", "####"]  # above and below, but never across
    corridor = [wall(3, 1, 8, 1), wall(3, 2, 8, 2), wall(3, 3, 8, 3)]
    assert [row[4:] for row in moved(60, (1, 2), "........\n" * 4, corridor, size=LARGE)] == [
        "....",
        "....",
        "....",
        "....",
    ]


@pytest.mark.parametrize(("size", "own", "around"), [(MEDIUM, 1, 6), (LARGE, 3, 9), (HUGE, 7, 12)])
@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
def test_on_hexagons_a_step_covers_the_ring_around_the_space(
    kind: GridKind, size: CreatureSize, own: int, around: int
) -> None:
    grid = Grid(kind, 20, 300, 300)
    [x, y] = grid.outlines(cells((6, 6)))[0].exterior.coords[1] if size == LARGE else grid.center(cells((6, 6)))[0]
    assert len(reachable_cells(grid, x, y, 0, size=size)) == own
    assert len(reachable_cells(grid, x, y, 5, size=size)) == own + around


# Diagonals


@pytest.mark.parametrize(
    ("rule", "feet", "steps"),
    [
        (FIVE, 15, 3),
        (FIVE_TEN, 5, 1),
        (FIVE_TEN, 10, 1),
        (FIVE_TEN, 15, 2),
        (FIVE_TEN, 20, 3),
        (FIVE_TEN, 30, 4),
        (EUCLIDEAN, 7, 0),
        (EUCLIDEAN, 7.08, 1),
        (EUCLIDEAN, 15, 2),
    ],
)
def test_the_rule_decides_how_far_diagonal_steps_reach(rule: DiagonalRule, feet: float, steps: int) -> None:
    # A corridor of single squares from the upper left to the lower right: all other squares are obstacles.
    others = cells(*((column, row) for column in range(7) for row in range(7) if column != row))
    rows = moved(feet, (0.5, 0.5), ".......\n" * 7, diagonals=rule, obstacles=others)
    assert [row.index("#") for row in rows if "#" in row] == list(range(steps + 1))


def test_every_second_diagonal_step_costs_10_ft() -> None:
    # 15 ft: the corners of a square of 5 x 5 cost 5 + 10, those of a larger one more.
    expected = """
    ..###..
    .#####.
    #######
    #######
    #######
    .#####.
    ..###..
    """
    assert moved(15, (3.5, 3.5), expected, diagonals=FIVE_TEN) == expected.split()


# Obstacles


def test_nobody_moves_through_an_obstacle() -> None:
    expected = """
    ......
    ###...
    ......
    """
    walls = [wall(0, 1, 6, 1), wall(0, 2, 6, 2)]
    assert moved(60, (0.5, 1.5), expected, walls, obstacles=cells((3, 1))) == expected.split()


def test_a_move_may_pass_a_friend_but_not_stop_there() -> None:
    expected = """
    ......
    ###.##
    ......
    """
    walls = [wall(0, 1, 6, 1), wall(0, 2, 6, 2)]
    assert moved(60, (0.5, 1.5), expected, walls, passable=cells((3, 1))) == expected.split()


def test_where_it_is_a_creature_may_stay() -> None:
    assert moved(0, (1.5, 0.5), "...", obstacles=cells((1, 0)), passable=cells((1, 0))) == [".#."]


# Compared with a search of single steps

sizes = st.sampled_from([MEDIUM, LARGE, HUGE])
rules = st.sampled_from([FIVE, FIVE_TEN, EUCLIDEAN])
SIDE = 7


def search(
    feet: float,
    start: tuple[int, int],
    side: int,
    walls: list[Wall],
    difficult: Pairs,
    obstacles: Pairs,
    rule: DiagonalRule,
) -> Pairs:
    """Return what `reachable_cells` should, for a creature of side x side squares whose upper left one is `start`."""
    grid = Grid(GridKind.GRID_KIND_SQUARE, CELL, SIDE * CELL, SIDE * CELL)
    lines = [shapely.LineString(ends) for ends in Barriers.of(walls, grid, Sense.MOVE).ends]

    def center(cell: tuple[int, int]) -> tuple[float, float]:
        return (cell[0] + 0.5) * CELL, (cell[1] + 0.5) * CELL

    def is_open(one: tuple[int, int], other: tuple[int, int]) -> bool:
        path = shapely.LineString([center(one), center(other)])
        return all(path.distance(line) > 1e-6 for line in lines)

    def occupied(place: tuple[int, int]) -> Pairs:
        return {(place[0] + column, place[1] + row) for column in range(side) for row in range(side)}

    best: dict[tuple[int, int, int], float] = {(*start, 0): 0.0}
    queue = [(0.0, start, 0)]
    while queue:
        cost, place, odd = heapq.heappop(queue)
        if best[(*place, odd)] < cost:
            continue
        for right in (-1, 0, 1):
            for down in (-1, 0, 1):
                target = place[0] + right, place[1] + down
                own = occupied(target)
                if target == place or any(not 0 <= each < SIDE for cell in own for each in cell) or own & obstacles:
                    continue
                factor, parity = 1.0, odd
                if right and down and rule == EUCLIDEAN:
                    factor = math.sqrt(2)
                elif right and down and rule == FIVE_TEN:
                    factor, parity = 1.0 + odd, 1 - odd
                total = round(cost + factor * (2 if own & difficult else 1), 9)
                if total > feet / 5 + 1e-6 or total >= best.get((*target, parity), math.inf):
                    continue
                steps = all(is_open(cell, (cell[0] + right, cell[1] + down)) for cell in occupied(place))
                inside = all(
                    is_open(cell, each)
                    for cell in own
                    for each in ((cell[0] + 1, cell[1]), (cell[0], cell[1] + 1))
                    if each in own
                )
                if steps and inside:
                    best[(*target, parity)] = total
                    heapq.heappush(queue, (total, target, parity))
    return {cell for column, row, _ in best for cell in occupied((column, row))}


@settings(deadline=None, max_examples=60)
@given(
    sizes, rules, any_cell, st.integers(0, 30), any_walls, st.sets(any_cell, max_size=8), st.sets(any_cell, max_size=4)
)
def test_all_and_only_reachable_places_are_found(
    size: CreatureSize,
    rule: DiagonalRule,
    start: tuple[int, int],
    feet: int,
    walls: list[Wall],
    difficult: Pairs,
    obstacles: Pairs,
) -> None:
    side = {MEDIUM: 1, LARGE: 2, HUGE: 3}[size]
    grid = Grid(GridKind.GRID_KIND_SQUARE, CELL, SIDE * CELL, SIDE * CELL)
    x, y = ((each + side / 2) * CELL for each in start)
    reached = reachable_cells(
        grid, x, y, feet, difficult, walls, size=size, diagonals=rule, obstacles=cells(*obstacles)
    )
    on_map = {(column, row) for column, row in search(feet, start, side, walls, difficult, obstacles, rule)}
    assert pairs(reached) == {cell for cell in on_map if max(cell) < SIDE}
