"""Scale bar of a map."""

import math
from typing import NamedTuple

from tabletop.image.v1.image_pb2 import Image

from image_grpc.maps.canvas import Canvas, Layer
from image_grpc.maps.grid import FEET_PER_CELL, Grid
from image_grpc.maps.legend import INK, PAPER
from image_grpc.maps.svg import fill, polygon, stroke


class _Scale(NamedTuple):
    unit: str
    pixels_per_unit: float
    step: float
    """Units that lengths are multiples of; 0 for any round length."""


def draw_scale_bar(canvas: Canvas, image: Image) -> None:
    """Draw a scale bar in the lower right corner, if the map has a scale or a grid."""
    scale = _scale_of(image)
    if scale is None:
        return
    max_length = canvas.width * 0.2 / scale.pixels_per_unit
    if not 0 < max_length < math.inf:
        return
    length = _round_length(max_length, step=scale.step)
    width = length * scale.pixels_per_unit
    if not 4 <= width <= canvas.width * 0.9:
        return
    size = canvas.text_size * 0.85
    right, bottom = canvas.width - size * 1.5, canvas.height - size * 1.6
    left = right - width
    panel = {**fill(PAPER, 0.88), **stroke(INK, size / 12, 0.5)}
    box = (left - size * 0.6, bottom - size * 2.1, width + size * 1.2, size * 3.1)
    canvas.rectangle(box, panel, Layer.LABELS)
    for part in range(4):
        start, end, top = left + width * part / 4, left + width * part / 4 + width / 4, bottom + size * 0.45
        corners = [(start, bottom), (end, bottom), (end, top), (start, top)]
        paint = {**fill(INK if part % 2 == 0 else PAPER), **stroke(INK, size / 14)}
        canvas.path(polygon(corners), paint, Layer.LABELS)
    canvas.label(f"{length:.10g} {scale.unit}", (left + right) / 2, bottom - size * 0.5, size=size)


def _scale_of(image: Image) -> _Scale | None:
    if image.map.HasField("scale"):
        return _Scale(image.map.scale.unit, 100 / image.map.scale.value, step=0.0)
    if image.map.HasField("grid"):
        return _Scale("ft", Grid.of_map(image).pixels_per_foot, step=FEET_PER_CELL)
    return None


def _round_length(max_length: float, *, step: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten up to `max_length`, rounded down to a multiple of `step`.

    The result is at least one step.
    """
    if step:
        max_length = max(max_length, step)
    power = 10.0 ** math.floor(math.log10(max_length))
    length = next((power * factor for factor in (5, 2) if power * factor <= max_length), power)
    return max(step, math.floor(length / step) * step) if step else length
