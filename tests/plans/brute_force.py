"""What an eye sees of a plan, by whole numbers: each straight path against each wall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall, WallRestriction

from image_grpc.maps.barriers import Sense, restriction

PARTS = 4096
"""Whole numbers per cell: coordinates of plans, and middles of pixels, are multiples of a part."""
Numbers = NDArray[np.int64]


def seen_cells(walls: Sequence[Wall], eye: tuple[float, float], columns: int, rows: int) -> set[tuple[int, int]]:
    """Return the cells whose middle an eye sees. Walls are in cells, and none is limited or one-way."""
    x, y = (each.ravel() + 0.5 for each in np.meshgrid(np.arange(columns), np.arange(rows)))
    seen = np.flatnonzero(sees(walls, eye, x, y))
    return {(int(index % columns), int(index // columns)) for index in seen}


def sees(
    walls: Sequence[Wall], eye: tuple[float, float], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return whether an eye sees each of some points.

    A path that touches a wall is blocked. An eye on a wall sees both of its sides.
    """
    hiding = [wall for wall in walls if restriction(wall, Sense.SIGHT) == WallRestriction.WALL_RESTRICTION_NORMAL]
    ends = np.array([(each.start.x, each.start.y, each.end.x, each.end.y) for each in hiding]).reshape(-1, 4)
    x1, y1, x2, y2 = (_whole(ends[:, index])[np.newaxis] for index in range(4))
    px, py = _whole(x)[:, np.newaxis], _whole(y)[:, np.newaxis]
    ex, ey = (round(each * PARTS) for each in eye)
    sides = [np.sign((px - ex) * (b - ey) - (py - ey) * (a - ex)) for a, b in ((x1, y1), (x2, y2))]
    own, other = (np.sign((x2 - x1) * (b - y1) - (y2 - y1) * (a - x1)) for a, b in ((ex, ey), (px, py)))
    crosses = (sides[0] * sides[1] <= 0) & (own * other <= 0)
    in_line = (sides[0] == 0) & (sides[1] == 0)
    overlap = _overlap(x1, x2, ex, px) & _overlap(y1, y2, ey, py)
    on_wall = (own == 0) & _overlap(x1, x2, ex, ex) & _overlap(y1, y2, ey, ey)
    return ~np.any(np.where(in_line, overlap, crosses) & ~on_wall, axis=1)


def _overlap(a: Numbers, b: Numbers, c: Numbers | int, d: Numbers | int) -> NDArray[np.bool_]:
    """Return whether ranges from `a` to `b` and from `c` to `d` have a value in common."""
    return np.maximum(np.minimum(a, b), np.minimum(c, d)) <= np.minimum(np.maximum(a, b), np.maximum(c, d))


def _whole(values: NDArray[np.float64]) -> Numbers:
    return np.round(values * PARTS).astype(np.int64)
