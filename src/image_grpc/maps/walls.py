"""Walls in pixels, and the straight paths that they block.

The end points belong to a wall, so a path that only touches one is blocked: nothing passes through the corner
where two walls meet.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Wall, WallKind

from image_grpc.maps.grid import TOUCH, Grid, Points, Shapes

BLOCKS_SIGHT = (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_WALL, WallKind.WALL_KIND_CLOSED_DOOR)
BLOCKS_MOVEMENT = (*BLOCKS_SIGHT, WallKind.WALL_KIND_WINDOW)


def wall_lines(walls: Iterable[Wall], grid: Grid, kinds: Iterable[WallKind]) -> Shapes:
    """Return the walls of these kinds as lines in pixels."""
    ends = [(grid.pixels(wall.start), grid.pixels(wall.end)) for wall in walls if wall.kind in kinds]
    return np.asarray(shapely.linestrings(np.array(ends).reshape(-1, 2, 2)))


def blocked_paths(starts: Points, ends: Points, lines: Shapes) -> NDArray[np.int64]:
    """Return the indices of the straight paths from `starts` to `ends` that meet a wall, in either direction."""
    if not len(lines) or not len(starts):
        return np.array([], dtype=np.int64)
    paths: Shapes = np.asarray(shapely.linestrings(np.stack([starts, ends], axis=1)))
    tree = shapely.STRtree(lines)
    crossing = np.unique(tree.query(paths, predicate="intersects")[0])
    # Rounding of fractional pixels must not open a gap at the end of a wall. This predicate is slower.
    others = np.setdiff1d(np.arange(len(paths)), crossing)
    touching, _ = tree.query(paths[others], predicate="dwithin", distance=TOUCH)
    return np.union1d(crossing, others[touching])
