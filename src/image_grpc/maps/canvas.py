"""Writing SVG: shapes, text and symbols as elements of one document. What callers wrote is escaped by the XML
library; colours are parsed, so none can carry anything else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from image_grpc.maps import fonts
from image_grpc.maps.color import Color

FAR = 1_000_000.0
_STRAIGHT = frozenset("MLZ -.0123456789")
_APART = str.maketrans("MLZ", "   ")
_HALO = "#ffffff"
_INK = "#1b1b1f"


Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""


class Canvas:
    """One SVG document of `width` x `height` pixels. Labels are drawn over everything else."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._shapes: list[tuple[Box, Element]] = []
        self._labels: list[tuple[Box, Element]] = []
        self._clips = 0

    @property
    def text_size(self) -> float:
        """Height of a label's letters that suits the picture."""
        return max(11.0, min(self.width, self.height) / 55)

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """The document; or a part of it, without what is elsewhere: a renderer goes through all that it is given,
        seen or not."""
        left, top, width, height = part or (0, 0, self.width, self.height)
        root = Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": number(width * scale),
                "height": number(height * scale),
                "viewBox": " ".join(map(number, (left, top, width, height))),
            },
        )
        shapes = SubElement(root, "g")
        labels = SubElement(root, "g", {"font-family": fonts.FAMILY, "font-weight": "bold"})
        for group, drawn in ((shapes, self._shapes), (labels, self._labels)):
            group.extend(each for box, each in drawn if part is None or _meet(box, part))
        return ElementTree.tostring(root, encoding="unicode")

    def path(self, data: str, paint: Mapping[str, str], *, on_top: bool = False) -> None:
        """Lines and areas. `paint` are attributes, as `fill` and `stroke` make them."""
        self._add(_box_of(data, _edge(paint)), Element("path", {"d": data, **paint}), on_top=on_top)

    def circle(self, x: float, y: float, radius: float, paint: Mapping[str, str]) -> None:
        """A circle."""
        circle = Element("circle", {"cx": number(x), "cy": number(y), "r": number(radius), **paint})
        self._add(_around(x, y, radius + _edge(paint)), circle)

    def box(
        self, x: float, y: float, width: float, height: float, paint: Mapping[str, str], *, on_top: bool = False
    ) -> None:
        """A box with slightly rounded corners."""
        attributes = {"x": number(x), "y": number(y), "width": number(width), "height": number(height)}
        radius = {"rx": number(min(width, height) * 0.12)}
        edge = _edge(paint)
        place = (x - edge, y - edge, width + 2 * edge, height + 2 * edge)
        self._add(place, Element("rect", {**attributes, **radius, **paint}), on_top=on_top)

    def symbol(self, data: str, x: float, y: float, size: float, paint: Mapping[str, str]) -> None:
        """A path that is drawn in a box of 24 x 24 about 12, 12, placed with its centre here."""
        scale = size / 24
        move = f"translate({number(x - size / 2)} {number(y - size / 2)}) scale({number(scale)})"
        self._add(_around(x, y, size), Element("path", {"d": data, "transform": move, **paint}))

    def picture(self, jpeg: bytes, x: float, y: float, radius: float, opacity: float = 1.0) -> None:
        """A square picture, cut to a circle."""
        self._clips += 1
        name = f"clip{self._clips}"
        group = Element("g")
        clip = SubElement(group, "clipPath", {"id": name})
        SubElement(clip, "circle", {"cx": number(x), "cy": number(y), "r": number(radius)})
        SubElement(
            group,
            "image",
            {
                "href": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}",
                "x": number(x - radius),
                "y": number(y - radius),
                "width": number(2 * radius),
                "height": number(2 * radius),
                "clip-path": f"url(#{name})",
                "opacity": number(opacity),
            },
        )
        self._add(_around(x, y, radius), group)

    def label(
        self, text: str, x: float, y: float, *, size: float | None = None, anchor: str = "middle", fill: str = _INK
    ) -> None:
        """Text with a halo, its baseline here. Labels that would leave the picture are moved into it."""
        if not text:
            return
        height = size or self.text_size
        y = min(max(y, height * 1.1), self.height - height * 0.35)
        attributes = {
            "x": number(x),
            "y": number(y),
            "font-size": number(height),
            "text-anchor": anchor,
            "fill": fill,
            "stroke": _HALO,
            "stroke-opacity": "0.85",
            "stroke-width": number(height * 0.22),
            "stroke-linejoin": "round",
            "paint-order": "stroke",
        }
        written = Element("text", attributes)
        written.text = fonts.drawable(text)
        wide = height * (1.2 * len(text) + 1)  # no character is wider
        self._labels.append(((x - wide, y - height * 1.5, 2 * wide, height * 2.5), written))

    def _add(self, box: Box, shape: Element, *, on_top: bool = False) -> None:
        (self._labels if on_top else self._shapes).append((box, shape))


