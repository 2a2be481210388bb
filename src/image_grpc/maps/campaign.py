"""Drawing of campaign maps: party, territories, routes, places, resources."""

import itertools
import math
from dataclasses import dataclass

from tabletop.image.v1.map_pb2 import PointOfInterest
from tabletop.image.v1.overlay_pb2 import CampaignElement, LineStyle, TerritoryKind

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.color import Color, parse
from image_grpc.maps.drawing_context import DrawingContext
from image_grpc.maps.labels import Side
from image_grpc.maps.presence import circle_is_on_map, land_is_on_map, line_is_on_map
from image_grpc.maps.svg import NO_FILL, clipped_polyline, fill, polygon, stroke
from image_grpc.maps.symbols import symbol

_PARTY, _CONTROL, _BORDER = parse("#1457b8"), parse("#8a3ab9"), parse("#7a2e12")
_ROUTE, _PLACE, _RESOURCE = parse("#b3202a"), parse("#2b2118"), parse("#0f766e")
_PAPER = parse("#fffaf0")


def draw_point_of_interest(context: DrawingContext, place: PointOfInterest) -> None:
    """Draw a point of interest of the map and add it to the legend, unless it is off the map."""
    marker = _Marker(symbol(place.icon, place.type), place.location.x, place.location.y, place.name)
    if marker.is_on_map(context.canvas):
        context.legend.add("Place", _PLACE)
        marker.draw(context, _PLACE)


def draw_element(context: DrawingContext, element: CampaignElement) -> None:
    """Draw an element and add it to the legend, unless it is off the map."""
    match element.WhichOneof("kind"):
        case "territory":
            _draw_territory(context, element)
        case "route":
            _draw_route(context, element)
        case _:
            meaning, default, marker = _marker(element)
            if marker.is_on_map(context.canvas):
                marker.draw(context, context.color(element, meaning, default))


@dataclass(frozen=True, slots=True)
class _Marker:
    """A symbol with a name."""

    path: str
    x: float
    y: float
    name: str
    scale: float = 1.0

    def is_on_map(self, canvas: Canvas) -> bool:
        return circle_is_on_map(self.x, self.y, self._size(canvas) / 2, canvas.width, canvas.height)

    def draw(self, context: DrawingContext, color: Color) -> None:
        canvas, size = context.canvas, self._size(context.canvas)
        canvas.symbol(self.path, self.x, self.y, size, {**fill(_PAPER), **stroke(_PAPER, 5)})
        canvas.symbol(self.path, self.x, self.y, size, fill(color))
        box = (self.x - size / 2, self.y - size / 2, size, size)
        context.name_place(self.name, self.x, self.y, box, Side.BELOW)

    def _size(self, canvas: Canvas) -> float:
        return canvas.text_size * 1.7 * self.scale


def _marker(element: CampaignElement) -> tuple[str, Color, _Marker]:
    """Return the meaning, the usual color and the marker of a party, place or resource."""
    x, y, label = element.coordinates.x, element.coordinates.y, element.properties.label
    match element.WhichOneof("kind"):
        case "party":
            travelers = f"{element.party.members} travelers" if element.party.members else ""
            return "Party", _PARTY, _Marker(symbol("flag"), x, y, label or travelers, 1.25)
        case "resource":
            return "Resource", _RESOURCE, _Marker(symbol("gem"), x, y, label or element.resource.type, 0.8)
        case _:
            return "Place", _PLACE, _Marker(symbol(element.place.icon, element.place.type), x, y, label)


def _draw_territory(context: DrawingContext, element: CampaignElement) -> None:
    canvas = context.canvas
    border = element.territory.kind == TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER
    corners = [(corner.x, corner.y) for corner in element.territory.boundary]
    is_on_map = line_is_on_map if border else land_is_on_map
    if not is_on_map([*corners, corners[0]], canvas.width, canvas.height):
        return
    meaning, default = ("Border", _BORDER) if border else ("Territory", _CONTROL)
    color = context.color(element, meaning, default)
    style = element.properties.style or (LineStyle.LINE_STYLE_DASHED if border else LineStyle.LINE_STYLE_SOLID)
    if not border:
        canvas.path(polygon(corners), fill(color, 0.22))
    width = _line_width(canvas)
    edge = clipped_polyline([*corners, corners[0]], canvas.width, canvas.height, 2 * width)
    canvas.path(edge, {**NO_FILL, **stroke(color, width, 0.95, _dashes(style, width))})
    x, y = element.coordinates.x, element.coordinates.y
    context.name_place(element.properties.label, x, y, (x, y, 0, 0), Side.CENTER, size=canvas.text_size * 1.25)


def _draw_route(context: DrawingContext, element: CampaignElement) -> None:
    canvas, points = context.canvas, [(point.x, point.y) for point in element.route.waypoints]
    if not line_is_on_map(points, canvas.width, canvas.height):
        return
    color = context.color(element, "Route", _ROUTE)
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
    x, y = element.coordinates.x, element.coordinates.y
    context.name_place(element.properties.label, x, y, (x, y, 0, 0), Side.ABOVE)


def _draw_arrow(
    canvas: Canvas, start: tuple[float, float], tip: tuple[float, float], size: float, color: Color
) -> None:
    """Draw an arrowhead at the end of a leg."""
    angle = math.atan2(tip[1] - start[1], tip[0] - start[0])
    wings = [(tip[0] - size * math.cos(angle + turn), tip[1] - size * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    canvas.path(polygon([wings[0], tip, wings[1]]), {**fill(color), **stroke(_PAPER, size / 10)})


def _line_width(canvas: Canvas) -> float:
    return max(2.0, canvas.text_size / 5)


def _dashes(style: LineStyle, width: float) -> tuple[float, ...]:
    patterns = {LineStyle.LINE_STYLE_DASHED: (width * 4, width * 3), LineStyle.LINE_STYLE_DOTTED: (0.01, width * 2.2)}
    return patterns.get(style, ())
