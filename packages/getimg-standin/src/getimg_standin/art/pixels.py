"""Layers of pixels: mixing, shading, light and shadow.

A colour layer is a float32 array of shape (3, height, width), red green blue from 0 to 1; a field or mask is
one of shape (height, width). Planes come first as numpy is several times faster that way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyvips

from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field

_STRIP_ROWS = 48

Colour = Field
"""Shape (3,) or (3, height, width)."""


def rgb(code: str) -> Colour:
    """A colour from its `#rrggbb` code; shape (3,)."""
    return np.array([int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)], dtype=np.float32)


def plain(frame: Frame, code: str) -> Colour:
    """A layer of one colour."""
    layer = np.empty((3, *frame.shape), dtype=np.float32)
    layer[:] = rgb(code)[:, None, None]
    return layer


def ramp(codes: Sequence[str], tone: Field) -> Colour:
    """A layer that runs through the colours as `tone` goes from 0 to 1."""
    stops = np.linspace(0, 1, len(codes))
    steps = np.linspace(0, 1, 256)
    colours = np.stack([rgb(code) for code in codes])
    table = np.stack([np.interp(steps, stops, colours[:, plane]) for plane in range(3)]).astype(np.float32)
    index = (np.clip(tone, 0, 1) * 255).astype(np.uint8)
    layer: Colour = table[:, index]
    return layer


def mix(base: Colour, top: Colour, mask: Field) -> Colour:
    """`top` (a layer or one colour) over `base` where the mask is 1; changes `base` and returns it."""
    over = np.broadcast_to(top[:, None, None] if top.ndim == 1 else top, base.shape)
    for rows in strips(base.shape[1]):
        base[:, rows] += (over[:, rows] - base[:, rows]) * mask[rows]
    return base


def strips(height: int) -> Iterator[slice]:
    """The rows of a layer in pieces that fit the processor's cache: steps done piece by piece run faster."""
    for top in range(0, height, _STRIP_ROWS):
        yield slice(top, min(height, top + _STRIP_ROWS))


def smoothstep(low: float, high: float, field: Field) -> Field:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger one, which turns it round."""
    result = np.empty_like(field)
    scale = np.float32(1 / (high - low))
    for rows in strips(field.shape[0]):
        t = np.clip((field[rows] - np.float32(low)) * scale, 0, 1)
        result[rows] = t * t * (3 - 2 * t)
    return result


def relief(height: Field, strength: float) -> Field:
    """Light from the upper left on a surface: around 1, brighter on slopes that face it.

    `strength` is to grow with the frame's scale, as the steps from pixel to pixel shrink with it.
    """
    lit = np.ones_like(height)
    for rows in strips(height.shape[0] - 1):
        below = slice(rows.start + 1, rows.stop + 1)
        slope = height[below, 1:] - height[rows, :-1]
        lit[below, 1:] = np.clip(1 + slope * np.float32(strength), 0.4, 1.7)
    return lit


def blurred(field: Field, radius: float) -> Field:
    """The field under a Gaussian blur of `radius` pixels; wide ones are blurred on fewer pixels."""
    if radius < 0.5:
        return field
    image = to_vips(field)
    shrink = int(min(8, max(1, radius // 3)))
    if shrink == 1:
        return _to_field(image.gaussblur(radius, precision="approximate"))
    small = image.shrink(shrink, shrink, ceil=True).gaussblur(radius / shrink, precision="approximate")
    return enlarged(_to_field(small), field.shape)


def enlarged(field: Field, shape: tuple[int, int]) -> Field:
    """The field stretched to `shape` = (height, width), smoothly."""
    height, width = field.shape
    image = to_vips(field).affine(
        [shape[1] / width, 0, 0, shape[0] / height],
        interpolate=pyvips.Interpolate.new("bilinear"),
        oarea=[0, 0, shape[1], shape[0]],
        extend="copy",
    )
    return _to_field(image)


def moved(field: Field, right: int, down: int) -> Field:
    """The field shifted by pixels, 0 where nothing moves in."""
    result = np.zeros_like(field)
    height, width = field.shape
    source = field[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    top, left = max(0, down), max(0, right)
    result[top : top + source.shape[0], left : left + source.shape[1]] = source
    return result


def cast_shadow(base: Colour, alpha: Field, frame: Frame, *, offset: float, blur: float, strength: float) -> None:
    """Darkens `base` where the shape `alpha` throws its shadow; both in units."""
    step = round(offset * frame.scale)
    shadow = blurred(moved(alpha, step, step), blur * frame.scale)
    base *= 1 - np.float32(strength) * shadow


def light_map(
    frame: Frame, ambient: str, lights: Sequence[tuple[float, float, float, str]], warmth: float = 1.0
) -> Colour:
    """Light to multiply a layer with: `ambient` everywhere plus `lights` (x, y, radius, colour; in units)."""
    small = frame.reduced(4)
    total = plain(small, ambient)
    y, x = np.mgrid[0 : small.height, 0 : small.width].astype(np.float32)
    for centre_x, centre_y, radius, code in lights:
        right, down = x / small.scale - centre_x, y / small.scale - centre_y
        falloff = np.float32(warmth) * np.exp((right * right + down * down) * (-2.2 / radius**2))
        total += rgb(code)[:, None, None] * falloff
    return np.stack([enlarged(plane, frame.shape) for plane in np.minimum(total, 1.6)])


def vignette(frame: Frame, strength: float) -> Field:
    """1 in the middle, down to about 1 - strength in the corners."""
    y = np.linspace(-1, 1, frame.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, frame.width, dtype=np.float32)[None, :]
    edge = np.clip((x * x + y * y) * np.float32(0.5), 0, 1)
    result: Field = 1 - np.float32(strength) * edge * edge * (3 - 2 * edge)
    return result


def to_vips(field: Field) -> pyvips.Image:
    """One plane as a libvips image of floats."""
    height, width = field.shape
    data = np.ascontiguousarray(field, dtype=np.float32)
    return pyvips.Image.new_from_memory(data.data, width, height, 1, "float")


def _to_field(image: pyvips.Image) -> Field:
    data = image.cast("float").write_to_memory()
    return np.frombuffer(data, dtype=np.float32).reshape(image.height, image.width).copy()
