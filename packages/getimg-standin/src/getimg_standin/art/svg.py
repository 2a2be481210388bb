"""SVG elements as strings, and their rendering into layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyvips

from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field
from getimg_standin.art.pixels import Color, mix

_OPACITY = re.compile(r"(?<![\w-])opacity=")

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A rendered drawing."""

    color: Color
    """Shape (3, height, width), not premultiplied."""

    alpha: Field
    """Shape (height, width), 0 to 1."""

    def over(self, base: Color) -> Color:
        """Blend the drawing over `base` in place and return it."""
        return mix(base, self.color, self.alpha)


def render(frame: Frame, body: Iterable[str], defs: Iterable[str] = ()) -> Layer:
    """Render SVG elements, which use the frame's units."""
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{frame.width}" height="{frame.height}" viewBox="0 0 {frame.across:.3f} {frame.down:.3f}" '
        f'preserveAspectRatio="none"><defs>{"".join(defs)}</defs>{"".join(body)}</svg>'
    )
    image = pyvips.Image.svgload_buffer(text.encode(), unlimited=True)
    pixels = np.frombuffer(image.write_to_memory(), dtype=np.uint8).reshape(image.height, image.width, 4)
    planes = np.ascontiguousarray(pixels[: frame.height, : frame.width].transpose(2, 0, 1)).astype(np.float32)
    planes *= np.float32(1 / 255)
    return Layer(color=planes[:3], alpha=planes[3])


def path(points: Sequence[Point], *, closed: bool = True) -> str:
    """Return path data of straight lines through the points."""
    lines = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{lines}{'Z' if closed else ''}"


def curve(points: Sequence[Point], *, closed: bool = True) -> str:
    """Return path data of quadratic curves between the midpoints of the lines."""
    if len(points) < 3:
        return path(points, closed=False)
    pairs = list(zip(points, [*points[1:], points[0]], strict=True))
    midpoints = [((ax + bx) / 2, (ay + by) / 2) for (ax, ay), (bx, by) in pairs]
    if closed:
        start = midpoints[-1]
        pieces = zip(points, midpoints, strict=True)
        end = "Z"
    else:
        start = points[0]
        pieces = zip(points[1:-1], [*midpoints[1:-2], points[-1]], strict=True)
        end = ""
    curves = "".join(f"Q{x:.1f} {y:.1f} {u:.1f} {v:.1f}" for (x, y), (u, v) in pieces)
    return f"M{start[0]:.1f} {start[1]:.1f}{curves}{end}"


def shape(data: str, fill: str, extra: str = "") -> str:
    """Return a filled path."""
    return f'<path d="{data}" fill="{fill}" {_with_part_opacity(extra, "fill")}/>'


def stroke(data: str, color: str, width: float, extra: str = "") -> str:
    """Return a stroked path with round ends."""
    ends = 'stroke-linecap="round" stroke-linejoin="round"'
    return (
        f'<path d="{data}" fill="none" stroke="{color}" stroke-width="{width:.2f}" {ends} '
        f"{_with_part_opacity(extra, 'stroke')}/>"
    )


def circle(x: float, y: float, radius: float, fill: str, extra: str = "") -> str:
    """Return a filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.2f}" fill="{fill}" {_with_part_opacity(extra, "fill")}/>'


def ellipse(x: float, y: float, across: float, down: float, fill: str, extra: str = "") -> str:
    """Return a filled ellipse with the semi-axes `across` and `down`."""
    return (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{across:.2f}" ry="{down:.2f}" fill="{fill}" '
        f"{_with_part_opacity(extra, 'fill')}/>"
    )


def box(x: float, y: float, width: float, height: float, fill: str, extra: str = "") -> str:
    """Return a filled rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
        f"{_with_part_opacity(extra, 'fill')}/>"
    )


def at(x: float, y: float, body: str, *, turn: float = 0.0, size: float = 1.0) -> str:
    """Move elements from the origin to (x, y), rotate them by `turn` degrees and scale them."""
    return f'<g transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f}) scale({size:.3f})">{body}</g>'


def group(body: Iterable[str], extra: str = "") -> str:
    """Group elements under common attributes."""
    return f"<g {extra}>{''.join(body)}</g>"


def linear(name: str, stops: Sequence[str], direction: str = 'x1="0" y1="0" x2="0" y2="1"') -> str:
    """Return a linear gradient through evenly spaced colors, downward by default."""
    return f'<linearGradient id="{name}" {direction}>{_stops(stops)}</linearGradient>'


def radial(name: str, stops: Sequence[str], extra: str = "") -> str:
    """Return a radial gradient through evenly spaced colors, from the center out."""
    return f'<radialGradient id="{name}" {extra}>{_stops(stops)}</radialGradient>'


def glow(name: str, color: str, strength: float = 1.0) -> str:
    """Return a radial gradient from `color` to transparent."""
    steps = ((0.0, 1.0), (0.25, 0.62), (0.5, 0.28), (0.75, 0.08), (1.0, 0.0))
    stops = "".join(
        f'<stop offset="{offset}" stop-color="{color}" stop-opacity="{part * strength:.3f}"/>' for offset, part in steps
    )
    return f'<radialGradient id="{name}">{stops}</radialGradient>'


def _with_part_opacity(extra: str, part: str) -> str:
    """Replace `opacity` with the opacity of the fill or the stroke.

    librsvg allocates a surface of the size of the picture for each element with `opacity`, which is a hundred
    times slower; a single shape looks the same either way.
    """
    return _OPACITY.sub(f"{part}-opacity=", extra)


def _stops(colors: Sequence[str]) -> str:
    last = max(1, len(colors) - 1)
    return "".join(f'<stop offset="{index / last:.3f}" stop-color="{color}"/>' for index, color in enumerate(colors))
