"""Layers of pixels: mixing, shading, light and shadow.

A color layer is a float32 array of shape (3, height, width), RGB from 0 to 1; a field or mask has the shape
(height, width). The planes are the first axis because numpy is several times faster that way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyvips

from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field
from getimg_standin.art.strips import strips

Color = Field
"""Shape (3,) or (3, height, width)."""


def rgb(code: str) -> Color:
    """Return the color of a `#rrggbb` code; shape (3,)."""
    return np.array([int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)], dtype=np.float32)


def plain(frame: Frame, code: str) -> Color:
    """Return a layer of one color."""
    layer = np.empty((3, *frame.shape), dtype=np.float32)
    layer[:] = rgb(code)[:, None, None]
    return layer


def ramp(codes: Sequence[str], tone: Field) -> Color:
    """Map `tone`, 0 to 1, to a gradient through the colors."""
    stops = np.linspace(0, 1, len(codes))
    steps = np.linspace(0, 1, 256)
    colors = np.stack([rgb(code) for code in codes])
    table = np.stack([np.interp(steps, stops, colors[:, plane]) for plane in range(3)]).astype(np.float32)
    layer: Color = np.empty((3, *tone.shape), dtype=np.float32)
    for rows in strips(tone.shape[0]):
        index = (np.clip(tone[rows], 0, 1) * 255).astype(np.intp)
        for plane, values in zip(layer, table, strict=True):
            np.take(values, index, out=plane[rows], mode="clip")  # the default mode buffers the output
    return layer


def mix(base: Color, top: Color, mask: Field) -> Color:
    """Blend `top` (a layer or a color) over `base` in place by the mask and return `base`."""
    over = np.broadcast_to(top[:, None, None] if top.ndim == 1 else top, base.shape)
    for rows in strips(base.shape[1]):
        base[:, rows] += (over[:, rows] - base[:, rows]) * mask[rows]
    return base


def smoothstep(low: float, high: float, field: Field) -> Field:
    """Return 0 below `low`, 1 above `high`, smooth between; inverted if `low` is greater than `high`."""
    result = np.empty_like(field)
    scale = np.float32(1 / (high - low))
    for rows in strips(field.shape[0]):
        t = np.clip((field[rows] - np.float32(low)) * scale, 0, 1)
        result[rows] = t * t * (3 - 2 * t)
    return result


def relief(height: Field, strength: float) -> Field:
    """Return the light from the upper left on a height field: around 1, brighter on slopes that face it.

    `strength` must grow with the frame's scale, as the differences between pixels shrink with it.
    """
    lit = np.ones_like(height)
    for rows in strips(height.shape[0] - 1):
        below = slice(rows.start + 1, rows.stop + 1)
        slope = height[below, 1:] - height[rows, :-1]
        lit[below, 1:] = np.clip(1 + slope * np.float32(strength), 0.4, 1.7)
    return lit


def blurred(field: Field, radius: float) -> Field:
    """Return the field with a Gaussian blur of `radius` pixels, computed at a lower resolution if it is wide."""
    if radius < 0.5:
        return field
    image = to_vips(field)
    shrink = int(min(8, max(1, radius // 3)))
    if shrink == 1:
        return _to_field(image.gaussblur(radius, precision="approximate"))
    small = image.shrink(shrink, shrink, ceil=True).gaussblur(radius / shrink, precision="approximate")
    return enlarged(_to_field(small), field.shape)


def enlarged(field: Field, shape: tuple[int, int]) -> Field:
    """Return the field scaled to `shape` (height, width) with interpolation."""
    height, width = field.shape
    image = to_vips(field).affine(
        [shape[1] / width, 0, 0, shape[0] / height],
        interpolate=pyvips.Interpolate.new("bilinear"),
        oarea=[0, 0, shape[1], shape[0]],
        extend="copy",
    )
    return _to_field(image)


def shifted(field: Field, right: int, down: int) -> Field:
    """Return the field shifted by pixels and padded with 0."""
    result = np.zeros_like(field)
    height, width = field.shape
    source = field[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    top, left = max(0, down), max(0, right)
    result[top : top + source.shape[0], left : left + source.shape[1]] = source
    return result


def cast_shadow(base: Color, alpha: Field, frame: Frame, *, offset: float, blur: float, strength: float) -> None:
    """Darken `base` in the shadow of the shape `alpha`; `offset` and `blur` are in units."""
    step = round(offset * frame.scale)
    shadow = blurred(shifted(alpha, step, step), blur * frame.scale)
    base *= 1 - np.float32(strength) * shadow


def light_map(
    frame: Frame, ambient: str, lights: Sequence[tuple[float, float, float, str]], warmth: float = 1.0
) -> Color:
    """Return a light factor per pixel: `ambient` plus `lights` (x, y, radius, color; in units)."""
    small = frame.reduced(4)
    total = plain(small, ambient)
    y, x = np.mgrid[0 : small.height, 0 : small.width].astype(np.float32)
    for center_x, center_y, radius, code in lights:
        right, down = x / small.scale - center_x, y / small.scale - center_y
        falloff = np.float32(warmth) * np.exp((right * right + down * down) * (-2.2 / radius**2))
        total += rgb(code)[:, None, None] * falloff
    return np.stack([enlarged(plane, frame.shape) for plane in np.minimum(total, 1.6)])


def vignette(frame: Frame, strength: float) -> Field:
    """Return a factor per pixel from 1 in the center to about 1 - strength in the corners."""
    y = np.linspace(-1, 1, frame.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, frame.width, dtype=np.float32)[None, :]
    edge = np.clip((x * x + y * y) * np.float32(0.5), 0, 1)
    result: Field = 1 - np.float32(strength) * edge * edge * (3 - 2 * edge)
    return result


def to_vips(field: Field) -> pyvips.Image:
    """Convert a field to a libvips image of floats."""
    height, width = field.shape
    data = np.ascontiguousarray(field, dtype=np.float32)
    return pyvips.Image.new_from_memory(data.data, width, height, 1, "float")


def _to_field(image: pyvips.Image) -> Field:
    data = image.cast("float").write_to_memory()
    return np.frombuffer(data, dtype=np.float32).reshape(image.height, image.width).copy()
