"""Panels in the lower corners of a map: legend and scale bar."""

import math

from tabletop.image.v1.image_pb2 import Image

from image_grpc.maps.canvas import Canvas, Layer
from image_grpc.maps.color import Color, parse
from image_grpc.maps.grid import FEET_PER_CELL, Grid
from image_grpc.maps.labels import Cost
from image_grpc.maps.lettering import letter
from image_grpc.maps.svg import fill, polygon, stroke
from image_grpc.maps.text import measure
from image_grpc.pictures.drawings import Box

MAX_LINES = 16
"""Maximum number of lines of a legend; further entries are not drawn."""
_MARGIN, _ROW, _PADDING = 1.0, 1.5, 0.35
"""Distance of the legend from the edges, height of its lines, space above and below them, in font sizes."""

_PAPER, _INK = parse("#fffaf0"), parse("#1b1b1f")


class Legend:
    """Distinct pairs of name and color, in the order in which they are added."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Color] = {}

    def add(self, name: str, color: Color) -> None:
        self._entries.setdefault((name, color.hex), color)

    def draw(self, canvas: Canvas) -> float:
        """Draw a panel in the lower left corner, unless the legend is empty. Returns how far right it extends."""
        entries = list(self._entries.items())[:MAX_LINES]
        if not entries:
            return 0.0
        size = min(_text_size(canvas), canvas.height / (_ROW * len(entries) + 2 * _PADDING + 2 * _MARGIN))
        margin, row, widest = size * _MARGIN, size * _ROW, max(measure(name).width for (name, _), _ in entries)
        width = min(size * (2.6 + widest), canvas.width - 2 * margin)
        height = row * len(entries) + size * 2 * _PADDING
        top = canvas.height - margin - height
        _draw_panel(canvas, (margin, top, width, height))
        for index, ((name, _), color) in enumerate(entries):
            y = top + size * _PADDING + row * index + row * 0.22
            sample = {**fill(color), **stroke(_INK, size / 16)}
            canvas.rectangle((margin + size * 0.5, y, size, size * 0.9), sample)
            space = width - size * 2.3
            canvas.label(name, margin + size * 2, y + size * 0.8, size=size, anchor="start", max_width=space)
        return margin + width


def draw_scale_bar(canvas: Canvas, image: Image, legend: float = 0.0) -> None:
    """Draw a scale bar in the lower right corner, if the map has a scale or a grid.

    `legend` is how far the legend extends from the left, in pixels.
    """
    if image.map.HasField("scale"):
        unit, pixels_per_unit, shortest = image.map.scale.unit, 100 / image.map.scale.value, 0.0
    elif image.map.HasField("grid"):
        unit, pixels_per_unit, shortest = "ft", Grid.of_map(image).pixels_per_foot, FEET_PER_CELL
    else:
        return
    max_length = canvas.width * 0.2 / pixels_per_unit
    if not 0 < max_length < math.inf:
        return
    length = _round_length(max(max_length, shortest))
    width = length * pixels_per_unit
    if not 4 <= width <= canvas.width * 0.9:
        return
    size = _text_size(canvas)
    right, bottom = canvas.width - size * 1.5, canvas.height - size * 1.6
    left = right - width
    text, margin = f"{length:.10g} {unit}", size * 0.6
    label = letter(text, size, max(width, right - margin - legend - size / 2), canvas.height)
    start = min(left, right - label.box_size[0])
    _draw_panel(canvas, (start - margin, bottom - size * 2.1, right - start + 2 * margin, size * 3.1))
    for part in range(4):
        begin, end, top = left + width * part / 4, left + width * part / 4 + width / 4, bottom + size * 0.45
        corners = [(begin, bottom), (end, bottom), (end, top), (begin, top)]
        paint = {**fill(_INK if part % 2 == 0 else _PAPER), **stroke(_INK, size / 14)}
        canvas.path(polygon(corners), paint, Layer.LABELS)
    canvas.label(text, (start + right) / 2, bottom - size * 0.5, size=size, max_width=label.box_size[0])


def _text_size(canvas: Canvas) -> float:
    return canvas.text_size * 0.85


def _draw_panel(canvas: Canvas, box: Box) -> None:
    canvas.occupy(box, Cost.PANEL)
    canvas.rectangle(box, {**fill(_PAPER, 0.88), **stroke(_INK, _text_size(canvas) / 12, 0.5)})


def _round_length(max_length: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten up to `max_length`."""
    power = 10.0 ** math.floor(math.log10(max_length))
    return next((power * factor for factor in (5, 2) if power * factor <= max_length), power)
