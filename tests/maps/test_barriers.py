"""What walls and doors restrict: by kind, by sense, from one side, or only together."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Door, DoorKind, DoorState, Wall, WallDirection, WallKind, WallRestriction

from image_grpc.maps.barriers import Barriers, Sense, restriction
from image_grpc.maps.sight import visible_cells
from tests.maps.builders import CELL, CLOSED_DOOR, OPEN_DOOR, WALL, WINDOW, pairs, squares, wall
from tests.maps.walls import reachable_cells

NONE, NORMAL, LIMITED = (
    WallRestriction.WALL_RESTRICTION_NONE,
    WallRestriction.WALL_RESTRICTION_NORMAL,
    WallRestriction.WALL_RESTRICTION_LIMITED,
)
LOW_WALL = WallKind.WALL_KIND_LOW_WALL
LEFT, RIGHT = WallDirection.WALL_DIRECTION_LEFT, WallDirection.WALL_DIRECTION_RIGHT
ALL = {"move", "sight", "light", "sound"}


def restricted(wall_: Wall) -> set[str]:
    """Return the senses that a wall restricts."""
    return {sense.value for sense in Sense if restriction(wall_, sense) != NONE}


def a_door(
    kind: DoorKind = DoorKind.DOOR_KIND_UNSPECIFIED, state: DoorState = DoorState.DOOR_STATE_UNSPECIFIED
) -> Wall:
    return Wall(door=Door(kind=kind, state=state))


@pytest.mark.parametrize(
    ("kind", "senses"),
    [
        (WallKind.WALL_KIND_UNSPECIFIED, ALL),
        (WALL, ALL),
        (CLOSED_DOOR, ALL),
        (OPEN_DOOR, set()),
        (WINDOW, {"move", "sound"}),
        (LOW_WALL, {"move"}),
    ],
)
def test_the_kind_of_a_wall_decides_what_it_restricts(kind: WallKind, senses: set[str]) -> None:
    assert restricted(Wall(kind=kind)) == senses


@pytest.mark.parametrize(
    ("kind", "senses"),
    [
        (DoorKind.DOOR_KIND_UNSPECIFIED, ALL),
        (DoorKind.DOOR_KIND_DOOR, ALL),
        (DoorKind.DOOR_KIND_DOUBLE, ALL),
        (DoorKind.DOOR_KIND_SECRET, ALL),
        (DoorKind.DOOR_KIND_PORTCULLIS, {"move"}),
        (DoorKind.DOOR_KIND_CURTAIN, {"sight", "light"}),
    ],
)
def test_the_kind_of_a_door_decides_what_it_restricts_until_it_is_open(kind: DoorKind, senses: set[str]) -> None:
    assert restricted(a_door(kind)) == senses
    assert restricted(a_door(kind, DoorState.DOOR_STATE_CLOSED)) == senses
    assert restricted(a_door(kind, DoorState.DOOR_STATE_LOCKED)) == senses
    assert restricted(a_door(kind, DoorState.DOOR_STATE_OPEN)) == set()


def test_restrictions_of_a_wall_override_those_of_its_kind() -> None:
    magic = Wall(kind=WINDOW, restrictions={"move": NONE, "light": NORMAL})
    assert restricted(magic) == {"light", "sound"}
    open_ = Wall(kind=OPEN_DOOR, restrictions={"move": NORMAL})
    assert restricted(open_) == set()


def blocks(path: tuple[float, float, float, float], *walls: Wall, sense: Sense = Sense.MOVE) -> bool:
    """Return whether walls block a path between two points in cells."""
    grid = squares(10, 10)
    start, end = np.array([path[:2]]) * float(CELL), np.array([path[2:]]) * float(CELL)
    return bool(len(Barriers.of(walls, grid, sense).blocked(start, end)))


# A wall from left to right: its left is above it.


def one_way(direction: WallDirection) -> Wall:
    wall_ = wall(0, 5, 10, 5)
    wall_.direction = direction
    return wall_


def test_a_one_way_wall_restricts_from_one_side_only() -> None:
    down, up = (5.0, 4.0, 5.0, 6.0), (5.0, 6.0, 5.0, 4.0)
    assert (blocks(down, one_way(LEFT)), blocks(up, one_way(LEFT))) == (True, False)
    assert (blocks(down, one_way(RIGHT)), blocks(up, one_way(RIGHT))) == (False, True)
    assert blocks(down, one_way(WallDirection.WALL_DIRECTION_BOTH))
    assert blocks(up, one_way(WallDirection.WALL_DIRECTION_UNSPECIFIED))


coordinates = st.integers(0, 20).map(lambda half: half / 2)


@given(coordinates, coordinates, coordinates, coordinates, coordinates, coordinates, coordinates, coordinates)
def test_two_opposite_one_way_walls_are_one_wall(
    x1: float, y1: float, x2: float, y2: float, a: float, b: float, c: float, d: float
) -> None:
    both, left, right = (wall(x1, y1, x2, y2) for _ in range(3))
    left.direction, right.direction = LEFT, RIGHT
    line, start = shapely.LineString([(x1, y1), (x2, y2)]), shapely.Point(a, b)
    assume(not shapely.dwithin(line, start, 1e-3))  # who is on a one-way wall is on neither side of it
    assert blocks((a, b, c, d), left, right) == blocks((a, b, c, d), both)


def test_who_is_on_a_one_way_wall_can_leave_it() -> None:
    for end in ((5.0, 4.0), (5.0, 6.0)):
        assert not blocks((5.0, 5.0, *end), one_way(LEFT))


def test_a_path_may_pass_one_limited_wall() -> None:
    bushes = [wall(0, y, 10, y) for y in (3, 5)]
    for each in bushes:
        each.restrictions.sight = LIMITED
    assert not blocks((5, 2, 5, 4), *bushes, sense=Sense.SIGHT)
    assert not blocks((5, 4, 5, 6), *bushes, sense=Sense.SIGHT)
    assert blocks((5, 2, 5, 6), *bushes, sense=Sense.SIGHT)
    assert blocks((5, 2, 5, 4), bushes[0], wall(0, 3.5, 10, 3.5), sense=Sense.SIGHT)


def test_for_a_move_limited_is_normal() -> None:
    bush = wall(0, 3, 10, 3)
    bush.restrictions.move = LIMITED
    assert blocks((5, 2, 5, 4), bush)


def test_one_sees_into_bushes_but_not_through() -> None:
    grid = squares(3, 6)
    bushes = [wall(0, y, 3, y) for y in (2, 4)]
    for each in bushes:
        each.restrictions.sight = LIMITED
    seen = visible_cells(grid, 15, 5, 0, [*bushes, wall(0, 5, 3, 5)])
    assert {row for _, row in pairs(seen)} == {0, 1, 2, 3}


def test_sight_and_movement_follow_the_door() -> None:
    grid = squares(5, 2)
    for kind, sees, moves in [
        (DoorKind.DOOR_KIND_PORTCULLIS, True, False),
        (DoorKind.DOOR_KIND_CURTAIN, False, True),
        (DoorKind.DOOR_KIND_SECRET, False, False),
    ]:
        barrier = wall(2, 0, 2, 2, WallKind.WALL_KIND_UNSPECIFIED)
        barrier.door.kind = kind
        assert ((3, 0) in pairs(visible_cells(grid, 5, 5, 0, [barrier]))) is sees
        assert ((3, 0) in pairs(reachable_cells(grid, 5, 5, 60, [], [barrier]))) is moves
        barrier.door.state = DoorState.DOOR_STATE_OPEN
        assert (3, 0) in pairs(visible_cells(grid, 5, 5, 0, [barrier]))
        assert (3, 0) in pairs(reachable_cells(grid, 5, 5, 60, [], [barrier]))
