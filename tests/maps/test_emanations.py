"""Emanations around a creature's space. Lengths in comments are in squares."""

from __future__ import annotations

import numpy as np
import pytest
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, CellInclusion, CreatureSize

from image_grpc.maps.areas import area_of
from image_grpc.maps.grid import Grid
from tests.maps.areas import (
    ANY_TOUCH,
    CENTER,
    EMANATION,
    GARGANTUAN,
    HALF_COVERED,
    HUGE,
    LARGE,
    MEDIUM,
    SMALL,
    TINY,
    covered,
)
from tests.maps.builders import HEX_COLUMNS, HEX_ROWS, pairs


@pytest.mark.parametrize(
    ("size", "at", "expected"),
    [
        # A space of half a square, from 2.25 to 2.75: the centers beside are .75 away, those at the corners
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
        # Centers of the ring around a space of whole squares are .5 away, at its corners .71; those of the
        # next ring are 1.5 away.
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
def test_an_emanation_of_5_ft_surrounds_the_space_of_the_creature(
    size: CreatureSize, at: tuple[float, float], expected: str
) -> None:
    with_space = covered(EMANATION, 5, at, expected, origin_size=size, origin_included=True)
    assert with_space == expected.split()
    # The ring is one square wide.
    without = covered(EMANATION, 5, at, expected, origin_size=size)
    assert "\n".join(without) == "\n".join(outline_of(with_space))


def outline_of(rows: list[str]) -> list[str]:
    """Return a sketch without the cells whose four neighbors are all covered."""
    around = [(-1, 0), (1, 0), (0, -1), (0, 1)]

    def inner(column: int, row: int) -> bool:
        return all(rows[row + y][column + x] == "#" for x, y in around)

    return [
        "".join("." if each == "#" and inner(column, row) else each for column, each in enumerate(line))
        for row, line in enumerate(rows)
    ]


def test_an_emanation_is_round_at_the_corners_of_the_space() -> None:
    # 10 ft around one square: the centers at 2, 2 are 1.5 * sqrt(2) = 2.12 squares from its corner.
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
        # The space is the middle half of a square: its center is in the space, three quarters of it are not.
        (CENTER, "#.#"),
        (ANY_TOUCH, "###"),
        (HALF_COVERED, "###"),
    ],
)
def test_the_rest_of_the_square_of_a_tiny_creature_is_covered(inclusion: CellInclusion, expected: str) -> None:
    rows = covered(EMANATION, 5, (1.5, 1.5), "...\n...\n...", inclusion, origin_size=TINY)
    assert rows[1] == expected


@pytest.mark.parametrize("inclusion", [CENTER, ANY_TOUCH, HALF_COVERED])
def test_the_space_of_the_creature_is_excluded_by_every_rule(inclusion: CellInclusion) -> None:
    rows = covered(EMANATION, 5, (2, 2), "....\n....\n....\n....", inclusion, origin_size=LARGE)
    assert [row[1:3] for row in rows[1:3]] == ["..", ".."]
    assert rows[0][1:3] == rows[3][1:3] == "##"


def test_a_center_on_the_edge_of_the_space_is_covered() -> None:
    # The space goes from 1.5 to 3.5, through the centers of cells; only the center at 2.5, 2.5 is inside.
    expected = """
    .###.
    #####
    ##.##
    #####
    .###.
    """
    assert covered(EMANATION, 5, (2.5, 2.5), expected, origin_size=LARGE) == expected.split()


# Hexagons


@pytest.mark.parametrize("inclusion", [CENTER, ANY_TOUCH, HALF_COVERED])
@pytest.mark.parametrize("kind", [HEX_ROWS, HEX_COLUMNS])
@pytest.mark.parametrize(
    ("size", "own", "around"), [(MEDIUM, 1, 6), (LARGE, 3, 9), (HUGE, 7, 12), (GARGANTUAN, 12, 15)]
)
def test_an_emanation_on_hexagons_is_the_ring_around_the_space(
    kind: GridKind, size: CreatureSize, own: int, around: int, inclusion: CellInclusion
) -> None:
    grid = Grid(kind, 20, 300, 300)
    corner = size in (LARGE, GARGANTUAN)  # the middle of their spaces
    [x, y] = grid.outlines(np.array([[6, 6]]))[0].exterior.coords[1] if corner else grid.center(np.array([[6, 6]]))[0]
    effect = AreaOfEffect(shape=EMANATION, size_feet=5, origin_size=size)
    ring = area_of(effect, x, y, grid).cells(grid, inclusion)
    effect.origin_included = True
    whole = area_of(effect, x, y, grid).cells(grid, inclusion)
    assert (len(whole) - len(ring), len(ring)) == (own, around)
    space = pairs(whole) - pairs(ring)
    assert all(pairs(grid.neighbors_of(np.array([cell]))[0]) & space for cell in ring)


def test_an_emanation_far_from_the_map_covers_nothing() -> None:
    grid = Grid(HEX_ROWS, 20, 300, 300)
    area = area_of(AreaOfEffect(shape=EMANATION, size_feet=5), 9000, 9000, grid)
    assert len(area.cells(grid, CENTER)) == 0
    assert area.outline.is_empty
