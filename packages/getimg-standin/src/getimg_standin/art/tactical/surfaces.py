"""Textures of floors and of open ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal, speckle, value_noise
from getimg_standin.art.pixels import Color, ramp, relief, smoothstep
from getimg_standin.art.strips import strips
from getimg_standin.art.themes import Theme


def floor(frame: Frame, theme: Theme, rng: np.random.Generator, kind: str) -> Color:
    """A floor of flagstones, planks, plates or bare earth that fills the frame."""
    match kind:
        case "planks":
            return _planks(frame, theme, rng)
        case "plates":
            return _tiles(frame, theme, rng, size=SIZE_OF_PLATE, wobble=0, joint=2.2)
        case "earth":
            return earth(frame, theme.floor, rng)
        case _:
            return _tiles(frame, theme, rng, size=(42, 30), wobble=7, joint=3.4)


SIZE_OF_PLATE = (86, 58)


def earth(frame: Frame, colors: tuple[str, ...], rng: np.random.Generator) -> Color:
    """Uneven ground in `colors`."""
    broad = fractal(frame, rng, 260, 4)
    fine = fractal(frame, rng, 26, 3, gain=0.6)
    tone = broad * np.float32(0.62) + fine * np.float32(0.38) + speckle(frame, rng) * np.float32(0.07)
    layer = ramp(colors, tone)
    layer *= relief(fine, 5 * frame.scale)
    return layer


def _tiles(
    frame: Frame, theme: Theme, rng: np.random.Generator, *, size: tuple[float, float], wobble: float, joint: float
) -> Color:
    bend = (value_noise(frame, rng, 30) - np.float32(0.5)) * np.float32(wobble)
    shifts = rng.random(64, dtype=np.float32) * np.float32(size[0])
    tints = rng.random(4096, dtype=np.float32)
    wear = fractal(frame, rng, 60, 3, gain=0.6)
    height = np.empty(frame.shape, dtype=np.float32)
    tone = wear * np.float32(0.6)
    x = np.arange(frame.width, dtype=np.float32)[None, :] / np.float32(frame.scale)
    for rows in strips(frame.height):
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] / np.float32(frame.scale)
        edge, number = _tile_at(x + bend[rows], y + bend[rows], size, shifts)
        height[rows] = smoothstep(0, joint, edge)
        tone[rows] += tints[number % 4096] * np.float32(0.4)
    layer = ramp(theme.floor, tone)
    layer *= relief(height * np.float32(0.5) + wear * np.float32(0.5), 1.6 * frame.scale)
    layer *= np.float32(0.62) + np.float32(0.38) * height
    return layer


def _tile_at(x: Field, y: Field, size: tuple[float, float], shifts: Field) -> tuple[Field, NDArray[np.int32]]:
    """Return the distance to the edge of the tile at each place in units, and the number of the tile."""
    across, down = size
    row = (y / np.float32(down)).astype(np.int32) + 1
    along = x + shifts[row % 64]
    column = (along / np.float32(across)).astype(np.int32)
    to_side = along - (column + np.float32(0.5)) * np.float32(across)
    to_end = y - (row - np.float32(0.5)) * np.float32(down)
    edge = np.minimum(np.float32(across / 2) - np.abs(to_side), np.float32(down / 2) - np.abs(to_end))
    return edge, row * 57 + column * 13


def _planks(frame: Frame, theme: Theme, rng: np.random.Generator) -> Color:
    x = np.arange(frame.width, dtype=np.float32)[None, :] / np.float32(frame.scale)
    y = np.arange(frame.height, dtype=np.float32)[:, None] / np.float32(frame.scale)
    width, length = np.float32(17), np.float32(190)
    row = (y / width).astype(np.int32)
    shift = rng.random(256, dtype=np.float32) * length
    along = x + shift[row % 256]
    column = (along / length).astype(np.int32)
    to_side = width / 2 - np.abs(y - (row + np.float32(0.5)) * width)
    to_end = length / 2 - np.abs(along - (column + np.float32(0.5)) * length)
    height = smoothstep(0, 1.8, to_side) * smoothstep(0, 1.6, to_end)
    tints = rng.random(4096, dtype=np.float32)
    grain = value_noise(frame, rng, 90, 3.2) * np.float32(0.6) + value_noise(frame, rng, 34, 7) * np.float32(0.4)
    tone = tints[(row * 29 + column * 7) % 4096] * np.float32(0.45) + grain * np.float32(0.55)
    layer = ramp(theme.floor, tone)
    layer *= np.float32(0.55) + np.float32(0.45) * height
    return layer