def fill(color: Color, opacity: float = 1.0) -> dict[str, str]:
    """Paint of an area."""
    return {"fill": color.hex, "fill-opacity": number(color.opacity * opacity)}


def stroke(color: Color, width: float, opacity: float = 1.0, dashes: Iterable[float] = ()) -> dict[str, str]:
    """Paint of a line."""
    paint = {
        "stroke": color.hex,
        "stroke-opacity": number(color.opacity * opacity),
        "stroke-width": number(width),
        "stroke-linejoin": "round",
        "stroke-linecap": "round",
    }
    if pattern := " ".join(number(each) for each in dashes):
        paint["stroke-dasharray"] = pattern
    return paint


NO_FILL = {"fill": "none"}


def polyline(points: Sequence[tuple[float, float]] | NDArray[np.float64], *, closed: bool = False) -> str:
    """Path data through points, written as `number` does, but all at once: a round shape has hundreds."""
    near = np.asarray(points, dtype=float).reshape(-1, 2).clip(-FAR, FAR).round(2)
    return "M" + "L".join(f"{x:.10g} {y:.10g}" for x, y in near.tolist()) + ("Z" if closed else "")


def clipped(points: Sequence[tuple[float, float]], canvas: Canvas, margin: float) -> str:
    """Path data through points, without what is further than `margin` outside of the picture: the renderer would
    draw each dash of a line, however far it goes."""
    near = [(min(max(x, -FAR), FAR), min(max(y, -FAR), FAR)) for x, y in points]
    box = (-margin, -margin, canvas.width + margin, canvas.height + margin)
    if all(box[0] <= x <= box[2] and box[1] <= y <= box[3] for x, y in near):
        return polyline(near)
    parts = shapely.get_parts(shapely.clip_by_rect(shapely.LineString(near), *box))
    return "".join(polyline(list(part.coords)) for part in parts if part.geom_type == "LineString")


def outline(shape: BaseGeometry) -> str:
    """Path data of a polygon, or of several, holes left out."""
    parts = getattr(shape, "geoms", [shape])
    rings = (ring for part in parts if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors))
    return "".join(polyline(shapely.get_coordinates(ring)[:-1], closed=True) for ring in rings)


def _box_of(data: str, margin: float) -> Box:
    """Where a path is; everywhere, if it has more than points and lines between them."""
    if not _STRAIGHT.issuperset(data):
        return (-FAR, -FAR, 2 * FAR, 2 * FAR)
    points = np.fromstring(data.translate(_APART), sep=" ").reshape(-1, 2)
    left, top = points.min(axis=0, initial=FAR) - margin
    right, bottom = points.max(axis=0, initial=-FAR) + margin
    return (float(left), float(top), float(right - left), float(bottom - top))


def _edge(paint: Mapping[str, str]) -> float:
    """How far, at most, a line of this paint reaches out of its shape."""
    return float(paint.get("stroke-width", 0))


def _around(x: float, y: float, radius: float) -> Box:
    return (x - radius, y - radius, 2 * radius, 2 * radius)


def _meet(one: Box, other: Box) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))


def number(value: float) -> str:
    """A number as SVG has it, to a hundredth of a pixel; what is far outside of any picture is just that."""
    value = min(max(value, -FAR), FAR)
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
