"""What an eye sees, by a sweep over the directions in which walls end.

Between two neighboring directions the same wall is the nearest one: the directions in which walls cross are among
them. So one ray for each interval of directions finds what limits the view there.
"""

import math
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from image_grpc.maps.barriers import MAX_LIMITED
from image_grpc.maps.grid import TOUCH, Points, Shapes
from image_grpc.workers import stop_if_abandoned

_TURN = 2 * math.pi
_WIDEST = 0.01
"""Largest angle within which a line of sight may touch the end of a wall that is very close to the eye."""
_NOTHING = -1
MAX_CROSSINGS_PER_WALL = 4
"""So many more directions are considered. Walls of a building meet at their ends; those of a lattice cross."""
MAX_PAIRS = 500_000
"""Pairs of walls and intervals that are handled at once, to bound the memory."""
_Floats = NDArray[np.float64]
_Indices = NDArray[np.int64]


class View:
    """What limits the view of an eye in each direction."""

    def __init__(self, walls: Points, limited: NDArray[np.bool_], eye: tuple[float, float]) -> None:
        """`walls` has shape (n, 2, 2): both ends in pixels. None of them is at the eye."""
        self._eye = np.array(eye)
        self._walls, self._limited = walls - self._eye, limited
        self._along = self._walls[:, 1] - self._walls[:, 0]
        ends = self._walls.reshape(-1, 2)
        crossings = _crossings(self._walls)
        self.is_exact = len(crossings) <= MAX_CROSSINGS_PER_WALL * len(walls)
        """Whether crossings of walls are considered. Otherwise the view is approximate where walls cross."""
        corners = np.concatenate([ends, crossings]) if self.is_exact else ends
        self._angles = np.unique(_angles(corners))
        angles = _angles(ends)
        self._end_order = np.argsort(angles)
        self._end_angles, self._ends = angles[self._end_order], ends[self._end_order]
        self._end_is_limited = np.repeat(limited, 2)[self._end_order]
        self._limits = self._limiting_walls()

    def sees(self, points: Points) -> NDArray[np.bool_]:
        """Return which points are visible. A line of sight that touches a wall is blocked."""
        targets = points - self._eye
        angles = _angles(targets)
        seen = np.ones(len(points), dtype=bool)
        if not len(self._angles):
            return seen
        # -1 is the last interval, which goes on from the last direction to the first one.
        wall = self._limits[np.searchsorted(self._angles, angles, side="right") - 1]
        limited = np.flatnonzero(wall != _NOTHING)
        distance = self._distance_before(wall[limited], targets[limited])
        seen[limited[distance <= TOUCH]] = False
        seen[self._touching(targets, angles)] = False
        return seen

    def polygon(self) -> BaseGeometry:
        """Return the visible area. Walls must enclose the eye."""
        following = np.append(self._angles[1:], self._angles[0] + _TURN)
        corners = np.empty((len(self._angles), 2, 2))
        for index, angles in enumerate((self._angles, following)):
            rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
            corners[:, index] = rays * self._distance_along(self._limits, rays)[:, None]
        ring = corners.reshape(-1, 2)
        return shapely.make_valid(shapely.Polygon(ring[np.all(np.isfinite(ring), axis=1)] + self._eye))

    def _limiting_walls(self) -> _Indices:
        """Return the wall that limits the view in each interval, which begins at the direction of the same index."""
        count = len(self._angles)
        limits = np.full(count, _NOTHING)
        if not count:
            return limits
        first, last = (np.searchsorted(self._angles, _angles(self._walls[:, end])) for end in (0, 1))
        is_left = _cross(self._walls[:, 0], self._walls[:, 1]) < 0
        start, stop = np.where(is_left, last, first), np.where(is_left, first, last)
        covered = (stop - start) % count
        middle = self._angles + np.diff(self._angles, append=self._angles[0] + _TURN) / 2
        rays = np.stack([np.cos(middle), np.sin(middle)], axis=1)
        nearest = np.full(count, np.inf)
        for kind, rank in ((~self._limited, 0), (self._limited, MAX_LIMITED)):
            # The nearest walls so far of each interval, in order of distance.
            walls, distances = np.full((rank + 1, count), _NOTHING), np.full((rank + 1, count), np.inf)
            for part in _parts(np.flatnonzero(kind), covered):
                stop_if_abandoned()
                _merge(walls, distances, *self._covered_intervals(part, start, covered, rays))
            closer = distances[rank] < nearest
            limits[closer], nearest[closer] = walls[rank][closer], distances[rank][closer]
        return limits

    def _covered_intervals(
        self, walls: _Indices, start: _Indices, covered: _Indices, rays: Points
    ) -> tuple[_Indices, _Indices, _Floats]:
        """Return intervals that walls cover, these walls, and their distances in the middle of the intervals."""
        counts = covered[walls]
        wall = np.repeat(walls, counts)
        within = np.arange(len(wall)) - np.repeat(np.cumsum(counts) - counts, counts)
        interval = (start[wall] + within) % len(rays)
        return interval, wall, self._distance_along(wall, rays[interval])

    def _distance_along(self, wall: _Indices, rays: Points) -> _Floats:
        """Return the distance from the eye to the line of a wall along each ray."""
        along = self._along[wall]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(_cross(self._walls[wall, 0], along) / _cross(rays, along))

    def _distance_before(self, wall: _Indices, targets: Points) -> _Floats:
        """Return how far each target is on the eye's side of the line of a wall, negative behind it."""
        along = self._along[wall]
        sides = _cross(along, targets - self._walls[wall, 0]) / np.hypot(*along.T)
        return np.asarray(sides * np.sign(-_cross(along, self._walls[wall, 0])))

    def _touching(self, targets: Points, angles: _Floats) -> _Indices:
        """Return the indices of targets whose line of sight touches the end of a wall."""
        distances = np.hypot(*self._ends.T)
        width = min(_WIDEST, TOUCH / max(float(distances.min()), TOUCH))
        around = np.concatenate([self._end_angles - _TURN, self._end_angles, self._end_angles + _TURN])
        low = np.searchsorted(around, angles - width, side="left")
        near = np.searchsorted(around, angles + width, side="right") - low
        target = np.repeat(np.arange(len(targets)), near)
        within = np.arange(len(target)) - np.repeat(np.cumsum(near) - near, near)
        end = (np.repeat(low, near) + within) % len(self._ends)
        length = np.hypot(*targets[target].T)
        touches = abs(_cross(targets[target], self._ends[end])) <= TOUCH * length
        touches &= (distances[end] <= length + TOUCH) & ~self._end_is_limited[end]
        return np.unique(target[touches])


