"""SVG document of a drawing.

Text from callers is escaped by the XML library. Colors are parsed, so they cannot contain anything else.
"""

import base64
import math
from collections.abc import Mapping
from enum import Enum, auto
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from shapely.geometry.base import BaseGeometry

from image_grpc.maps import fonts
from image_grpc.maps.labels import MARGIN, Cost, Label, Place, Side, place_labels
from image_grpc.maps.lettering import Lettering, letter
from image_grpc.maps.svg import MAX_COORDINATE, number, numbers, polyline
from image_grpc.pictures import Portrait
from image_grpc.pictures.drawings import Box

_STRAIGHT_PATH = frozenset("MLZ -.0123456789")
_LEADER_COLOR, _LEADER_HALO = "#1b1b1f", "#ffffff"
_SEPARATE_POINTS = str.maketrans("MLZ", "   ")


class Layer(Enum):
    """Layer of a drawing, bottom first."""

    SHAPES = auto()
    LABELS = auto()
    PANELS = auto()


class Canvas:
    """SVG document of `width` x `height` pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._layers: dict[Layer, list[tuple[Box, Element]]] = {layer: [] for layer in Layer}
        self._names: list[Label] = []
        self._occupied: list[tuple[Box, Cost]] = []
        self._clip_paths = 0
        self._seen, self._explored = "", ""
        self._is_covered = self._draws_panels = False

    def cover(self, seen: str, explored: str) -> None:
        """Draw shapes and labels within path data only, dim what is explored, and cover everything else."""
        self._seen, self._explored, self._is_covered = seen, explored, True

    def begin_panels(self) -> None:
        """Draw labels and rectangles from here on above everything that covers the map."""
        self._draws_panels = True

    @property
    def text_size(self) -> float:
        """Font size of labels in pixels, in proportion to the picture."""
        return max(11.0, min(self.width, self.height) / 55)

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the document, enlarged by `scale`, or a part of it.

        A part has no shapes from elsewhere, because a renderer processes all shapes, visible or not.
        """
        left, top, width, height = part or (0, 0, self.width, self.height)
        size = numbers(width=width * scale, height=height * scale)
        view = " ".join(map(number, (left, top, width, height)))
        root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, "viewBox": view})
        text = {"font-family": fonts.FONT_FAMILY, "font-weight": "bold"}
        clip = {"clip-path": "url(#seen)"} if self._is_covered else {}
        if self._is_covered:
            SubElement(SubElement(root, "clipPath", {"id": "seen"}), "path", {"d": self._seen, "clip-rule": "evenodd"})
        for layer, look in ((Layer.SHAPES, clip), (Layer.LABELS, text | clip), (Layer.PANELS, text)):
            if layer is Layer.PANELS:
                self._draw_cover(root)
            group = SubElement(root, "g", look)
            group.extend(shape for box, shape in self._layers[layer] if part is None or _overlap(box, part))
        # Parsers would read a carriage return as a line feed.
        return ElementTree.tostring(root, encoding="unicode").replace("\r", "&#13;")

    def _draw_cover(self, root: Element) -> None:
        if not self._is_covered:
            return
        black, whole = {"fill-rule": "evenodd", "fill": "#000000"}, f"M-9 -9H{self.width + 9}V{self.height + 9}H-9Z"
        SubElement(root, "path", {"d": whole + self._seen + self._explored, **black})
        SubElement(root, "path", {"d": self._explored, **black, "fill-opacity": "0.6"})

    def _layer(self, layer: Layer) -> list[tuple[Box, Element]]:
        return self._layers[Layer.PANELS if self._draws_panels else layer]

    def path(self, data: str, paint: Mapping[str, str], layer: Layer = Layer.SHAPES) -> None:
        """Draw path data. `paint` has the attributes that `fill` and `stroke` return."""
        self._layer(layer).append((_path_box(data, _line_width(paint)), Element("path", {"d": data, **paint})))

    def circle(self, x: float, y: float, radius: float, paint: Mapping[str, str]) -> None:
        circle = Element("circle", {**numbers(cx=x, cy=y, r=radius), **paint})
        self._layer(Layer.SHAPES).append((box_around(x, y, radius + _line_width(paint)), circle))

    def rectangle(self, box: Box, paint: Mapping[str, str]) -> None:
        """Draw a rectangle with slightly rounded corners, in the layer of the labels."""
        x, y, width, height = box
        attributes = numbers(x=x, y=y, width=width, height=height, rx=min(width, height) * 0.12)
        line = _line_width(paint)
        bounds = (x - line, y - line, width + 2 * line, height + 2 * line)
        self._layer(Layer.LABELS).append((bounds, Element("rect", {**attributes, **paint})))

    def symbol(self, data: str, x: float, y: float, size: float, paint: Mapping[str, str]) -> None:
        """Draw a symbol, whose path data fills a box of 24 x 24, centered on a point."""
        move = f"translate({number(x - size / 2)} {number(y - size / 2)}) scale({number(size / 24)})"
        symbol = Element("path", {"d": data, "transform": move, **paint})
        self._layer(Layer.SHAPES).append((box_around(x, y, size), symbol))

    def picture(
        self, portrait: Portrait, x: float, y: float, radius: float, opacity: float, *, is_round: bool = True
    ) -> None:
        """Draw a square picture around a circle, clipped to that if it `is_round`."""
        group, look = Element("g"), {"opacity": number(opacity)}
        if is_round:
            self._clip_paths += 1
            name = f"clip{self._clip_paths}"
            clip = SubElement(group, "clipPath", {"id": name})
            SubElement(clip, "circle", numbers(cx=x, cy=y, r=radius))
            look["clip-path"] = f"url(#{name})"
        href = f"data:{portrait.media_type};base64,{base64.b64encode(portrait.data).decode()}"
        box = numbers(x=x - radius, y=y - radius, width=2 * radius, height=2 * radius)
        SubElement(group, "image", {"href": href, **box, **look})
        self._layer(Layer.SHAPES).append((box_around(x, y, radius), group))

    def label(
        self,
        text: str,
        x: float,
        y: float,
        *,
        size: float | None = None,
        anchor: str = "middle",
        max_width: float = math.inf,
    ) -> None:
        """Draw text with a halo, its baseline at `y`, moved into the picture, and fitted into it and `max_width`.

        `anchor` says what is at `x`: `start`, `middle` or `end`. Raises FontsNotConfigured before `fonts.configure`:
        the text would look different on each machine.
        """
        if text:
            lettering = self._letter(text, size, max_width)
            left, top, width, height = lettering.box_at(x, y, anchor)
            left = max(0.0, min(left, self.width - width))
            top = max(0.0, min(top, self.height - height))
            self._draw(self._layer(Layer.LABELS), lettering, (left, top, width, height), anchor)

    def inscribe(self, text: str, x: float, y: float, *, size: float, max_width: float) -> None:
        """Draw text at a point, as part of a shape, unless the edge of the picture would cut it."""
        if text:
            lettering = self._letter(text, size, max_width)
            left, top, width, height = box = lettering.box_at(x, y)
            if left >= 0 and top >= 0 and left + width <= self.width and top + height <= self.height:
                self._draw(self._layer(Layer.LABELS), lettering, box, "middle")

    def name(self, text: str, element: Box, side: Side, *, size: float | None = None) -> None:
        """Draw text next to an element with these bounds, where `place_names` finds room for it.

        Raises FontsNotConfigured before `fonts.configure`.
        """
        if text:
            self._names.append(Label(self._letter(text, size, math.inf), element, side))

    def occupy(self, box: Box, cost: Cost) -> None:
        """Keep names from covering a box."""
        self._occupied.append((box, cost))

    def place_names(self, seen: BaseGeometry | None = None) -> None:
        """Draw all names, best where they can be `seen`. Names that come first are closest to their elements."""
        names = [name for name in self._names if name.lettering.text]
        places = list(place_labels(names, self._occupied, (self.width, self.height), seen))
        layer = self._layers[Layer.LABELS]
        for name, place in zip(names, places, strict=True):
            self._draw_leader(place, name.lettering.size)
        for name, place in zip(names, places, strict=True):
            self._draw(layer, name.lettering, place.box, "middle")
        self._names.clear()

    def _letter(self, text: str, size: float | None, max_width: float) -> Lettering:
        fonts.require_configured()
        size = size or self.text_size
        margins = 2 * MARGIN * min(size, self.text_size)
        return letter(text, size, min(max_width, self.width - margins), self.height - margins)

    def _draw(self, layer: list[tuple[Box, Element]], lettering: Lettering, box: Box, anchor: str) -> None:
        self._clip_paths += lettering.is_cut
        layer.append((_grown(box, lettering.size), lettering.element(box, f"clip{self._clip_paths}", anchor)))

    def _draw_leader(self, place: Place, size: float) -> None:
        if place.leader is None:
            return
        (x1, y1), (x2, y2) = place.leader
        data = polyline([(x1, y1), (x2, y2)])
        width = size / 12
        for color, line in ((_LEADER_HALO, 3 * width), (_LEADER_COLOR, width)):
            paint = {"fill": "none", "stroke": color, "stroke-width": number(line), "stroke-linecap": "round"}
            self._layers[Layer.LABELS].append((_path_box(data, line), Element("path", {"d": data, **paint})))


