"""SVG attributes and path data."""

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from image_grpc.maps.color import Color

MAX_COORDINATE = 1_000_000.0
"""Pixels. Coordinates are limited to this, far outside of any picture."""
NO_FILL = {"fill": "none"}

Points = Sequence[tuple[float, float]] | NDArray[np.float64]


def number(value: float) -> str:
    """Format a number of pixels, rounded to a hundredth and limited to MAX_COORDINATE."""
    value = min(max(value, -MAX_COORDINATE), MAX_COORDINATE)
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def numbers(**values: float) -> dict[str, str]:
    """Return attributes with numbers of pixels."""
    return {name: number(value) for name, value in values.items()}


def fill(color: Color, opacity: float = 1.0) -> dict[str, str]:
    """Return the attributes that fill an area."""
    return {"fill": color.hex, "fill-opacity": number(color.opacity * opacity)}


def stroke(color: Color, width: float, opacity: float = 1.0, dashes: Iterable[float] = ()) -> dict[str, str]:
    """Return the attributes that stroke a line. `dashes` alternates dash and gap lengths in pixels."""
    attributes = {
        "stroke": color.hex,
        "stroke-opacity": number(color.opacity * opacity),
        "stroke-width": number(width),
        "stroke-linejoin": "round",
        "stroke-linecap": "round",
    }
    if pattern := " ".join(number(length) for length in dashes):
        attributes["stroke-dasharray"] = pattern
    return attributes


def polyline(points: Points) -> str:
    """Return path data that connects points."""
    # Formats all points at once instead of calling `number`: a round shape has hundreds.
    limited = np.asarray(points, dtype=float).reshape(-1, 2).clip(-MAX_COORDINATE, MAX_COORDINATE).round(2)
    return "M" + "L".join(f"{x:.10g} {y:.10g}" for x, y in limited.tolist())


def polygon(points: Points) -> str:
    """Return path data that connects points, and the last one to the first."""
    return f"{polyline(points)}Z"


def clipped_polyline(points: Sequence[tuple[float, float]], width: float, height: float, margin: float) -> str:
    """Return path data that connects points, without what is more than `margin` outside of the picture.

    Otherwise the renderer would draw each dash of a line, however far it extends.
    """
    limited = [tuple(min(max(each, -MAX_COORDINATE), MAX_COORDINATE) for each in point) for point in points]
    left, top, right, bottom = -margin, -margin, width + margin, height + margin
    if all(left <= x <= right and top <= y <= bottom for x, y in limited):
        return polyline(np.array(limited))
    parts = shapely.get_parts(shapely.clip_by_rect(shapely.LineString(limited), left, top, right, bottom))
    return "".join(polyline(list(part.coords)) for part in parts if part.geom_type == "LineString")


def outline_path(shape: BaseGeometry) -> str:
    """Return path data of a polygon or of several, including their holes; of anything else, an empty text."""
    parts = getattr(shape, "geoms", [shape])
    parts = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    rings = (ring for part in parts for ring in (part.exterior, *part.interiors))
    return "".join(polygon(shapely.get_coordinates(ring)[:-1]) for ring in rings)
