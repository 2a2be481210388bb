"""Areas of effect, by the System Reference Document 5.2, and the cells that they cover.

An area is a core and all that is within a radius of it: so a circle is the circle, not a polygon like it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.grid import Cells, Grid

EDGE = 1e-6
"""Pixels by which rounding may move an edge."""
DEFAULT_LINE_FEET = 5.0
SQUARES = {
    CreatureSize.CREATURE_SIZE_UNSPECIFIED: 1.0,
    CreatureSize.CREATURE_SIZE_TINY: 0.5,
    CreatureSize.CREATURE_SIZE_SMALL: 1.0,
    CreatureSize.CREATURE_SIZE_MEDIUM: 1.0,
    CreatureSize.CREATURE_SIZE_LARGE: 2.0,
    CreatureSize.CREATURE_SIZE_HUGE: 3.0,
    CreatureSize.CREATURE_SIZE_GARGANTUAN: 4.0,
}
"""Squares on each side of a creature's space."""


@dataclass(frozen=True)
class Area:
    """Everything within `radius` pixels of `core`, edge included."""

    core: BaseGeometry
    radius: float = 0.0
    hollow: bool = False
    """Without what is inside of the core."""

    @property
    def outline(self) -> BaseGeometry:
        """The area as a polygon; round edges with 256 corners in all."""
        whole = self.core.buffer(self.radius, quad_segs=64) if self.radius else self.core
        return whole.difference(self.core) if self.hollow else whole

    def covers(self, grid: Grid, inclusion: CellInclusion) -> Cells:
        """The cells of the map that the area covers, by the rule of inclusion, row by row."""
        near = self._near(grid)
        inside = self._inside(grid, near, inclusion)
        found: Cells = grid.cells[near[inside]]
        return found

    def _near(self, grid: Grid) -> NDArray[np.int64]:
        """Indices of the cells that may be covered at all."""
        left, top, right, bottom = self.core.bounds
        reach = self.radius + grid.cell
        x, y = grid.centres.T
        within = (x >= left - reach) & (x <= right + reach) & (y >= top - reach) & (y <= bottom + reach)
        return np.flatnonzero(within)

    def _inside(self, grid: Grid, near: NDArray[np.int64], inclusion: CellInclusion) -> NDArray[np.bool_]:
        if inclusion in (CellInclusion.CELL_INCLUSION_UNSPECIFIED, CellInclusion.CELL_INCLUSION_CENTER):
            centres = shapely.points(grid.centres[near])
            reached = shapely.distance(self.core, centres) <= self.radius + EDGE
            return np.asarray(reached & ~shapely.contains(self.core.buffer(-EDGE), centres) if self.hollow else reached)
        cells = grid.outlines(grid.cells[near])
        if inclusion == CellInclusion.CELL_INCLUSION_ANY_TOUCH and self.radius and not self.hollow:
            return np.asarray(shapely.distance(self.core, cells) < self.radius - EDGE)
        shared = shapely.area(shapely.intersection(self.outline, cells))
        # An edge in common is no area in common.
        least = (
            EDGE * grid.cell
            if inclusion == CellInclusion.CELL_INCLUSION_ANY_TOUCH
            else (shapely.area(cells) / 2 - EDGE * grid.cell)
        )
        return np.asarray(shared >= least)


def sphere(x: float, y: float, radius: float) -> Area:
    """A sphere or cylinder seen from above: its origin is its centre."""
    return Area(shapely.Point(x, y), radius)


def cone(x: float, y: float, length: float, degrees: float) -> Area:
    """At each point as wide as that point is far from the origin."""
    return Area(_polygon(x, y, degrees, [(0, 0), (length, -length / 2), (length, length / 2)]))


def cube(x: float, y: float, side: float, degrees: float) -> Area:
    """The origin is the middle of a face, which the cube stands before."""
    return line(x, y, side, side, degrees)


def line(x: float, y: float, length: float, width: float, degrees: float) -> Area:
    """A length from the origin, half of the width on either side."""
    half = width / 2
    return Area(_polygon(x, y, degrees, [(0, -half), (length, -half), (length, half), (0, half)]))


def emanation(x: float, y: float, side: float, distance: float, *, hollow: bool) -> Area:
    """Everything within a distance of a creature's space, a square about the origin; hollow: without the space."""
    return Area(shapely.box(x - side / 2, y - side / 2, x + side / 2, y + side / 2), distance, hollow)


def area_of(effect: AreaOfEffect, x: float, y: float, grid: Grid) -> Area:
    """The area of an effect whose origin is at these pixels."""
    scale = grid.pixels_per_foot
    size, degrees = effect.size_feet * scale, effect.direction_degrees
    match effect.shape:
        case AreaShape.AREA_SHAPE_CONE:
            return cone(x, y, size, degrees)
        case AreaShape.AREA_SHAPE_CUBE:
            return cube(x, y, size, degrees)
        case AreaShape.AREA_SHAPE_LINE:
            return line(x, y, size, (effect.width_feet or DEFAULT_LINE_FEET) * scale, degrees)
        case AreaShape.AREA_SHAPE_EMANATION:
            space = SQUARES[effect.origin_size] * grid.cell
            return emanation(x, y, space, size, hollow=not effect.origin_included)
        case _:
            return sphere(x, y, size)


def _polygon(x: float, y: float, degrees: float, corners: list[tuple[float, float]]) -> Polygon:
    """Corners along and across a direction, in pixels of the map."""
    along, across = _cosine(degrees), _cosine(degrees - 90)
    return Polygon([(x + a * along - b * across, y + a * across + b * along) for a, b in corners])


def _cosine(degrees: float) -> float:
    """Exact for quarter turns, and the same for angles that mirror each other."""
    turn: Any = abs(degrees) % 360
    turn = min(turn, 360 - turn)
    if turn == 90:
        return 0.0
    return math.cos(math.radians(turn)) if turn < 90 else -math.cos(math.radians(180 - turn))