def _path_box(data: str, margin: float) -> Box:
    """Return the bounds of path data; everything if it has commands other than straight lines."""
    if not _STRAIGHT_PATH.issuperset(data):
        return (-MAX_COORDINATE, -MAX_COORDINATE, 2 * MAX_COORDINATE, 2 * MAX_COORDINATE)
    points = np.fromstring(data.translate(_SEPARATE_POINTS), sep=" ").reshape(-1, 2)
    left, top = points.min(axis=0, initial=MAX_COORDINATE) - margin
    right, bottom = points.max(axis=0, initial=-MAX_COORDINATE) + margin
    return (float(left), float(top), float(right - left), float(bottom - top))


def _line_width(paint: Mapping[str, str]) -> float:
    """Return the width of the line, an upper bound of how far it extends beyond its shape."""
    return float(paint.get("stroke-width", 0))


def box_around(x: float, y: float, radius: float) -> Box:
    """Return the bounds of a circle."""
    return (x - radius, y - radius, 2 * radius, 2 * radius)


def _grown(box: Box, margin: float) -> Box:
    return (box[0] - margin, box[1] - margin, box[2] + 2 * margin, box[3] + 2 * margin)


def _overlap(one: Box, other: Box) -> bool:
    return all(one[i] < other[i] + other[i + 2] and other[i] < one[i] + one[i + 2] for i in (0, 1))
