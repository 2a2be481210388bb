"""Drawing of tactical maps: grid, creatures, ranges, areas of effect, lines of sight."""

import shapely
from shapely.geometry.base import BaseGeometry
from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import AreaShape, RangeKind, TacticalElement

from image_grpc.maps.areas import area_of
from image_grpc.maps.canvas import box_around
from image_grpc.maps.color import Color, parse
from image_grpc.maps.coverage import CoveredCells, spell_area
from image_grpc.maps.creatures import SPACE_SQUARES
from image_grpc.maps.drawing_context import DrawingContext, opacity_of
from image_grpc.maps.grid import DEFAULT_COLOR, Grid
from image_grpc.maps.labels import Side
from image_grpc.maps.presence import is_on_map
from image_grpc.maps.svg import NO_FILL, fill, number, outline_path, polyline, stroke
from image_grpc.maps.tokens import draw_token
from image_grpc.messages import enum_label
from image_grpc.pictures.drawings import Box

_SPELL, _MOVE, _EFFECT, _SIGHT = parse("#7b4fd0"), parse("#1769d2"), parse("#e2620d"), parse("#e9c400")
_WALL, _WALL_BORDER, _WALL_WIDTH = parse("#1c1a1e"), parse("#f3ead8"), 0.12
"""Color and width in cells of walls that are drawn over a picture."""
_PAPER = parse("#fffaf0")


def draw_grid(context: DrawingContext) -> None:
    """Draw the lines between cells."""
    grid, color = context.grid, parse(context.image.map.grid.color or DEFAULT_COLOR)
    if grid.kind == GridKind.GRID_KIND_SQUARE:
        (left, top), (columns, rows) = grid.offset, grid.squares
        lines = [f"M{number(left + column * grid.cell_size)} 0V{grid.height}" for column in (*columns, columns.stop)]
        lines += [f"M0 {number(top + row * grid.cell_size)}H{grid.width}" for row in (*rows, rows.stop)]
    else:
        # Three edges of each cell: its neighbors draw the others.
        lines = [polyline(list(cell.exterior.coords)[:4]) for cell in grid.polygons]
    context.canvas.path("".join(lines), {**NO_FILL, **stroke(color, max(1.0, grid.cell_size / 48))})


def draw_weak_edges(context: DrawingContext) -> None:
    """Draw the walls that the picture does not show, like those of a layout."""
    edges = context.image.map.fidelity.weak_edges
    lines = [polyline([(edge.start.x, edge.start.y), (edge.end.x, edge.end.y)]) for edge in edges]
    width = max(2.0, context.grid.cell_size * _WALL_WIDTH)
    # With a light border, they can be seen on dark ground as well.
    for color, total in ((_WALL_BORDER, width + max(2.0, width / 2)), (_WALL, width)):
        context.canvas.path("".join(lines), {**NO_FILL, **stroke(color, total)})


def draw_element(context: DrawingContext, element: TacticalElement) -> None:
    """Draw an element and add it to the legend, unless it is off the map."""
    x, y = context.grid.pixels(element.position)
    if not is_on_map(element, context.coverage.of(element, context.image), context.grid, _radius(context, element)):
        return
    match element.WhichOneof("kind"):
        case "token":
            draw_token(context, element, x, y, _radius(context, element))
        case "range":
            _draw_range(context, element, x, y)
        case "effect":
            _draw_effect(context, element, x, y)
        case "line_of_sight":
            _draw_sight(context, element, x, y)


def _draw_range(context: DrawingContext, element: TacticalElement, x: float, y: float) -> None:
    grid = context.grid
    if element.range.kind != RangeKind.RANGE_KIND_SPELL:
        _draw_coverage(context, element, context.color(element, "Movement", _MOVE), 0.22)
        _draw_label_above(context, element, box_around(x, y, grid.cell_size / 2))
        return
    color = context.color(element, "Spell range", _SPELL)
    _draw_coverage(context, element, color, 0.22)
    shape = context.seen(spell_area(element.range, x, y, grid).outline)
    if shape.is_empty:
        return
    dashes = (grid.cell_size / 5, grid.cell_size / 7)
    paint = stroke(color, _line_width(grid), opacity_of(element, 1.0), dashes)
    context.canvas.path(outline_path(shape), {**NO_FILL, **paint})
    _draw_label_above(context, element, _box(shape))


def _draw_effect(context: DrawingContext, element: TacticalElement, x: float, y: float) -> None:
    name = enum_label(AreaShape, element.effect.shape).capitalize()
    color, opacity = context.color(element, name, _EFFECT), opacity_of(element, 1.0)
    _draw_coverage(context, element, color, 0.28)
    shape = context.seen(area_of(element.effect, x, y, context.grid).outline)
    if shape.is_empty:  # all of its hexagons are off the map, or in the fog
        return
    paint = {**fill(color, 0.16 * opacity), **stroke(color, _line_width(context.grid), opacity)}
    context.canvas.path(outline_path(shape), paint)
    _draw_label_above(context, element, _box(shape))


def _draw_sight(context: DrawingContext, element: TacticalElement, x: float, y: float) -> None:
    color, opacity = context.color(element, "Line of sight", _SIGHT), opacity_of(element, 1.0)
    _draw_coverage(context, element, color, 0.2)
    radius = _radius(context, element)
    outline = stroke(_PAPER, _line_width(context.grid) / 2, opacity)
    context.canvas.circle(x, y, radius, {**fill(color, opacity), **outline})
    _draw_label_above(context, element, box_around(x, y, radius))


def _draw_coverage(context: DrawingContext, element: TacticalElement, color: Color, opacity: float) -> None:
    covered = context.coverage.of(element, context.image)
    if covered is not None and (path := _covered_path(context, covered)):
        opacity = opacity_of(element, opacity)
        edge = stroke(color, max(1.0, context.grid.cell_size / 45), min(1.0, opacity * 2))
        context.canvas.path(path, {"fill-rule": "evenodd", **fill(color, opacity), **edge})


def _covered_path(context: DrawingContext, covered: CoveredCells) -> str:
    if context.fog is None:
        return covered.path
    return outline_path(context.seen(shapely.coverage_union_all(context.grid.outlines(covered.cells))))


def _draw_label_above(context: DrawingContext, element: TacticalElement, box: Box) -> None:
    context.canvas.name(element.properties.label, box, Side.ABOVE)


def _radius(context: DrawingContext, element: TacticalElement) -> float:
    """Return the radius of the circle of an element in pixels."""
    cell_size = context.grid.cell_size
    if element.HasField("token"):
        return element.properties.radius or SPACE_SQUARES[element.token.size] * cell_size * 0.46
    return element.properties.radius or max(3.0, cell_size / 9)


def _box(shape: BaseGeometry) -> Box:
    left, top, right, bottom = shape.bounds
    return (left, top, right - left, bottom - top)


def _line_width(grid: Grid) -> float:
    return max(1.5, grid.cell_size / 24)
