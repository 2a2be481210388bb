"""Drawings of the objects of floor plans."""

from dataclasses import dataclass

from tabletop.image.v1.map_pb2 import PlanObject

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.color import parse
from image_grpc.maps.grid import Grid
from image_grpc.maps.svg import NO_FILL, number, polygon, polyline, stroke
from image_grpc.plans.objects import is_way

_OUTLINE = "#2a2530"
_INSET = 0.06
"""Distance in cells of a drawing from the outline of what does not restrict anything."""
_STEPS = 4
_UPSTAIRS, _DOWNSTAIRS = "#f1ebdf", "#8b8177"


@dataclass(frozen=True, slots=True)
class _Look:
    color: str
    is_round: bool = False


_LOOKS = {
    "pillar": _Look("#6d6a74"),
    "column": _Look("#6d6a74"),
    "statue": _Look("#8f8c96"),
    "boulder": _Look("#8a857c", is_round=True),
    "tree": _Look("#3f7a3a", is_round=True),
    "bush": _Look("#5f9a4a", is_round=True),
    "table": _Look("#9c6b3c"),
    "altar": _Look("#c9c4bc"),
    "sarcophagus": _Look("#a9a49c"),
    "bed": _Look("#a8564e"),
    "chest": _Look("#8a5a24"),
    "crate": _Look("#a67c45"),
    "barrel": _Look("#8a5f33", is_round=True),
    "well": _Look("#5a87a8", is_round=True),
    "fountain": _Look("#6fa6c8", is_round=True),
    "hearth": _Look("#c2572e"),
    "campfire": _Look("#e07b2e", is_round=True),
    "tent": _Look("#b9a06a"),
}
_OTHER = _Look("#b59a78")


def draw_object(canvas: Canvas, object_: PlanObject, grid: Grid) -> None:
    """Draw an object on a map with a grid."""
    type_, size = object_.type.lower(), grid.cell_size
    inset = _INSET * min(object_.width, object_.height)
    left, top = grid.offset[0] + (object_.x + inset) * size, grid.offset[1] + (object_.y + inset) * size
    width, height = (object_.width - 2 * inset) * size, (object_.height - 2 * inset) * size
    if is_way(object_):
        color = _DOWNSTAIRS if "down" in type_ else _UPSTAIRS
        _draw_stairs(canvas, color, left, top, width, height)
        return
    look = _LOOKS.get(type_, _OTHER)
    paint = {"fill": look.color, **stroke(parse(_OUTLINE), max(1.0, size / 30))}
    if look.is_round:
        canvas.path(_ellipse(left + width / 2, top + height / 2, width / 2, height / 2), paint)
    else:
        canvas.path(
            polygon([(left, top), (left + width, top), (left + width, top + height), (left, top + height)]), paint
        )


def _draw_stairs(canvas: Canvas, color: str, left: float, top: float, width: float, height: float) -> None:
    """Draw steps across the longer side."""
    line = stroke(parse(_OUTLINE), max(1.0, min(width, height) / 14))
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    canvas.path(polygon(corners), {"fill": color, **line})
    for step in range(1, _STEPS):
        if width >= height:
            x = left + width * step / _STEPS
            canvas.path(polyline([(x, top), (x, top + height)]), {**NO_FILL, **line})
        else:
            y = top + height * step / _STEPS
            canvas.path(polyline([(left, y), (left + width, y)]), {**NO_FILL, **line})


def _ellipse(x: float, y: float, across: float, down: float) -> str:
    start, end = (f"{number(x + sign * across)} {number(y)}" for sign in (-1, 1))
    radii = f"{number(across)} {number(down)}"
    return f"M{start}A{radii} 0 1 0 {end}A{radii} 0 1 0 {start}Z"
