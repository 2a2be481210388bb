"""What viewers see on a tactical map: areas, cells, and how well these are lit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Illumination, LightLevel, Position
from tabletop.image.v1.map_service_pb2 import (
    AreaPolygon,
    ComputeVisionRequest,
    ComputeVisionResponse,
    Ring,
    SeenCell,
    ViewerVision,
    Vision,
)
from tabletop.image.v1.types_pb2 import Location
from tabletop.image.v1.viewer_pb2 import Viewer

from image_grpc.errors import VisionLimitExceeded
from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.grid import TOUCH, Grid, Points
from image_grpc.maps.sight import cells_in_view, in_range
from image_grpc.maps.view import View
from image_grpc.workers import stop_if_abandoned

DARK, DIM, BRIGHT = LightLevel.LIGHT_LEVEL_DARK, LightLevel.LIGHT_LEVEL_DIM, LightLevel.LIGHT_LEVEL_BRIGHT
MAX_CELLS = 100_000
"""Maximum number of cells within the ranges of all viewers, to keep responses below 4 MiB."""
MAX_LIT_CELLS = 1_000_000
"""Maximum number of cells within the radius of all lights."""

Levels = NDArray[np.int8]
"""The light of each cell of a grid."""


def check_work(image: Image, viewers: Sequence[Viewer], ambient_light: LightLevel) -> None:
    """Raise VisionLimitExceeded if too many cells would have to be examined."""
    grid = Grid.of_map(image)

    def within(position: Position, feet: float) -> int:
        return int(np.count_nonzero(in_range(grid, *grid.pixels(position), feet)))

    if sum(within(viewer.position, viewer.range_feet) for viewer in viewers) > MAX_CELLS:
        raise VisionLimitExceeded(
            f"at most {MAX_CELLS} cells may be within the ranges of all viewers; shorten the ranges, or use "
            "several calls"
        )
    sources = _sources(image, viewers) if ambient_light != BRIGHT else []
    radii = ((position, max(each.bright_feet, each.dim_feet)) for position, each in sources)
    if sum(within(position, feet) for position, feet in radii if feet) > MAX_LIT_CELLS:
        raise VisionLimitExceeded(f"at most {MAX_LIT_CELLS} cells may be within the radius of all lights")


def seen_area(image: Image, viewers: Sequence[Viewer], ambient_light: LightLevel) -> BaseGeometry:
    """Return the area that viewers see together: in view, and not dark for those who have it in view."""
    grid = Grid.of_map(image)
    light, sight = _light(image, viewers, ambient_light, grid), Barriers.of(image.map.walls, grid, Sense.SIGHT)
    areas = []
    for viewer in viewers:
        stop_if_abandoned()
        eye = _Eye(grid, sight, *grid.pixels(viewer.position))
        area, dark = eye.area(viewer.range_feet), eye.brightened(light, viewer) <= DARK
        if np.any(dark):
            area = shapely.intersection(area, shapely.coverage_union_all(grid.polygons[~dark]))
        areas.append(area)
    return shapely.union_all(areas)


def compute_vision(image: Image, request: ComputeVisionRequest) -> ComputeVisionResponse:
    """Return what viewers see. Takes time: call it in a worker thread."""
    grid, response = Grid.of_map(image), ComputeVisionResponse()
    light = _light(image, request.viewers, request.ambient_light, grid)
    sight = Barriers.of(image.map.walls, grid, Sense.SIGHT)
    best = np.zeros(len(grid.cells), dtype=np.int8)
    areas = []
    for viewer in request.viewers:
        stop_if_abandoned()
        eye = _Eye(grid, sight, *grid.pixels(viewer.position))
        levels = eye.levels(light, viewer)
        area = eye.area(viewer.range_feet)
        response.viewers.append(ViewerVision(viewer_id=viewer.id, vision=_vision(grid, levels, area)))
        best = np.maximum(best, levels)
        areas.append(area)
    response.combined.CopyFrom(_vision(grid, best, shapely.union_all(areas)))
    return response


@dataclass(frozen=True, slots=True)
class _Eye:
    """An eye, or a light, at (x, y) pixels."""

    grid: Grid
    barriers: Barriers
    x: float
    y: float

    def reaches(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of some cells have their center in a straight line that no wall blocks, and the own cell."""
        return cells_in_view(self.grid, self.x, self.y, cells, self.barriers)

    def within(self, feet: float) -> NDArray[np.bool_]:
        """Return which cells have their center within a distance; 0: all."""
        return in_range(self.grid, self.x, self.y, feet)

    def levels(self, light: Levels, viewer: Viewer) -> Levels:
        """Return how well the cells in view are lit for a viewer; 0: out of view."""
        seen = self.reaches(self.within(viewer.range_feet))
        return np.where(seen, self.brightened(light, viewer), 0).astype(np.int8)

    def brightened(self, light: Levels, viewer: Viewer) -> Levels:
        """Return how well cells are lit for a viewer with its darkvision, in view or not."""
        levels = light.copy()
        if viewer.darkvision_feet:
            better = self.within(viewer.darkvision_feet)
            levels[better] = np.minimum(levels[better] + 1, BRIGHT)
        return levels

    def area(self, feet: float) -> BaseGeometry:
        """Return the area in view within a distance; 0: to the edges of the map."""
        map_ = shapely.box(0, 0, self.grid.width, self.grid.height)
        bounds = shapely.union(map_, shapely.box(self.x - 1, self.y - 1, self.x + 1, self.y + 1)).envelope
        corners = shapely.get_coordinates(bounds)
        ends, limited = self.barriers.hiding_from(self.x, self.y)
        edges = np.stack([corners[:-1], corners[1:]], axis=1)
        view = View(
            np.concatenate([ends, edges]), np.append(limited, np.zeros(len(edges), dtype=bool)), (self.x, self.y)
        )
        area = shapely.intersection(view.polygon(), map_)
        if feet:
            circle = shapely.Point(self.x, self.y).buffer(feet * self.grid.pixels_per_foot, quad_segs=32)
            area = shapely.intersection(area, circle)
        return area


