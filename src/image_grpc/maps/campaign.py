"""Drawing what is on a campaign map: the party, territories, routes, places, resources."""

from __future__ import annotations

import itertools
import math

from tabletop.image.v1.map_pb2 import PointOfInterest
from tabletop.image.v1.overlay_pb2 import CampaignElement, LineStyle, TerritoryKind

from image_grpc.maps.canvas import NO_FILL, Canvas, clipped, fill, polyline, stroke
from image_grpc.maps.color import Color, parse
from image_grpc.maps.frame import Legend
from image_grpc.maps.symbols import SYMBOLS, symbol

_PARTY, _CONTROL, _BORDER = parse("#1457b8"), parse("#8a3ab9"), parse("#7a2e12")
_ROUTE, _PLACE, _RESOURCE = parse("#b3202a"), parse("#2b2118"), parse("#0f766e")
_PAPER = parse("#fffaf0")


def draw_place(canvas: Canvas, legend: Legend, place: PointOfInterest) -> None:
    """A point of interest of the map itself."""
    legend.add("Place", _PLACE)
    x, y = place.location.x, place.location.y
    _sign(canvas, symbol(place.icon, place.type), x, y, _PLACE)
    _label(canvas, place.name, x, y)


def draw_element(canvas: Canvas, legend: Legend, element: CampaignElement) -> None:
    """An element, and its line in the legend."""
    x, y = element.coordinates.x, element.coordinates.y
    label = element.properties.label
    match element.WhichOneof("kind"):
        case "party":
            color = _color(element, _PARTY)
            legend.add("Party", color)
            _sign(canvas, SYMBOLS["flag"], x, y, color, larger=1.25)
            members = f"{element.party.members} travellers" if element.party.members else ""
            _label(canvas, label or members, x, y)
        case "territory":
            _territory(canvas, legend, element)
            canvas.label(label, x, y, size=canvas.text_size * 1.25)
        case "route":
            color = _color(element, _ROUTE)
            legend.add("Route", color)
            _route(canvas, element, color)
            canvas.label(label, x, y - canvas.text_size * 0.6)
        case "place":
            color = _color(element, _PLACE)
            legend.add("Place", color)
            _sign(canvas, symbol(element.place.icon, element.place.type), x, y, color)
            _label(canvas, label, x, y)
        case "resource":
            color = _color(element, _RESOURCE)
            legend.add("Resource", color)
            _sign(canvas, SYMBOLS["gem"], x, y, color, larger=0.8)
            _label(canvas, label or element.resource.type, x, y)


def _territory(canvas: Canvas, legend: Legend, element: CampaignElement) -> None:
    border = element.territory.kind == TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER
    color = _color(element, _BORDER if border else _CONTROL)
    legend.add("Border" if border else "Territory", color)
    corners = [(each.x, each.y) for each in element.territory.boundary]
    style = element.properties.style or (LineStyle.LINE_STYLE_DASHED if border else LineStyle.LINE_STYLE_SOLID)
    if not border:
        canvas.path(polyline(corners, closed=True), fill(color, 0.22))
    width = _width(canvas)
    edge = clipped([*corners, corners[0]], canvas, 2 * width)
    canvas.path(edge, {**NO_FILL, **stroke(color, width, 0.95, _dashes(style, width))})


def _route(canvas: Canvas, element: CampaignElement, color: Color) -> None:
    points = [(each.x, each.y) for each in element.route.waypoints]
    width = _width(canvas)
    style = element.properties.style or LineStyle.LINE_STYLE_DASHED
    line = clipped(points, canvas, 2 * width)
    canvas.path(line, {**NO_FILL, **stroke(_PAPER, width * 2, 0.7)})
    canvas.path(line, {**NO_FILL, **stroke(color, width, 1.0, _dashes(style, width))})
    start = points[0]
    canvas.circle(*start, width * 1.6, {**fill(color), **stroke(_PAPER, width / 2)})
    legs = [(a, b) for a, b in itertools.pairwise(points) if a != b]
    if legs:
        _arrow(canvas, *legs[-1], width * 4, color)


def _arrow(canvas: Canvas, before: tuple[float, float], tip: tuple[float, float], size: float, color: Color) -> None:
    angle = math.atan2(tip[1] - before[1], tip[0] - before[0])
    wings = [(tip[0] - size * math.cos(angle + turn), tip[1] - size * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    canvas.path(polyline([wings[0], tip, wings[1]], closed=True), {**fill(color), **stroke(_PAPER, size / 10)})


def _sign(canvas: Canvas, data: str, x: float, y: float, color: Color, *, larger: float = 1.0) -> None:
    size = canvas.text_size * 1.7 * larger
    halo = {**fill(_PAPER), **stroke(_PAPER, 5)}
    canvas.symbol(data, x, y, size, halo)
    canvas.symbol(data, x, y, size, fill(color))


def _label(canvas: Canvas, text: str, x: float, y: float) -> None:
    canvas.label(text, x, y + canvas.text_size * 1.95)


def _color(element: CampaignElement, default: Color) -> Color:
    return parse(element.properties.color) if element.properties.color else default


def _width(canvas: Canvas) -> float:
    return max(2.0, canvas.text_size / 5)


def _dashes(style: LineStyle, width: float) -> tuple[float, ...]:
    match style:
        case LineStyle.LINE_STYLE_DASHED:
            return width * 4, width * 3
        case LineStyle.LINE_STYLE_DOTTED:
            return 0.01, width * 2.2
    return ()
