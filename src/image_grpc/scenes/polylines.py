"""Walls as few long lines."""

import numpy as np
import shapely

from image_grpc.maps.grid import Points

LEAST_LENGTH = 0.3
"""Shortest segment of a line with several, in cells: importers make a wall of each."""
_DIGITS = 6


def polylines(segments: Points) -> tuple[list[Points], bool]:
    """Join segments where exactly two meet. Return the lines, and whether any lost a point.

    `segments` has shape (n, 2, 2), in cells. Points nearer to each other than LEAST_LENGTH become one, but the ends of
    a line stay, so lines that meet still meet.
    """
    segments = np.round(segments, _DIGITS)
    segments = segments[np.any(segments[:, 0] != segments[:, 1], axis=1)]
    merged = shapely.line_merge(shapely.MultiLineString(list(segments)))
    lines = [shapely.get_coordinates(line) for line in shapely.get_parts(merged)]
    simplified = [_simplified(line) for line in lines]
    lost = any(len(after) < len(before) for before, after in zip(lines, simplified, strict=True))
    return simplified, lost


def _simplified(line: Points) -> Points:
    kept = [line[0]]
    for point in line[1:-1]:
        if _distance(kept[-1], point) >= LEAST_LENGTH:
            kept.append(point)
    while len(kept) > 1 and _distance(kept[-1], line[-1]) < LEAST_LENGTH:
        kept.pop()
    simplified = np.array([*kept, line[-1]])
    # A ring that is smaller than a segment would become a point, and one with two corners a line there and back.
    is_ring = bool(np.all(line[0] == line[-1]))
    return line if is_ring and len(simplified) < 4 else simplified


def _distance(one: Points, other: Points) -> float:
    return float(np.hypot(*(one - other)))
