"""Areas of effect as defined by the System Reference Document 5.2, and the cells that they cover.

An area is a core shape plus everything within a radius of it: circles are exact, not approximated by polygons.
"""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import AreaOfEffect, AreaShape, CellInclusion, CreatureSize

from image_grpc.maps.creatures import SPACE_SQUARES, space
from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Cells, Grid, Points

DEFAULT_LINE_FEET = 5.0
"""Width in feet of a line that has none."""


@dataclass(frozen=True)
class Area:
    """All points within `radius` pixels of `core`, edge included."""

    core: BaseGeometry
    radius: float = 0.0
    hollow: bool = False
    """Whether the inside of the core is excluded."""

    @property
    def outline(self) -> BaseGeometry:
        """The area as a polygon; a full circle has 256 corners."""
        filled = self.core.buffer(self.radius, quad_segs=64) if self.radius else self.core
        return filled.difference(self.core) if self.hollow else filled

    def cells(self, grid: Grid, inclusion: CellInclusion) -> Cells:
        """Return the cells of the map that the area covers, row by row."""
        nearby = self._nearby(grid)
        return np.asarray(grid.cells[nearby[self._covers(grid, nearby, inclusion)]])

    def _nearby(self, grid: Grid) -> NDArray[np.int64]:
        """Return the indices of all cells that might be covered."""
        left, top, right, bottom = self.core.bounds
        margin = self.radius + grid.cell_size
        x, y = grid.centers.T
        inside = (x >= left - margin) & (x <= right + margin) & (y >= top - margin) & (y <= bottom + margin)
        return np.flatnonzero(inside)

    def _covers(self, grid: Grid, indices: NDArray[np.int64], inclusion: CellInclusion) -> NDArray[np.bool_]:
        if inclusion in (CellInclusion.CELL_INCLUSION_UNSPECIFIED, CellInclusion.CELL_INCLUSION_CENTER):
            return self._contains(grid.centers[indices])
        cells = grid.outlines(grid.cells[indices])
        if inclusion == CellInclusion.CELL_INCLUSION_ANY_TOUCH and self.radius and not self.hollow:
            return np.asarray(shapely.distance(self.core, cells) < self.radius - TOUCH)
        overlap = shapely.area(shapely.intersection(self.outline, cells))
        tolerance = TOUCH * grid.cell_size
        if inclusion == CellInclusion.CELL_INCLUSION_ANY_TOUCH:
            return np.asarray(overlap >= tolerance)
        return np.asarray(overlap >= shapely.area(cells) / 2 - tolerance)

    def _contains(self, centers: Points) -> NDArray[np.bool_]:
        points = shapely.points(centers)
        reached = np.asarray(shapely.distance(self.core, points) <= self.radius + TOUCH)
        return reached & ~shapely.contains(self.core.buffer(-TOUCH), points) if self.hollow else reached


@dataclass(frozen=True)
class HexArea:
    """Hexagons within a number of steps, as distances on hexagons are counted."""

    grid: Grid
    covered: Cells

    @property
    def outline(self) -> BaseGeometry:
        """The area as a polygon, up to the edges of the map."""
        return shapely.coverage_union_all(self.grid.outlines(self.covered))

    def cells(self, grid: Grid, inclusion: CellInclusion) -> Cells:
        """Return the cells of the map, row by row. Whole cells satisfy every rule of inclusion."""
        return self.covered


def sphere(x: float, y: float, radius: float) -> Area:
    """Return a sphere or cylinder seen from above, centered on its origin."""
    return Area(shapely.Point(x, y), radius)


def area_of(effect: AreaOfEffect, x: float, y: float, grid: Grid) -> Area | HexArea:
    """Return the area of an effect with its origin at (x, y) pixels."""
    scale = grid.pixels_per_foot
    size, degrees = effect.size_feet * scale, effect.direction_degrees
    match effect.shape:
        case AreaShape.AREA_SHAPE_CONE:
            # As wide at each point as the distance of that point from the origin.
            return Area(_rotated(x, y, degrees, [(0, 0), (size, -size / 2), (size, size / 2)]))
        case AreaShape.AREA_SHAPE_CUBE:
            return _line(x, y, size, size, degrees)
        case AreaShape.AREA_SHAPE_LINE:
            return _line(x, y, size, (effect.width_feet or DEFAULT_LINE_FEET) * scale, degrees)
        case AreaShape.AREA_SHAPE_EMANATION:
            return around(x, y, effect.origin_size, effect.size_feet, grid, hollow=not effect.origin_included)
        case _:
            return sphere(x, y, size)


def around(x: float, y: float, size: CreatureSize, feet: float, grid: Grid, *, hollow: bool = False) -> Area | HexArea:
    """Return everything within a distance of the space of a creature; `hollow`: without that space."""
    if grid.kind == GridKind.GRID_KIND_SQUARE:
        half = SPACE_SQUARES[size] * grid.cell_size / 2
        return Area(shapely.box(x - half, y - half, x + half, y + half), feet * grid.pixels_per_foot, hollow=hollow)
    steps = grid.steps(grid.cells, space(grid, x, y, size))
    covered = (steps <= feet / FEET_PER_CELL + TOUCH) & (steps > 0 if hollow else True)
    return HexArea(grid, grid.cells[covered])


def _line(x: float, y: float, length: float, width: float, degrees: float) -> Area:
    """Return a rectangle that extends from the origin, with half of its width on either side."""
    half = width / 2
    return Area(_rotated(x, y, degrees, [(0, -half), (length, -half), (length, half), (0, half)]))


def _rotated(x: float, y: float, degrees: float, corners: list[tuple[float, float]]) -> Polygon:
    """Return a polygon whose corners are given along and across a direction from (x, y)."""
    along, across = _cosine(degrees), _cosine(degrees - 90)
    return Polygon([(x + a * along - b * across, y + a * across + b * along) for a, b in corners])


def _cosine(degrees: float) -> float:
    """Return a cosine that is exact for quarter turns and symmetric for mirrored angles."""
    turn = abs(degrees) % 360
    turn = min(turn, 360 - turn)
    if turn == 90:
        return 0.0
    return math.cos(math.radians(turn)) if turn < 90 else -math.cos(math.radians(180 - turn))
