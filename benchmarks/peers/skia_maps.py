"""Skia, the library that browsers draw with: it draws a map's shapes and labels over the picture.

Libvips decodes and encodes, which it does faster than skia. What a program would know in advance is prepared outside of
the measured time: the parsed shapes, and the laid out labels.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pyvips
import skia

from image_grpc.maps import fonts

_TEXT = "{http://www.w3.org/2000/svg}text"
_QUALITY = 85
"""Of `pictures.render`, for JPEG."""


class SkiaMap:
    """The drawing over a map, ready to be drawn."""

    def __init__(self, svg: str) -> None:
        # Skia's documents have no fonts in Python: it ignores the labels, which are drawn from glyphs instead.
        self._shapes = skia.SVGDOM.MakeFromStream(skia.MemoryStream(svg.encode()))
        self._labels = [_Label(element) for element in ElementTree.fromstring(svg).iter(_TEXT)]

    def compose(self, jpeg: bytes) -> bytes:
        """Decode a picture, draw over it, and encode it as JPEG."""
        picture = pyvips.Image.new_from_buffer(jpeg, "", access="sequential")
        width, height = picture.width, picture.height
        pixels = picture.bandjoin(255).write_to_memory()
        info = skia.ImageInfo.Make(width, height, skia.kRGBA_8888_ColorType, skia.kOpaque_AlphaType)
        canvas = skia.Surface.MakeRasterDirect(info, pixels, info.minRowBytes()).getCanvas()
        self._shapes.setContainerSize(skia.Size(width, height))
        self._shapes.render(canvas)
        for label in self._labels:
            label.draw(canvas)
        drawn = pyvips.Image.new_from_memory(pixels, width, height, 4, "uchar").copy(interpretation="srgb")
        encoded: bytes = drawn.extract_band(0, n=3).write_to_buffer(".jpg", Q=_QUALITY)
        return encoded


class _Label:
    """A text with a halo."""

    def __init__(self, element: ElementTree.Element) -> None:
        look = element.attrib
        font = skia.Font(_typeface(), float(look["font-size"]))
        text = element.text or ""
        self._x, self._y = float(look["x"]), float(look["y"])
        if look["text-anchor"] == "middle":
            self._x -= font.measureText(text) / 2
        self._glyphs = skia.TextBlob.MakeFromString(text, font)
        halo = skia.Color4f(skia.ColorWHITE)
        halo.fA = float(look["stroke-opacity"])
        self._halo = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, Color4f=halo)
        self._halo.setStrokeWidth(float(look["stroke-width"]))
        self._halo.setStrokeJoin(skia.Paint.kRound_Join)
        self._fill = skia.Paint(AntiAlias=True, Color=int(look["fill"].removeprefix("#"), 16) | 0xFF000000)

    def draw(self, canvas: skia.Canvas) -> None:
        """Draw the halo, and the text over it."""
        for paint in (self._halo, self._fill):
            canvas.drawTextBlob(self._glyphs, self._x, self._y, paint)


def _typeface() -> skia.Typeface:
    # Skia's default manager reads our fonts.conf with an old fontconfig, which scans the working directory instead.
    manager = skia.FontMgr.New_Custom_Empty()
    return manager.makeFromFile(str(Path(fonts.__file__).with_name("DejaVuSans-Bold.ttf")))
