"""Rivers and roads: winding bands across a map."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, pi, sin, sqrt

import numpy as np

from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field


@dataclass(frozen=True, slots=True)
class Band:
    """A winding line across the frame, a straight line plus waves; all lengths in units."""

    offset: float
    tilt: float
    waves: tuple[tuple[float, float, float], ...]
    """Amplitude, wavelength and phase per wave."""

    half_width: float
    upright: bool
    """Whether it runs from top to bottom instead of from left to right."""

    def across(self, along: float) -> float:
        """Return the lateral position at a position along the line."""
        swing = sum(height * sin(2 * pi * along / length + phase) for height, length, phase in self.waves)
        return self.offset + self.tilt * along + swing

    def slope(self, along: float) -> float:
        """Return the lateral change per unit along the line."""
        turns = ((height * 2 * pi / length, 2 * pi * along / length + phase) for height, length, phase in self.waves)
        return self.tilt + sum(factor * cos(angle) for factor, angle in turns)

    def distance(self, x: float, y: float) -> float:
        """Return the approximate distance of (x, y) from the center line."""
        along, side = (y, x) if self.upright else (x, y)
        return abs(side - self.across(along)) / sqrt(1 + self.slope(along) ** 2)

    def field(self, frame: Frame) -> Field:
        """Return the distance per pixel; shape (height, width)."""
        length = frame.height if self.upright else frame.width
        along = np.arange(length) / frame.scale
        line = np.array([self.across(float(at)) for at in along], dtype=np.float32)
        stretch = np.array([(1 + self.slope(float(at)) ** 2) ** -0.5 for at in along], dtype=np.float32)
        if self.upright:
            side = np.arange(frame.width, dtype=np.float32)[None, :] / np.float32(frame.scale)
            result: Field = np.abs(side - line[:, None]) * stretch[:, None]
        else:
            side = np.arange(frame.height, dtype=np.float32)[:, None] / np.float32(frame.scale)
            result = np.abs(side - line[None, :]) * stretch[None, :]
        return result


def random_band(frame: Frame, rng: np.random.Generator, *, half_width: float, upright: bool, calm: float = 1.0) -> Band:
    """Return a random band through the middle of the frame."""
    room = frame.across if upright else frame.down
    tilt = float(rng.uniform(-0.18, 0.18))
    length = frame.down if upright else frame.across
    return Band(
        offset=float(rng.uniform(0.36, 0.64) * room - tilt * length / 2),
        tilt=tilt,
        waves=(
            (float(rng.uniform(40, 75)) * calm, float(rng.uniform(600, 900)), float(rng.uniform(0, 2 * pi))),
            (float(rng.uniform(10, 24)) * calm, float(rng.uniform(200, 330)), float(rng.uniform(0, 2 * pi))),
        ),
        half_width=half_width,
        upright=upright,
    )


def crossing(river: Band, road: Band) -> tuple[float, float, float]:
    """Return x and y of the crossing of an upright river and a level road, and the road's angle in degrees."""
    y = road.offset
    for _ in range(12):
        y = road.across(river.across(y))
    x = river.across(y)
    return x, y, degrees(atan2(road.slope(x), 1))