def _light(image: Image, viewers: Sequence[Viewer], ambient_light: LightLevel, grid: Grid) -> Levels:
    """Return how well each cell is lit."""
    sources = _sources(image, viewers)
    ambient = ambient_light or (DARK if sources else BRIGHT)
    levels = np.full(len(grid.cells), ambient, dtype=np.int8)
    barriers = Barriers.of(image.map.walls, grid, Sense.LIGHT)
    for position, illumination in sources:
        stop_if_abandoned()
        eye = _Eye(grid, barriers, *grid.pixels(position))
        farthest = max(illumination.bright_feet, illumination.dim_feet)
        if not farthest or ambient == BRIGHT:
            continue
        lit = eye.reaches(eye.within(farthest) & _in_cone(grid.centers - (eye.x, eye.y), illumination))
        levels[lit] = np.maximum(levels[lit], DIM)
        if illumination.bright_feet:
            levels[lit & eye.within(illumination.bright_feet)] = BRIGHT
    return levels


def _sources(image: Image, viewers: Iterable[Viewer]) -> list[tuple[Position, Illumination]]:
    """Return the lights of the map and those that viewers carry."""
    sources = [(light.position, light.illumination) for light in image.map.lights]
    return sources + [(each.position, each.carried_light) for each in viewers if each.HasField("carried_light")]


def _in_cone(targets: Points, illumination: Illumination) -> NDArray[np.bool_]:
    angle = illumination.angle_degrees
    if not 0 < angle < 360:
        return np.ones(len(targets), dtype=bool)
    directions = np.degrees(np.arctan2(targets[:, 1], targets[:, 0]))
    away = abs((directions - illumination.direction_degrees + 180) % 360 - 180)
    return np.asarray(away <= angle / 2 + TOUCH)


def _vision(grid: Grid, levels: Levels, area: BaseGeometry) -> Vision:
    seen = np.flatnonzero(levels)
    rows = np.column_stack([grid.cells[seen], levels[seen]]).tolist()
    cells = [SeenCell(column=column, row=row, light=level) for column, row, level in rows]
    return Vision(area=_polygons(area), cells=cells)


def _polygons(area: BaseGeometry) -> list[AreaPolygon]:
    parts = [part for part in shapely.get_parts(area).tolist() if part.geom_type == "Polygon" and not part.is_empty]
    return [AreaPolygon(outline=_ring(part.exterior), holes=map(_ring, part.interiors)) for part in parts]


def _ring(line: BaseGeometry) -> Ring:
    corners: Sequence[Sequence[float]] = np.round(shapely.get_coordinates(line), 3)[:-1].tolist()
    return Ring(points=[Location(x=x, y=y) for x, y in corners])
