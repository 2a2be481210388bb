"""What surrounds a map: the legend and the scale bar."""

from __future__ import annotations

import math

from tabletop.image.v1.image_pb2 import Image

from image_grpc.maps.canvas import Canvas, fill, polyline, stroke
from image_grpc.maps.color import Color, parse
from image_grpc.maps.grid import FEET_PER_CELL, Grid

_PAPER, _INK = parse("#fffaf0"), parse("#1b1b1f")
MAX_LINES = 16


class Legend:
    """Which colours mean what, each once, in the order they come."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], Color] = {}

    def add(self, name: str, color: Color) -> None:
        """What is drawn in a colour."""
        self._lines.setdefault((name, color.hex), color)

    def draw(self, canvas: Canvas) -> None:
        """A panel in the lower left corner, if there is anything to explain."""
        lines = list(self._lines.items())[:MAX_LINES]
        if not lines:
            return
        size = canvas.text_size * 0.85
        row, margin = size * 1.5, size
        width = size * (2.6 + 0.72 * max(len(name) for (name, _), _ in lines))
        height = row * len(lines) + size * 0.7
        top = canvas.height - margin - height
        canvas.box(margin, top, width, height, {**fill(_PAPER, 0.88), **stroke(_INK, size / 12, 0.5)}, on_top=True)
        for index, ((name, _), color) in enumerate(lines):
            y = top + size * 0.35 + row * index
            canvas.box(
                margin + size * 0.5,
                y + row * 0.22,
                size,
                size * 0.9,
                {**fill(color), **stroke(_INK, size / 16)},
                on_top=True,
            )
            canvas.label(name, margin + size * 2, y + row * 0.22 + size * 0.8, size=size, anchor="start")


def draw_scale_bar(canvas: Canvas, image: Image) -> None:
    """How long things are, in the lower right corner; nothing where a campaign map tells no scale."""
    if image.map.HasField("scale"):
        unit, pixels, step = image.map.scale.unit, 100 / image.map.scale.value, 0.0
    elif image.map.HasField("grid"):
        unit, pixels = "ft", Grid.of(image.map.grid, image.content.size).cell / FEET_PER_CELL
        step = FEET_PER_CELL
    else:
        return
    most = canvas.width * 0.2 / pixels
    if not 0 < most < math.inf:
        return
    length = _round_length(most, step=step)
    wide = length * pixels
    if not 4 <= wide <= canvas.width * 0.9:
        return
    size = canvas.text_size * 0.85
    right, bottom = canvas.width - size * 1.5, canvas.height - size * 1.6
    left, high = right - wide, size * 0.45
    canvas.box(
        left - size * 0.6,
        bottom - size * 2.1,
        wide + size * 1.2,
        size * 3.1,
        {**fill(_PAPER, 0.88), **stroke(_INK, size / 12, 0.5)},
        on_top=True,
    )
    for part in range(4):
        x = left + wide * part / 4
        corners = [(x, bottom), (x + wide / 4, bottom), (x + wide / 4, bottom + high), (x, bottom + high)]
        paint = {**fill(_INK if part % 2 == 0 else _PAPER), **stroke(_INK, size / 14)}
        canvas.path(polyline(corners, closed=True), paint, on_top=True)
    canvas.label(f"{length:.10g} {unit}", (left + right) / 2, bottom - size * 0.5, size=size)


def _round_length(most: float, *, step: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer; a whole number of steps, if there are any."""
    if step:
        most = max(most, step)
    power = 10.0 ** math.floor(math.log10(most))
    length = next((power * times for times in (5, 2) if power * times <= most), power)
    return max(step, math.floor(length / step) * step) if step else length
