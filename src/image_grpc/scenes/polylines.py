"""Walls as few long lines."""

import numpy as np
import shapely
from numpy.typing import NDArray

from image_grpc.maps.barriers import joints
from image_grpc.maps.grid import Points

LEAST_LENGTH = 0.3
"""Length of a segment in cells up to which curves are simplified: importers make a wall of each."""
_DIGITS = 6
_STRAIGHT = 1e-9


def meeting(ends: Points) -> Points:
    """Return segments of shape (n, 2, 2), in pixels, with the same point for ends within a pixel of each other."""
    parents: dict[tuple[float, float], tuple[float, float]] = {}

    def root(point: tuple[float, float]) -> tuple[float, float]:
        while (parent := parents.get(point, point)) != point:
            point = parent
        return point

    for one, other in joints(ends).tolist():
        parents[root((other[0], other[1]))] = root((one[0], one[1]))
    points = [root((x, y)) for x, y in ends.reshape(-1, 2).tolist()]
    return np.array(points, dtype=float).reshape(-1, 2, 2)


def polylines(segments: Points, others: Points) -> tuple[list[Points], bool]:
    """Join segments where exactly two meet. Return the lines, and whether curves were simplified.

    `segments` and `others`, which the lines may meet, have shape (n, 2, 2), in cells. Of a curve of segments that are
    shorter than LEAST_LENGTH, points are left out; never where something else meets it, or at the end of a longer
    segment.
    """
    segments = np.round(segments, _DIGITS)
    segments = segments[np.any(segments[:, 0] != segments[:, 1], axis=1)]
    ordered = np.array([sorted(each) for each in segments.tolist()]).reshape(-1, 2, 2)
    _, first = np.unique(ordered, axis=0, return_index=True)
    merged = shapely.line_merge(shapely.MultiLineString(list(segments[np.sort(first)])))
    fixed = {(x, y) for x, y in np.round(others, _DIGITS).reshape(-1, 2).tolist()}
    lines = [_straightened(shapely.get_coordinates(line)) for line in shapely.get_parts(merged)]
    simplified = [_simplified(line, fixed) for line in lines]
    lost = any(len(after) < len(before) for before, after in zip(lines, simplified, strict=True))
    return simplified, lost


def _straightened(line: Points) -> Points:
    """Leave out points on the way straight on."""
    steps = np.diff(line, axis=0)
    before, after = steps[:-1], steps[1:]
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    goes_on = (abs(turn) <= _STRAIGHT) & (np.sum(before * after, axis=1) > 0)
    return np.asarray(line[np.concatenate([[True], ~goes_on, [True]])])


def _simplified(line: Points, fixed: set[tuple[float, float]]) -> Points:
    is_short: NDArray[np.bool_] = np.hypot(*np.diff(line, axis=0).T) < LEAST_LENGTH
    kept = [(line[0], False)]
    for index, point in enumerate(line[1:-1], start=1):
        may_go = bool(is_short[index - 1] and is_short[index]) and (point[0], point[1]) not in fixed
        if not may_go or _distance(kept[-1][0], point) >= LEAST_LENGTH:
            kept.append((point, may_go))
    if kept[-1][1] and _distance(kept[-1][0], line[-1]) < LEAST_LENGTH:
        kept.pop()
    simplified = np.array([*(point for point, _ in kept), line[-1]])
    # A small ring would become a point, or a line there and back.
    is_ring = bool(np.all(line[0] == line[-1]))
    return line if is_ring and len(simplified) < 4 else simplified


def _distance(one: Points, other: Points) -> float:
    return float(np.hypot(*(one - other)))
