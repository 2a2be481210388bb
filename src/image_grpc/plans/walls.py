"""Walls along the borders of areas of cells."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Door, DoorKind, DoorState, Wall, WallKind

from image_grpc.plans.objects import at

Regions = NDArray[np.int64]
"""The area that each cell belongs to, of shape (rows, columns); SOLID for rock."""
SOLID = 0


class Edge(NamedTuple):
    """A side of a cell: the left one if it is vertical, otherwise the upper one."""

    column: int
    row: int
    is_vertical: bool

    @staticmethod
    def between(cell: tuple[int, int], neighbor: tuple[int, int]) -> "Edge":
        """Return the side that two neighbors share."""
        return Edge(max(cell[0], neighbor[0]), max(cell[1], neighbor[1]), cell[1] == neighbor[1])

    @property
    def sides(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The cells on both sides."""
        other = (self.column - 1, self.row) if self.is_vertical else (self.column, self.row - 1)
        return other, (self.column, self.row)

    def wall(self, id_: str, kind: WallKind = WallKind.WALL_KIND_WALL) -> Wall:
        """Return a wall on this side."""
        column, row = self.column, self.row
        end = at(column, row + 1) if self.is_vertical else at(column + 1, row)
        return Wall(id=id_, start=at(column, row), end=end, kind=kind)

    def door(self, id_: str, kind: DoorKind, state: DoorState = DoorState.DOOR_STATE_CLOSED) -> Wall:
        """Return a door on this side."""
        door = self.wall(id_, WallKind.WALL_KIND_CLOSED_DOOR)
        door.door.CopyFrom(Door(kind=kind, state=state))
        return door


def border_walls(regions: Regions, openings: Collection[Edge], *, outside: int | None = SOLID) -> list[Wall]:
    """Return walls between cells of different regions, as long as possible, without those on `openings`.

    `outside` is the region around the plan; with None, nothing separates the plan from it.
    """
    vertical = _borders(regions, outside)
    horizontal = _borders(regions.T, outside).T
    for edge in openings:
        (vertical if edge.is_vertical else horizontal)[edge.row, edge.column] = False
    lines = [(x, first, x, last) for x, first, last in _runs(vertical.T)]
    lines += [(first, y, last, y) for y, first, last in _runs(horizontal)]
    return [
        Wall(id=f"w{number}", start=at(*line[:2]), end=at(*line[2:]), kind=WallKind.WALL_KIND_WALL)
        for number, line in enumerate(lines, start=1)
    ]


def _borders(regions: Regions, outside: int | None) -> NDArray[np.bool_]:
    """Return which vertical sides have different regions on both sides, of shape (rows, columns + 1)."""
    if outside is None:
        padded = np.pad(regions, ((0, 0), (1, 1)), mode="edge")
    else:
        padded = np.pad(regions, ((0, 0), (1, 1)), constant_values=outside)
    return np.asarray(padded[:, 1:] != padded[:, :-1])


def _runs(lines: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Return the runs of True in each line as its index, the first position, and the one after the last."""
    changes = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(changes == 1).tolist(), np.argwhere(changes == -1).tolist()
    return [(line, first, last) for (line, first), (_, last) in zip(starts, ends, strict=True)]
