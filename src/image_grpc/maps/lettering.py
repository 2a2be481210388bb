"""Text that fits into its space, as SVG."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from image_grpc.maps.svg import number, numbers
from image_grpc.maps.text import Extents, direction, for_xml, measure
from image_grpc.pictures.drawings import Box

HALO = 0.11
"""Width of the halo around text in font sizes."""
MIN_SCALE = 0.65
"""How much smaller text gets to fit into its space. What is still longer is cut, with an ellipsis."""
_DOTS = 1.1
"""Width of the ellipsis in font sizes."""
_INK, _PAPER = "#1b1b1f", "#ffffff"
_LOOK = {"fill": _INK, "stroke": _PAPER, "stroke-opacity": "0.85", "stroke-linejoin": "round", "paint-order": "stroke"}
_ANCHORS = {"start": 0.0, "middle": 0.5, "end": 1.0}
_MIRRORED = {"start": "end", "middle": "middle", "end": "start"}


@dataclass(frozen=True, slots=True)
class Lettering:
    """Text in the font size at which it fits into its space."""

    text: str
    size: float
    """Font size in pixels."""
    width: float
    """Width in pixels of what is shown of the text."""
    extents: Extents

    @property
    def box_size(self) -> tuple[float, float]:
        """Width and height in pixels, including the halo."""
        height = self.extents.ascent + self.extents.descent + 2 * HALO
        return self.width + 2 * HALO * self.size, height * self.size

    @property
    def is_cut(self) -> bool:
        """Whether the end of the text is not shown."""
        return self.width < self.extents.width * self.size - 0.01

    def box_at(self, x: float, baseline: float, anchor: str = "middle") -> Box:
        """Return the box of text whose `anchor`, `start`, `middle` or `end`, is at `x`."""
        width, height = self.box_size
        left = x - self.width * _ANCHORS[anchor] - HALO * self.size
        return (left, baseline - (self.extents.ascent + HALO) * self.size, width, height)

    def element(self, box: Box, name: str, anchor: str = "middle") -> Element:
        """Return text in a box of its size as SVG. `name` is an id that nothing else in the document has."""
        left, top, width, height = box
        is_rtl = direction(self.text) == "rtl"
        if not self.is_cut:
            return self._text(box, anchor, is_rtl)
        group, dots = Element("g"), _DOTS * self.size
        clip = SubElement(group, "clipPath", {"id": name})
        start = left + dots if is_rtl else left
        SubElement(clip, "rect", numbers(x=start, y=top, width=max(0.0, width - dots), height=height))
        SubElement(group, "g", {"clip-path": f"url(#{name})"}).append(
            self._text(box, "end" if is_rtl else "start", is_rtl)
        )
        baseline = top + (self.extents.ascent + HALO) * self.size
        group.append(self._ellipsis(left if is_rtl else left + width - dots, baseline))
        return group

    def _text(self, box: Box, anchor: str, is_rtl: bool) -> Element:
        left, top, width, _ = box
        x = left + HALO * self.size + (width - 2 * HALO * self.size) * _ANCHORS[anchor]
        attributes = {
            **numbers(x=x, y=top + (self.extents.ascent + HALO) * self.size),
            "font-size": number(self.size),
            "text-anchor": _MIRRORED[anchor] if is_rtl else anchor,
            "stroke-width": number(2 * HALO * self.size),
            **_LOOK,
        }
        if is_rtl:
            attributes["direction"] = "rtl"
        text = Element("text", attributes)
        text.text = for_xml(self.text)
        return text

    def _ellipsis(self, left: float, baseline: float) -> Element:
        """Return three dots, which are no text: the text of the document is the caller's."""
        step, radius = _DOTS * self.size / 3.6, self.size * 0.09
        dots = "".join(
            f"M{number(left + step * (0.8 + index) - radius)} {number(baseline - radius)}"
            f"a{number(radius)} {number(radius)} 0 1 0 {number(2 * radius)} 0"
            f"a{number(radius)} {number(radius)} 0 1 0 {number(-2 * radius)} 0Z"
            for index in range(3)
        )
        return Element("path", {"d": dots, "stroke-width": number(2 * HALO * self.size), **_LOOK})


def letter(text: str, size: float, max_width: float, max_height: float) -> Lettering:
    """Return text in a font size of at most `size` that fits into a space in pixels, cut if it is much too long."""
    extents = measure(text)
    size = min(size, max(0.01, max_height / (extents.ascent + extents.descent + 2 * HALO)))
    whole = size * (extents.width + 2 * HALO)
    size *= min(1.0, max(MIN_SCALE, max_width / whole if whole else 1.0))
    size = min(size, max(0.01, max_width / (2 * HALO + _DOTS))) if max_width < size * (2 * HALO + _DOTS) else size
    return Lettering(text, size, max(0.0, min(size * extents.width, max_width - 2 * HALO * size)), extents)
