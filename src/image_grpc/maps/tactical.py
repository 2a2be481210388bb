"""Drawing what is on a tactical map: grid, creatures, ranges, areas of effect, sight."""

from __future__ import annotations

import math

from tabletop.image.v1.map_pb2 import GridKind
from tabletop.image.v1.overlay_pb2 import AreaShape, RangeKind, TacticalElement, TokenKind

from image_grpc.maps.areas import SQUARES, area_of, sphere
from image_grpc.maps.canvas import NO_FILL, fill, outline, polyline, stroke
from image_grpc.maps.color import Color, parse
from image_grpc.maps.grid import DEFAULT_COLOR, Grid
from image_grpc.maps.sheet import Sheet

_CHARACTER, _MONSTER = parse("#1b7f4b"), parse("#b3202a")
_SPELL, _MOVE, _EFFECT, _SIGHT = parse("#7b4fd0"), parse("#1769d2"), parse("#e2620d"), parse("#e9c400")
_PAPER, _SHADOW = parse("#fffaf0"), parse("#00000040")

_SHAPES = {
    AreaShape.AREA_SHAPE_SPHERE: "Sphere",
    AreaShape.AREA_SHAPE_CYLINDER: "Cylinder",
    AreaShape.AREA_SHAPE_CONE: "Cone",
    AreaShape.AREA_SHAPE_CUBE: "Cube",
    AreaShape.AREA_SHAPE_LINE: "Line",
    AreaShape.AREA_SHAPE_EMANATION: "Emanation",
}


def draw_grid(sheet: Sheet) -> None:
    """The lines between the cells."""
    grid, color = sheet.grid, parse(sheet.image.map.grid.color or DEFAULT_COLOR)
    paint = {**NO_FILL, **stroke(color, max(1.0, grid.cell / 48))}
    sheet.canvas.path(_square_lines(grid) if grid.kind == GridKind.GRID_KIND_SQUARE else _hex_lines(grid), paint)


def draw_element(sheet: Sheet, element: TacticalElement) -> None:
    """An element, and its line in the legend."""
    canvas, legend, grid = sheet.canvas, sheet.legend, sheet.grid
    x, y = grid.pixels(element.position)
    match element.WhichOneof("kind"):
        case "token":
            _token(sheet, element, x, y)
        case "range":
            spell = element.range.kind == RangeKind.RANGE_KIND_SPELL
            color = _color(element, _SPELL if spell else _MOVE)
            legend.add("Spell range" if spell else "Movement", color)
            _cells(sheet, element, color, 0.22)
            radius = element.range.distance_feet * grid.pixels_per_foot if spell else grid.cell / 2
            if spell:
                reach = sphere(x, y, radius)
                dashes = (grid.cell / 5, grid.cell / 7)
                paint = stroke(color, _line(grid), _opacity(element, 1.0), dashes)
                canvas.path(outline(reach.outline), {**NO_FILL, **paint})
            _label_above(sheet, element, x, y - radius)
        case "effect":
            color = _color(element, _EFFECT)
            legend.add(_SHAPES[element.effect.shape], color)
            _cells(sheet, element, color, 0.28)
            shape = area_of(element.effect, x, y, grid).outline
            opacity = _opacity(element, 1.0)
            canvas.path(outline(shape), {**fill(color, 0.16 * opacity), **stroke(color, _line(grid), opacity)})
            left, top, right, _ = shape.bounds
            _label_above(sheet, element, (left + right) / 2, top)
        case "line_of_sight":
            color = _color(element, _SIGHT)
            legend.add("Line of sight", color)
            _cells(sheet, element, color, 0.2)
            opacity, radius = _opacity(element, 1.0), element.properties.radius or max(3.0, grid.cell / 9)
            eye = {**fill(color, opacity), **stroke(_PAPER, _line(grid) / 2, opacity)}
            canvas.circle(x, y, radius, eye)
            _label_above(sheet, element, x, y - radius)


def _token(sheet: Sheet, element: TacticalElement, x: float, y: float) -> None:
    canvas, portrait = sheet.canvas, sheet.art.get(element.token.image_id)
    monster = element.token.kind == TokenKind.TOKEN_KIND_MONSTER
    color = _color(element, _MONSTER if monster else _CHARACTER)
    sheet.legend.add("Monster" if monster else "Character", color)
    opacity = _opacity(element, 1.0)
    radius = element.properties.radius or SQUARES[element.token.size] * sheet.grid.cell * 0.46
    ring = min(max(1.5, radius * 0.13), radius / 2)
    canvas.circle(x, y, radius, fill(_SHADOW, opacity))  # a soft edge on any ground
    canvas.circle(x, y, radius - ring / 2, fill(_PAPER if portrait else color, opacity))
    if portrait:
        canvas.picture(portrait, x, y, radius - ring, opacity)
    canvas.circle(x, y, radius - ring, {**NO_FILL, **stroke(color if portrait else _PAPER, ring, opacity)})
    if not portrait:
        letters = "".join(word[0] for word in element.properties.label.split()[:2]).upper()
        canvas.label(letters, x, y + radius * 0.28, size=radius * 0.75)
    canvas.label(element.properties.label, x, y + radius + canvas.text_size * 1.05)


def _cells(sheet: Sheet, element: TacticalElement, color: Color, opacity: float) -> None:
    covered = sheet.coverage.of(element, sheet.image)
    if covered is not None and covered.path:
        strength = _opacity(element, opacity)
        edge = stroke(color, max(1.0, sheet.grid.cell / 45), min(1.0, strength * 2))
        sheet.canvas.path(covered.path, {"fill-rule": "evenodd", **fill(color, strength), **edge})


def _label_above(sheet: Sheet, element: TacticalElement, x: float, top: float) -> None:
    sheet.canvas.label(element.properties.label, x, top - sheet.canvas.text_size * 0.4)


def _color(element: TacticalElement, default: Color) -> Color:
    return parse(element.properties.color) if element.properties.color else default


def _opacity(element: TacticalElement, default: float) -> float:
    return element.properties.opacity if element.properties.HasField("opacity") else default


def _line(grid: Grid) -> float:
    return max(1.5, grid.cell / 24)


def _square_lines(grid: Grid) -> str:
    across = [f"M{x * grid.cell:.0f} 0V{grid.height}" for x in range(math.ceil(grid.width / grid.cell) + 1)]
    down = [f"M0 {y * grid.cell:.0f}H{grid.width}" for y in range(math.ceil(grid.height / grid.cell) + 1)]
    return "".join(across + down)


def _hex_lines(grid: Grid) -> str:
    """Half of each cell's edges: its neighbours draw the others."""
    corners = [list(cell.exterior.coords) for cell in grid.polygons]
    return "".join(polyline(each[:4]) for each in corners)
