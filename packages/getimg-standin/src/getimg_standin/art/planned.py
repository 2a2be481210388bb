"""Paintings over a layout: a drawing in flat colors that the picture must follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyvips

from getimg_standin.art.brief import Brief
from getimg_standin.art.campaign import Sketch, draw_campaign
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal, speckle
from getimg_standin.art.pixels import Color, blurred, mix, ramp, rgb, smoothstep, vignette
from getimg_standin.art.strips import strips
from getimg_standin.art.themes import Theme

_INK, _GLOW = (0x1C, 0x1A, 0x1E), (0xFF, 0xD7, 0x6A)
"""The colors of walls and lamps in a layout."""
_LAND, _ROAD, _TOWN = (0xB7, 0xC4, 0x8F), (0x8A, 0x6A, 0x3C), (0xA3, 0x3A, 0x2C)
"""The colors of a layout of a campaign map."""
_GROUNDS = (0x3A3840, 0xD8CCB6, 0xB39F86, 0x5A9BD4, 0x121016, 0x8FB668, 0xD0B27A, 0x5D8A48, 0xC9D3D8, 0xB7C48F)
"""The usual colors of grounds in a layout: rock, floor, rubble, water, pit, grass, path, thicket; anything, land."""
_FLOOR, _ROCK = (0xD8, 0xCC, 0xB6), (0x3A, 0x38, 0x40)
_GROUND_SHARE = np.float32(0.6)
"""How much floor and rock have the colors of the theme instead of those of the layout."""
_SPOT_STEP = 2
_SAMPLE_SIDE = 512
_MAX_COLORS, _LEAST_SHARE = 24, 0.9
"""A layout has nine tenths of its pixels in so few colors."""
_LEAST_INK, _LEAST_GROUND = 0.002, 0.3
"""Share of pixels that are walls, or else usual grounds."""
_DARK = 0.3
"""Brightness of walls and rock."""

Pixels = npt.NDArray[np.float32]
"""Of shape (height, width, 3), from 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """How exactly a picture follows a layout."""

    layout: str
    """The digest of the layout."""
    shift_x: float = 0.0
    """Shift to the right, as a share of the picture's width."""
    shift_y: float = 0.0
    """Shift down, as a share of its height."""
    scale: float = 1.0
    """Enlargement around the middle."""
    missing: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom of the part of the layout whose walls are left out, as shares of its sides."""


def is_layout(picture: bytes) -> bool:
    """Return whether a reference is a layout: few flat colors, known ones among them. Takes milliseconds."""
    try:
        image = pyvips.Image.new_from_buffer(picture, "").colourspace("srgb")
        if image.hasalpha():
            image = image.flatten()
        step = max(1, max(image.width, image.height) // _SAMPLE_SIDE)
        pixels = image.subsample(step, step, point=True).numpy().reshape(-1, image.bands)
    except pyvips.Error:
        return False
    if pixels.shape[1] != 3 or pixels.dtype != np.uint8:
        return False
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    colors, counts = np.unique(codes, return_counts=True)
    common = np.sort(counts)[::-1][:_MAX_COLORS].sum() / len(codes)
    ink = counts[colors == (_INK[0] << 16 | _INK[1] << 8 | _INK[2])].sum() / len(codes)
    ground = counts[np.isin(colors, _GROUNDS)].sum() / len(codes)
    return bool(common >= _LEAST_SHARE and (ink >= _LEAST_INK or ground >= _LEAST_GROUND))


def draw_planned(layout: bytes, following: Following, theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Return a painting over a layout. Raises pyvips.Error for a layout that is damaged."""
    flat = _warped(_without_walls(_pixels(layout), following), following, frame)
    painted = flat.copy()
    ink = _likeness(flat, _INK, 0.1)
    glow = _likeness(flat, _GLOW, 0.25)
    texture = fractal(frame, chance.of("texture"), 60, 5)
    for color, shades in ((_FLOOR, theme.floor), (_ROCK, theme.rock)):
        mix(painted, ramp(shades, texture), _GROUND_SHARE * _likeness(flat, color, 0.12))
    painted *= 0.84 + 0.3 * texture
    painted += 0.05 * speckle(frame, chance.of("grain"))
    mix(painted, rgb(theme.main), 0.14 * texture)
    shadow = blurred(ink, 9 * frame.scale)
    painted *= 1 - np.float32(0.45) * shadow
    mix(painted, rgb("#141216"), ink)
    light = np.clip(blurred(glow, 45 * frame.scale) * 14, 0, 1)
    mix(painted, rgb(theme.glow), 0.35 * light * (1 - ink))
    painted *= vignette(frame, 0.1)
    return painted