def _angles(points: Points) -> _Floats:
    """Return the directions of points from the origin, 0 to one turn."""
    return np.asarray(np.arctan2(points[:, 1], points[:, 0]) % _TURN)


def _cross(one: Points, other: Points) -> _Floats:
    return np.asarray(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])


def _parts(walls: _Indices, covered: _Indices) -> Iterator[_Indices]:
    """Yield the walls in parts that cover about MAX_PAIRS intervals each."""
    totals = np.cumsum(covered[walls])
    limits = np.arange(MAX_PAIRS, totals[-1] if len(totals) else 0, MAX_PAIRS)
    yield from np.split(walls, np.searchsorted(totals, limits))


def _merge(walls: _Indices, distances: _Floats, interval: _Indices, wall: _Indices, distance: _Floats) -> None:
    """Insert walls into the nearest ones of each interval, in place."""
    order = np.lexsort((distance, interval))
    ranks = _rank(interval[order])
    for rank in range(len(walls)):
        chosen = order[ranks == rank]
        at, candidate = interval[chosen], (wall[chosen], distance[chosen])
        for row in range(len(walls)):
            closer = candidate[1] < distances[row, at]
            previous = walls[row, at], distances[row, at]
            walls[row, at] = np.where(closer, candidate[0], previous[0])
            distances[row, at] = np.where(closer, candidate[1], previous[1])
            candidate = np.where(closer, previous[0], candidate[0]), np.where(closer, previous[1], candidate[1])


def _rank(groups: _Indices) -> _Indices:
    """Return how many equal values precede each value of a sorted array."""
    begins = np.flatnonzero(np.diff(groups, prepend=-1))
    return np.arange(len(groups)) - np.repeat(begins, np.diff(begins, append=len(groups)))


def _crossings(walls: Points) -> Points:
    """Return the points where walls cross each other, or end on each other."""
    lines: Shapes = np.asarray(shapely.linestrings(walls))
    one, other = STRtree(lines).query(lines, predicate="intersects")
    one, other = one[one < other], other[one < other]
    along, across = walls[one, 1] - walls[one, 0], walls[other, 1] - walls[other, 0]
    slope = _cross(along, across)
    crossing = slope != 0
    offset = walls[other[crossing], 0] - walls[one[crossing], 0]
    part = _cross(offset, across[crossing]) / slope[crossing]
    return np.asarray(walls[one[crossing], 0] + part[:, None] * along[crossing])
