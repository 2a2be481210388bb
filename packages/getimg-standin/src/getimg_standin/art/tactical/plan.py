"""Floor plans on a grid of squares: rooms, corridors and doors."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from getimg_standin.art.frame import Frame

SQUARE = 1024 / 15
"""Side of a square in units: about 70 pixels at 1K."""

ROCK, ROOM, CORRIDOR = 0, 1, 2

_SMALL_ROOMS = ((4, 4), (4, 3), (3, 4), (3, 3))


@dataclass(frozen=True, slots=True)
class Room:
    """A rectangle of squares."""

    left: int
    top: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """In units."""
        return (self.left + self.width / 2) * SQUARE, (self.top + self.height / 2) * SQUARE

    def touches(self, other: Room, gap: int) -> bool:
        """Return whether fewer than `gap` squares separate the rooms."""
        return (
            self.left < other.left + other.width + gap
            and other.left < self.left + self.width + gap
            and self.top < other.top + other.height + gap
            and other.top < self.top + self.height + gap
        )


@dataclass(frozen=True, slots=True)
class Door:
    """A door on the edge between two squares; x and y of its center in units."""

    x: float
    y: float
    upright: bool
    """Whether its wall runs from top to bottom."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A floor plan; `squares` has the kinds ROCK, ROOM and CORRIDOR, indexed by row and column."""

    squares: NDArray[np.uint8]
    rooms: tuple[Room, ...]
    doors: tuple[Door, ...] = field(default=())
    inner_walls: tuple[tuple[float, float, float, float], ...] = field(default=())
    """Walls between open squares, from (x, y) to (x, y) in units."""

    @property
    def walls(self) -> list[tuple[float, float, float, float]]:
        """Wall segments around the open squares plus inner walls, in units."""
        is_open = np.pad(self.squares > 0, 1)
        pieces = list(self.inner_walls)
        for row, column in zip(*np.nonzero(is_open[1:, :] != is_open[:-1, :]), strict=True):
            x, y = (column - 1) * SQUARE, row * SQUARE
            pieces.append((x, y, x + SQUARE, y))
        for row, column in zip(*np.nonzero(is_open[:, 1:] != is_open[:, :-1]), strict=True):
            x, y = column * SQUARE, (row - 1) * SQUARE
            pieces.append((x, y, x, y + SQUARE))
        return pieces


def grid_size(frame: Frame) -> tuple[int, int]:
    """Return the columns and rows that cover the frame."""
    return ceil(frame.across / SQUARE - 0.01), ceil(frame.down / SQUARE - 0.01)


def rooms_and_corridors(frame: Frame, rng: np.random.Generator) -> Plan:
    """Return random rooms joined by corridors, with loops where possible."""
    columns, rows = grid_size(frame)
    rooms = _scattered_rooms(columns, rows, rng)
    squares = np.zeros((rows, columns), dtype=np.uint8)
    for first, second in _connections(rooms, rng):
        _dig(squares, first, second, rng)
    for room in rooms:
        squares[room.top : room.top + room.height, room.left : room.left + room.width] = ROOM
    return Plan(squares, tuple(rooms), tuple(_doors(squares, rng)))