def draw_over_sketch(
    layout: bytes, following: Following, brief: Brief, theme: Theme, chance: Chance, frame: Frame
) -> Color:
    """Return a campaign map with land, roads and towns where a layout has them."""
    flat = _warped(_pixels(layout), following, frame)
    roads, towns = _likeness(flat, _ROAD, 0.25), _likeness(flat, _TOWN, 0.25)
    land = blurred(np.maximum.reduce([_likeness(flat, _LAND, 0.2), roads, towns]), 4 * frame.scale)
    sketch = Sketch(land=np.clip(land * 1.6, 0, 1), roads=roads, towns=_spots(towns, frame))
    return draw_campaign(brief, theme, chance, frame, sketch)


def _spots(mask: Field, frame: Frame) -> list[tuple[float, float]]:
    """Return the middles of the separate spots of a mask, in units."""
    rows, columns = np.nonzero(mask[::_SPOT_STEP, ::_SPOT_STEP] > 0.5)
    rest = set(zip(columns.tolist(), rows.tolist(), strict=True))
    spots = []
    while rest:
        spot = [rest.pop()]
        for column, row in spot:  # grows
            near = {(column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & rest
            rest -= near
            spot += near
        x, y = (float(np.mean(each)) * _SPOT_STEP / frame.scale for each in zip(*spot, strict=True))
        spots.append((x, y))
    return sorted(spots)


def _pixels(picture: bytes) -> Pixels:
    image = pyvips.Image.new_from_buffer(picture, "").colourspace("srgb").extract_band(0, n=3)
    return np.asarray(image.numpy(), dtype=np.float32) / np.float32(255)


def _without_walls(pixels: Pixels, following: Following) -> Pixels:
    """Return a layout in which walls, and the rock behind them, have the color of the other ground in a part."""
    if following.missing is None:
        return pixels
    left, top, right, bottom = following.missing
    height, width, _ = pixels.shape
    part = pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    is_dark = part.max(axis=2) < _DARK
    if np.any(is_dark) and not np.all(is_dark):
        part[is_dark] = np.median(part[~is_dark], axis=0)
    return pixels


def _warped(pixels: Pixels, following: Following, frame: Frame) -> Color:
    """Return a layout as a layer of the size of the picture, shifted and enlarged. Its edges go on beyond it."""
    height, width, _ = pixels.shape
    across, down = following.scale * frame.width / width, following.scale * frame.height / height
    image = pyvips.Image.new_from_array(pixels)
    moved = image.affine(
        [across, 0, 0, down],
        interpolate=pyvips.Interpolate.new("bilinear"),
        oarea=[0, 0, frame.width, frame.height],
        # Pixels count from their middle: without the half pixel, a layout would move when it is enlarged.
        idx=0.5,
        idy=0.5,
        odx=frame.width * (0.5 - following.scale / 2 + following.shift_x) - 0.5,
        ody=frame.height * (0.5 - following.scale / 2 + following.shift_y) - 0.5,
        extend="copy",
    )
    return np.ascontiguousarray(moved.numpy().transpose(2, 0, 1), dtype=np.float32)


def _likeness(layer: Color, color: tuple[int, int, int], distance: float) -> Field:
    """Return how much pixels look like a color: 1 for the same, 0 from a distance on."""
    target = np.array(color, dtype=np.float32)[:, None, None] / np.float32(255)
    difference = np.empty(layer.shape[1:], dtype=np.float32)
    for rows in strips(layer.shape[1]):
        offset = layer[:, rows] - target
        np.sqrt(np.einsum("kij,kij->ij", offset, offset), out=difference[rows])
    return smoothstep(distance, distance / 3, difference)
