"""Walls in pixels, and the straight paths that they block.

The end points belong to a wall, so a path that only touches one is blocked: nothing passes through the corner
where two walls meet.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from tabletop.image.v1.map_pb2 import DoorKind, DoorState, MapProperties, Wall, WallDirection, WallKind, WallRestriction

from image_grpc.maps.grid import TOUCH, Grid, Points, Shapes

JOINT = 1.0
"""Distance in pixels up to which the ends of walls meet."""
MAX_CLOSE, HEAP_PARTS = 50_000, 4
"""Pairs of ends in the same pixel from which on these are rounded, and to which part of a pixel."""
MAX_LIMITED = 1
"""Limited walls that a path may pass."""


class Sense(StrEnum):
    """What a wall may restrict, by the fields of WallRestrictions."""

    MOVE = "move"
    SIGHT = "sight"
    LIGHT = "light"
    SOUND = "sound"


_ALL = frozenset(Sense)
_OF_KIND = {
    WallKind.WALL_KIND_WINDOW: frozenset({Sense.MOVE, Sense.SOUND}),
    WallKind.WALL_KIND_LOW_WALL: frozenset({Sense.MOVE}),
}
_OF_DOOR = {
    DoorKind.DOOR_KIND_PORTCULLIS: frozenset({Sense.MOVE}),
    DoorKind.DOOR_KIND_CURTAIN: frozenset({Sense.SIGHT, Sense.LIGHT}),
}
_SIDES = {WallDirection.WALL_DIRECTION_LEFT: -1, WallDirection.WALL_DIRECTION_RIGHT: 1}


def is_open(wall: Wall) -> bool:
    """Whether a wall is an open door. The state of the door counts more than the kind of the wall."""
    state = wall.door.state
    return state == DoorState.DOOR_STATE_OPEN or (not state and wall.kind == WallKind.WALL_KIND_OPEN_DOOR)


def restriction(wall: Wall, sense: Sense) -> WallRestriction:
    """Return how much a wall restricts a sense."""
    if is_open(wall):
        return _NONE
    explicit: WallRestriction = getattr(wall.restrictions, sense)
    if explicit:
        return explicit
    restricted = _OF_DOOR.get(wall.door.kind) or _OF_KIND.get(wall.kind, _ALL)
    return _NORMAL if sense in restricted else _NONE


def _restrictions(walls: Iterable[Wall], sense: Sense) -> Iterator[tuple[Wall, WallRestriction]]:
    """Yield the walls that restrict a sense, and how much."""
    # Most of thousands of walls have nothing but a kind.
    by_kind = {kind: restriction(Wall(kind=name), sense) for name, kind in WallKind.items()}
    for wall in walls:
        is_usual = not wall.HasField("door") and not wall.HasField("restrictions")
        value = by_kind[wall.kind] if is_usual else restriction(wall, sense)
        if value == _LIMITED and sense == Sense.MOVE:
            value = _NORMAL  # a move passes walls one step at a time
        if value != _NONE:
            yield wall, value


_NORMAL, _NONE = WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_NONE
_LIMITED = WallRestriction.WALL_RESTRICTION_LIMITED


class Barriers:
    """The walls that restrict a sense."""

    def __init__(self, ends: Points, sides: NDArray[np.int8], limited: NDArray[np.bool_]) -> None:
        """`ends` has shape (n, 2, 2). A side is -1 for a wall that restricts from the left only, 1 from the right."""
        self._ends, self._sides, self._limited = ends, sides, limited
        self._lines = _segments(ends)
        self._tree = STRtree(self._lines)
        self._is_plain = not (np.any(sides) or np.any(limited))

    @staticmethod
    def of(walls: Iterable[Wall], grid: Grid, sense: Sense) -> "Barriers":
        """Return the walls that restrict a sense. Ends within a pixel of each other meet."""
        return _shared_barriers(MapProperties(walls=walls).SerializeToString(), grid, sense)

    @property
    def ends(self) -> Points:
        """The ends of the walls in pixels, of shape (n, 2, 2)."""
        return self._ends

    def hiding_from(self, x: float, y: float) -> tuple[Points, NDArray[np.bool_]]:
        """Return the ends of the walls that hide something from an eye, and which of these walls are limited.

        An eye sees both sides of a wall that it is on, and through walls that restrict from their other side only.
        """
        along, to_eye = self._ends[:, 1] - self._ends[:, 0], (x, y) - self._ends[:, 0]
        side = along[:, 0] * to_eye[:, 1] - along[:, 1] * to_eye[:, 0]
        hides = (shapely.distance(self._lines, shapely.Point(x, y)) > TOUCH) & (side * self._sides >= 0)
        return self._ends[hides], self._limited[hides]

    def blocked(self, starts: Points, ends: Points) -> NDArray[np.int64]:
        """Return the indices of the straight paths from `starts` to `ends` that are blocked."""
        if not len(self._tree) or not len(starts):
            return np.array([], dtype=np.int64)
        paths = _segments(np.stack([starts, ends], axis=1))
        if not self._is_plain:
            return self._blocked_by_kind(paths, starts)
        crossing = np.unique(self._tree.query(paths, predicate="intersects")[0])
        # Rounding of fractional pixels must not open a gap at the end of a wall. This predicate is slower.
        others = np.setdiff1d(np.arange(len(paths)), crossing)
        touching, _ = self._tree.query(paths[others], predicate="dwithin", distance=TOUCH)
        return np.union1d(crossing, others[touching])

    def _blocked_by_kind(self, paths: Shapes, starts: Points) -> NDArray[np.int64]:
        path, wall = self._tree.query(paths, predicate="dwithin", distance=TOUCH)
        along = self._ends[wall, 1] - self._ends[wall, 0]
        to_start = starts[path] - self._ends[wall, 0]
        # Negative on the left: the y axis points down.
        side = along[:, 0] * to_start[:, 1] - along[:, 1] * to_start[:, 0]
        restricts = side * self._sides[wall] >= 0
        # Who is on a one-way wall is on neither of its sides.
        restricts[self._sides[wall] != 0] &= ~_are_on(self._lines[wall], starts[path])[self._sides[wall] != 0]
        path, limited = path[restricts], self._limited[wall[restricts]]
        passed = np.bincount(path[limited], minlength=len(paths))
        return np.union1d(path[~limited], np.flatnonzero(passed > MAX_LIMITED))


@lru_cache(16)
def _shared_barriers(properties: bytes, grid: Grid, sense: Sense) -> Barriers:
    """Return the walls of MapProperties that restrict a sense: the same for the elements and the readers of one map."""
    kept = list(_restrictions(MapProperties.FromString(properties).walls, sense))
    lines = wall_ends((wall for wall, _ in kept), grid)
    is_point = np.hypot(*(lines[:, 1] - lines[:, 0]).T) <= TOUCH
    lines[is_point, 1] = lines[is_point, 0]
    between = joints(lines)
    sides = [_SIDES.get(wall.direction, 0) for wall, _ in kept]
    limited = [value == WallRestriction.WALL_RESTRICTION_LIMITED for _, value in kept]
    # Where limited walls meet, nothing else is.
    between_are_limited = bool(limited) and all(limited)
    return Barriers(
        np.concatenate([lines, between]),
        np.array([*sides, *([0] * len(between))], dtype=np.int8),
        np.array([*limited, *([between_are_limited] * len(between))], dtype=bool),
    )


def wall_ends(walls: Iterable[Wall], grid: Grid) -> Points:
    """Return the ends of walls in pixels, of shape (n, 2, 2)."""
    return grid.points(end for wall in walls for end in (wall.start, wall.end)).reshape(-1, 2, 2)


def _are_on(lines: Shapes, points: Points) -> NDArray[np.bool_]:
    return np.asarray(shapely.dwithin(lines, shapely.points(points), TOUCH))


def _segments(ends: Points) -> Shapes:
    """Return lines, or points where both ends are the same: shapely does not handle such lines."""
    is_point = np.all(ends[:, 0] == ends[:, 1], axis=1)
    segments: Shapes = np.asarray(shapely.linestrings(ends), dtype=object)
    segments[is_point] = shapely.points(ends[is_point, 0])
    return segments


def joints(ends: Points) -> Points:
    """Return short walls, of shape (n, 2, 2), between the ends of walls that are within JOINT of each other.

    They are no more than the ends: through others, all ends that meet are connected.
    """
    points = np.unique(_as_complex(ends.reshape(-1, 2)))
    if _count_close(points) > MAX_CLOSE:  # a heap of ends, no drawing: those within a part of a pixel count as one
        points = np.unique(np.round(points * HEAP_PARTS) / HEAP_PARTS)
    distinct = points.view(np.float64).reshape(-1, 2)
    shapes: Shapes = np.asarray(shapely.points(distinct))
    one, other = STRtree(shapes).query(shapes, predicate="dwithin", distance=JOINT)
    lengths = np.hypot(*(distinct[one] - distinct[other]).T)
    kept = (one < other) & (lengths > TOUCH)
    one, other, lengths = one[kept], other[kept], lengths[kept]
    order = np.argsort(lengths, kind="stable")
    parents = list(range(len(distinct)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    chosen = []
    for index in order.tolist():
        first, second = root(one[index]), root(other[index])
        if first != second:
            parents[second] = first
            chosen.append(index)
    return np.stack([distinct[one[chosen]], distinct[other[chosen]]], axis=1)


def _as_complex(points: Points) -> NDArray[np.complex128]:
    """Return points as complex numbers, which numpy sorts ten times as fast."""
    return np.ascontiguousarray(points).view(np.complex128).reshape(-1)


def _count_close(points: NDArray[np.complex128]) -> int:
    """Return about how many pairs of points are within JOINT of each other."""
    cells = np.floor(points.real / JOINT) + 1j * np.floor(points.imag / JOINT)
    _, counts = np.unique(cells, return_counts=True)
    return int(np.sum(counts.astype(np.int64) ** 2))
