"""Drawing of creatures: portrait, ring, facing, conditions, health."""

import math
from collections.abc import Iterator, Sequence

from tabletop.image.v1.overlay_pb2 import Health, TacticalElement, Token, TokenKind, TokenRing

from image_grpc.maps.canvas import Canvas, box_around
from image_grpc.maps.color import Color, parse
from image_grpc.maps.drawing_context import DrawingContext, opacity_of, portrait_key
from image_grpc.maps.initials import initials
from image_grpc.maps.labels import Cost, Side
from image_grpc.maps.svg import NO_FILL, fill, polygon, stroke
from image_grpc.maps.text import measure

_CHARACTER, _MONSTER = parse("#1b7f4b"), parse("#b3202a")
_PAPER, _SHADOW, _INK = parse("#fffaf0"), parse("#00000040"), parse("#1b1b1f")
_FACING_WIDTH, _FACING_REACH = math.radians(17), 1.24
"""Half the angle that the mark of a creature's facing takes on its ring, and how far it reaches, in radiuses."""
_HEALTH_COLORS = ((0.5, parse("#2e9e44")), (0.25, parse("#e0a100")), (0.0, parse("#c62828")))
"""Color of the bar for a share of health above a limit."""
_BADGE_TEXT, _LEAST_BADGE_TEXT = 0.34, 9.0
"""Size of the text of badges in radiuses, and at least in pixels; at most that of labels."""
_BADGE_ROW = 2.6
"""Width of a row of badges in radiuses, unless a badge alone is wider."""


def draw_token(context: DrawingContext, element: TacticalElement, x: float, y: float, radius: float) -> None:
    """Draw a creature with its middle at a point, and add it to the legend. Numbers are in pixels."""
    opacity = opacity_of(element, 1.0)
    if not opacity:
        return
    canvas, token = context.canvas, element.token
    monster = token.kind == TokenKind.TOKEN_KIND_MONSTER
    meaning, default = ("Monster", _MONSTER) if monster else ("Character", _CHARACTER)
    color = context.color(element, meaning, default)
    if token.HasField("facing_degrees"):
        _draw_facing(canvas, math.radians(token.facing_degrees), color, opacity, (x, y, radius))
    _draw_body(context, element, color, opacity, (x, y, radius))
    canvas.occupy(box_around(x, y, radius * 0.9), Cost.ELEMENT)
    if token.HasField("health"):
        _draw_health(canvas, token.health, opacity, (x, y, radius))
    _draw_badges(canvas, token, opacity, (x, y, radius))
    canvas.name(element.properties.label, box_around(x, y, radius), Side.BELOW)


Circle = tuple[float, float, float]
"""The middle, and the radius."""


def _draw_body(context: DrawingContext, element: TacticalElement, color: Color, opacity: float, circle: Circle) -> None:
    canvas, portrait = context.canvas, context.portraits.get(portrait_key(element.token))
    x, y, radius = circle
    has_ring = element.token.ring != TokenRing.TOKEN_RING_NONE
    ring = min(max(1.5, radius * 0.13), radius / 2) if has_ring else 0.0
    if portrait is None:
        canvas.circle(x, y, radius, fill(_SHADOW, opacity))  # a soft edge on any ground
        canvas.circle(x, y, radius - ring / 2, fill(color, opacity))
    elif portrait.is_opaque and has_ring:
        canvas.circle(x, y, radius, fill(_SHADOW, opacity))
        canvas.circle(x, y, radius - ring / 2, fill(_PAPER, opacity))
    if portrait is not None:
        canvas.picture(portrait, x, y, radius - ring, opacity, is_round=has_ring)
    if has_ring:
        paint = stroke(_PAPER if portrait is None else color, ring, opacity)
        canvas.circle(x, y, radius - ring, {**NO_FILL, **paint})
    if portrait is None:
        text = initials(element.properties.label)
        canvas.inscribe(text, x, y + radius * 0.28, size=radius * 0.75, max_width=radius * 1.8)


def _draw_facing(canvas: Canvas, direction: float, color: Color, opacity: float, circle: Circle) -> None:
    """Draw a wedge that points in a direction in radians, clockwise from the right."""
    x, y, radius = circle
    reaches = ((-_FACING_WIDTH, 0.98), (0.0, _FACING_REACH), (_FACING_WIDTH, 0.98))
    corners = [
        (x + math.cos(direction + turn) * radius * reach, y + math.sin(direction + turn) * radius * reach)
        for turn, reach in reaches
    ]
    canvas.path(polygon(corners), {**fill(color, opacity), **stroke(_PAPER, max(1.0, radius / 16), opacity)})


def _draw_health(canvas: Canvas, health: Health, opacity: float, circle: Circle) -> None:
    """Draw a bar across the lower part of a creature."""
    x, y, radius = circle
    share = min(1.0, health.current / health.maximum)
    color = next(color for limit, color in _HEALTH_COLORS if share > limit or limit == 0)
    width, height = radius * 1.6, max(4.0, radius * 0.24)
    box = (x - width / 2, y + radius * 0.86 - height, width, height)
    canvas.rectangle(box, {**fill(_INK, 0.85 * opacity), **stroke(_PAPER, max(0.75, height / 8), opacity)})
    if share > 0:
        edge = height / 6
        inner = (box[0] + edge, box[1] + edge, max(1.0, (width - 2 * edge) * share), height - 2 * edge)
        canvas.rectangle(inner, fill(color, opacity))
    canvas.occupy(box, Cost.LABEL)


def _draw_badges(canvas: Canvas, token: Token, opacity: float, circle: Circle) -> None:
    """Draw the conditions of a creature above it, or as near as the picture allows."""
    x, y, radius = circle
    size = max(_LEAST_BADGE_TEXT, min(radius * _BADGE_TEXT, canvas.text_size))
    row_height, gap = size * 1.45, size * 0.25
    rows = list(_rows(token.conditions, size, max(radius * _BADGE_ROW, canvas.text_size)))
    bottom = max(y - radius * 0.8, len(rows) * (row_height + gap))
    for index, row in enumerate(reversed(rows)):
        top = bottom - (index + 1) * (row_height + gap) + gap
        total = sum(width for _, width in row) + gap * (len(row) - 1)
        left = max(0.0, min(x - total / 2, canvas.width - total))
        for text, width in row:
            box = (left, top, width, row_height)
            canvas.rectangle(box, {**fill(_PAPER, 0.92 * opacity), **stroke(_INK, size / 14, opacity)})
            canvas.inscribe(text, left + width / 2, top + size * 1.05, size=size, max_width=width)
            canvas.occupy(box, Cost.LABEL)
            left += width + gap


def _rows(texts: Sequence[str], size: float, max_width: float) -> Iterator[list[tuple[str, float]]]:
    """Yield texts with the widths of their badges, as many in a row as fit, but at least one."""
    row: list[tuple[str, float]] = []
    for text in texts:
        width = (measure(text).width + 0.9) * size
        if row and sum(each for _, each in row) + width > max_width:
            yield row
            row = []
        row.append((text, width))
    if row:
        yield row
