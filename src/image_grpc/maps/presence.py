"""Whether elements are on the map. Those that are not draw nothing, neither a label nor a line of the legend."""

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.overlay_pb2 import RangeKind, TacticalElement

from image_grpc.maps.areas import area_of
from image_grpc.maps.coverage import CoveredCells, spell_area
from image_grpc.maps.grid import Grid
from image_grpc.maps.svg import MAX_COORDINATE

Point = tuple[float, float]


def is_on_map(element: TacticalElement, covered: CoveredCells | None, grid: Grid, radius: float) -> bool:
    """Whether anything of an element is on the map. `radius` is that of its circle in pixels, if it has one."""
    x, y = grid.pixels(element.position)
    match element.WhichOneof("kind"):
        case "effect":
            shape = area_of(element.effect, x, y, grid).outline
        case "range" if element.range.kind == RangeKind.RANGE_KIND_SPELL:
            shape = spell_area(element.range, x, y, grid).outline
        case _:
            return _has_cells(covered) or circle_is_on_map(x, y, radius, grid.width, grid.height)
    return _has_cells(covered) or _shares_area(shape, grid.width, grid.height)


def circle_is_on_map(x: float, y: float, radius: float, width: float, height: float) -> bool:
    """Whether any part of a circle is on a map of `width` x `height` pixels."""
    dx, dy = max(-x, 0.0, x - width), max(-y, 0.0, y - height)
    return dx < radius and dy < radius and dx**2 + dy**2 < radius**2


def line_is_on_map(points: Sequence[Point], width: float, height: float) -> bool:
    """Whether any part of a line is on a map of `width` x `height` pixels."""
    return bool(shapely.intersects(shapely.LineString(_limited(points)), shapely.box(0, 0, width, height)))


def land_is_on_map(corners: Sequence[Point], width: float, height: float) -> bool:
    """Whether any part of a polygon is on a map of `width` x `height` pixels."""
    land = shapely.make_valid(shapely.Polygon(_limited(corners)), method="structure")
    return line_is_on_map([*corners, corners[0]], width, height) or _shares_area(land, width, height)


def _has_cells(covered: CoveredCells | None) -> bool:
    return covered is not None and len(covered.cells) > 0


def _shares_area(shape: BaseGeometry, width: float, height: float) -> bool:
    picture = shapely.box(0, 0, width, height)
    return bool(shapely.intersects(shape, picture)) and not bool(shapely.touches(shape, picture))


def _limited(points: Sequence[Point]) -> list[Point]:
    def limited(value: float) -> float:
        return min(max(value, -MAX_COORDINATE), MAX_COORDINATE)

    return [(limited(x), limited(y)) for x, y in points]
