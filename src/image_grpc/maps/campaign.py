"""Drawing of campaign maps: party, territories, routes, places, resources."""

import itertools
import math

from tabletop.image.v1.map_pb2 import PointOfInterest
from tabletop.image.v1.overlay_pb2 import CampaignElement, LineStyle, TerritoryKind

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.color import Color, parse
from image_grpc.maps.drawing_context import DrawingContext
from image_grpc.maps.svg import NO_FILL, clipped_polyline, fill, polygon, stroke
from image_grpc.maps.symbols import symbol

_PARTY, _CONTROL, _BORDER = parse("#1457b8"), parse("#8a3ab9"), parse("#7a2e12")
_ROUTE, _PLACE, _RESOURCE = parse("#b3202a"), parse("#2b2118"), parse("#0f766e")
_PAPER = parse("#fffaf0")


def draw_point_of_interest(context: DrawingContext, place: PointOfInterest) -> None:
    """Draw a point of interest of the map and add it to the legend."""
    context.legend.add("Place", _PLACE)
    path = symbol(place.icon, place.type)
    _draw_symbol(context.canvas, path, place.location.x, place.location.y, _PLACE, label=place.name)


def draw_element(context: DrawingContext, element: CampaignElement) -> None:
    """Draw an element and add it to the legend."""
    canvas, x, y, label = context.canvas, element.coordinates.x, element.coordinates.y, element.properties.label
    match element.WhichOneof("kind"):
        case "party":
            label = label or (f"{element.party.members} travelers" if element.party.members else "")
            color = context.color(element, "Party", _PARTY)
            _draw_symbol(canvas, symbol("flag"), x, y, color, label=label, scale=1.25)
        case "territory":
            _draw_territory(context, element)
            canvas.label(label, x, y, size=canvas.text_size * 1.25)
        case "route":
            _draw_route(context, element)
            canvas.label(label, x, y - canvas.text_size * 0.6)
        case "place":
            path = symbol(element.place.icon, element.place.type)
            _draw_symbol(canvas, path, x, y, context.color(element, "Place", _PLACE), label=label)
        case "resource":
            color = context.color(element, "Resource", _RESOURCE)
            _draw_symbol(canvas, symbol("gem"), x, y, color, label=label or element.resource.type, scale=0.8)


def _draw_territory(context: DrawingContext, element: CampaignElement) -> None:
    canvas = context.canvas
    border = element.territory.kind == TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER
    meaning, default = ("Border", _BORDER) if border else ("Territory", _CONTROL)
    color = context.color(element, meaning, default)
    corners = [(corner.x, corner.y) for corner in element.territory.boundary]
    style = element.properties.style or (LineStyle.LINE_STYLE_DASHED if border else LineStyle.LINE_STYLE_SOLID)
    if not border:
        canvas.path(polygon(corners), fill(color, 0.22))
    width = _line_width(canvas)
    edge = clipped_polyline([*corners, corners[0]], canvas.width, canvas.height, 2 * width)
    canvas.path(edge, {**NO_FILL, **stroke(color, width, 0.95, _dashes(style, width))})


def _draw_route(context: DrawingContext, element: CampaignElement) -> None:
    canvas, color = context.canvas, context.color(element, "Route", _ROUTE)
    points = [(point.x, point.y) for point in element.route.waypoints]
    width = _line_width(canvas)
    style = element.properties.style or LineStyle.LINE_STYLE_DASHED
    line = clipped_polyline(points, canvas.width, canvas.height, 2 * width)
    canvas.path(line, {**NO_FILL, **stroke(_PAPER, width * 2, 0.7)})
    canvas.path(line, {**NO_FILL, **stroke(color, width, 1.0, _dashes(style, width))})
    start = points[0]
    canvas.circle(*start, width * 1.6, {**fill(color), **stroke(_PAPER, width / 2)})
    legs = [(a, b) for a, b in itertools.pairwise(points) if a != b]
    if legs:
        _draw_arrow(canvas, *legs[-1], width * 4, color)


def _draw_arrow(
    canvas: Canvas, start: tuple[float, float], tip: tuple[float, float], size: float, color: Color
) -> None:
    """Draw an arrowhead at the end of a leg."""
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    wings = [(tip[0] - size * math.cos(angle + turn), tip[1] - size * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    canvas.path(polygon([wings[0], tip, wings[1]]), {**fill(color), **stroke(_PAPER, size / 10)})


def _draw_symbol(
    canvas: Canvas, path: str, x: float, y: float, color: Color, *, label: str, scale: float = 1.0
) -> None:
    size = canvas.text_size * 1.7 * scale
    halo = {**fill(_PAPER), **stroke(_PAPER, 5)}
    canvas.symbol(path, x, y, size, halo)
    canvas.symbol(path, x, y, size, fill(color))
    canvas.label(label, x, y + canvas.text_size * 1.95)


def _line_width(canvas: Canvas) -> float:
    return max(2.0, canvas.text_size / 5)


def _dashes(style: LineStyle, width: float) -> tuple[float, ...]:
    patterns = {LineStyle.LINE_STYLE_DASHED: (width * 4, width * 3), LineStyle.LINE_STYLE_DOTTED: (0.01, width * 2.2)}
    return patterns.get(style, ())