def one_building(frame: Frame, rng: np.random.Generator) -> Plan:
    """Return a house in the center, divided into rooms by inner walls with doors."""
    columns, rows = grid_size(frame)
    whole = Room(2, 2, columns - 4, rows - 4)
    squares = np.zeros((rows, columns), dtype=np.uint8)
    squares[whole.top : whole.top + whole.height, whole.left : whole.left + whole.width] = ROOM
    rooms: list[Room] = []
    walls: list[tuple[float, float, float, float]] = []
    doors: list[Door] = []
    _divide(whole, rng, rooms, walls, doors, depth=0)
    entrance_x, entrance_y = (whole.left + whole.width // 2 + 0.5) * SQUARE, (whole.top + whole.height) * SQUARE
    doors.append(Door(entrance_x, entrance_y, upright=False))
    rooms.sort(key=lambda room: -room.width * room.height)
    return Plan(squares, tuple(rooms), tuple(doors), tuple(walls))


def _scattered_rooms(columns: int, rows: int, rng: np.random.Generator) -> list[Room]:
    """Return a few large random rooms, then smaller ones in the remaining space."""
    sizes = [*((int(a), int(b)) for a, b in rng.integers(4, 7, (4, 2))), *_SMALL_ROOMS]
    rooms: list[Room] = []
    for width, height in sizes:
        corners = np.argwhere(np.ones((max(0, rows - height - 1), max(0, columns - width - 1)), dtype=bool)) + 1
        limit = len(rooms) + (1 if max(width, height) > 4 else len(corners))
        for top, left in rng.permutation(corners):
            room = Room(int(left), int(top), width, height)
            if len(rooms) < limit and not any(room.touches(other, 1) for other in rooms):
                rooms.append(room)
    return rooms


def _connections(rooms: list[Room], rng: np.random.Generator) -> list[tuple[Room, Room]]:
    """Connect each room with the nearest connected one; add a few pairs for loops."""
    joined, waiting = rooms[:1], rooms[1:]
    pairs: list[tuple[Room, Room]] = []
    while waiting:
        options = [(_distance(near, far), joined.index(near), waiting.index(far)) for near in joined for far in waiting]
        _, near_index, far_index = min(options)
        far = waiting.pop(far_index)
        pairs.append((joined[near_index], far))
        joined.append(far)
    for _ in range(2):
        if len(rooms) > 3:
            first, second = (rooms[int(index)] for index in rng.choice(len(rooms), 2, replace=False))
            if _distance(first, second) < 8 * SQUARE:
                pairs.append((first, second))
    return pairs


def _distance(first: Room, second: Room) -> float:
    (ax, ay), (bx, by) = first.middle, second.middle
    return abs(ax - bx) + abs(ay - by)


def _dig(squares: NDArray[np.uint8], first: Room, second: Room, rng: np.random.Generator) -> None:
    ax, ay = first.left + first.width // 2, first.top + first.height // 2
    bx, by = second.left + second.width // 2, second.top + second.height // 2
    corner_x, corner_y = (ax, by) if rng.random() < 0.5 else (bx, ay)
    for x, y in ((ax, ay), (bx, by)):
        squares[min(y, corner_y) : max(y, corner_y) + 1, corner_x if x != corner_x else x] |= CORRIDOR
        squares[corner_y if y != corner_y else y, min(x, corner_x) : max(x, corner_x) + 1] |= CORRIDOR


def _doors(squares: NDArray[np.uint8], rng: np.random.Generator) -> list[Door]:
    """Return doors at most places where a corridor of one square's width enters a room."""
    rows, columns = squares.shape
    doors: list[Door] = []
    for y in range(1, rows - 1):
        for x in range(1, columns - 1):
            if squares[y, x] != CORRIDOR or rng.random() < 0.15:
                continue
            beside = squares[y, x - 1] == ROCK and squares[y, x + 1] == ROCK
            above = squares[y - 1, x] == ROCK and squares[y + 1, x] == ROCK
            middle_x, middle_y = (x + 0.5) * SQUARE, (y + 0.5) * SQUARE
            if beside and squares[y - 1, x] == ROOM:
                doors.append(Door(middle_x, y * SQUARE, upright=False))
            if beside and squares[y + 1, x] == ROOM:
                doors.append(Door(middle_x, (y + 1) * SQUARE, upright=False))
            if above and squares[y, x - 1] == ROOM:
                doors.append(Door(x * SQUARE, middle_y, upright=True))
            if above and squares[y, x + 1] == ROOM:
                doors.append(Door((x + 1) * SQUARE, middle_y, upright=True))
    return doors


def _divide(
    room: Room,
    rng: np.random.Generator,
    rooms: list[Room],
    walls: list[tuple[float, float, float, float]],
    doors: list[Door],
    *,
    depth: int,
) -> None:
    upright = room.width >= room.height
    side = room.width if upright else room.height
    if side < 6 or depth > 2 or (depth > 1 and rng.random() < 0.4):
        rooms.append(room)
        return
    cut = int(rng.integers(3, side - 2))
    if upright:
        halves = (
            Room(room.left, room.top, cut, room.height),
            Room(room.left + cut, room.top, room.width - cut, room.height),
        )
        x = (room.left + cut) * SQUARE
        walls.append((x, room.top * SQUARE, x, (room.top + room.height) * SQUARE))
        doors.append(Door(x, (room.top + int(rng.integers(0, room.height)) + 0.5) * SQUARE, upright=True))
    else:
        halves = (
            Room(room.left, room.top, room.width, cut),
            Room(room.left, room.top + cut, room.width, room.height - cut),
        )
        y = (room.top + cut) * SQUARE
        walls.append((room.left * SQUARE, y, (room.left + room.width) * SQUARE, y))
        doors.append(Door((room.left + int(rng.integers(0, room.width)) + 0.5) * SQUARE, y, upright=False))
    for half in halves:
        _divide(half, rng, rooms, walls, doors, depth=depth + 1)
