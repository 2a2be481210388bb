"""Smooth random fields."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from getimg_standin.art.frame import Frame
from getimg_standin.art.strips import strips

Field = NDArray[np.float32]


def value_noise(
    frame: Frame,
    rng: np.random.Generator,
    feature: float,
    feature_down: float | None = None,
    *,
    shape: tuple[int, int] | None = None,
) -> Field:
    """Return noise of about 0 to 1 with features of about `feature` units, `feature_down` units high.

    The shape is (height, width) of the frame, or `shape` to sample the same noise at another resolution.
    """
    rows = max(2, round(frame.down / (feature_down or feature))) + 3
    columns = max(2, round(frame.across / feature)) + 3
    lattice = rng.random((rows, columns), dtype=np.float32)
    return interpolated(lattice, shape or frame.shape)


def fractal(frame: Frame, rng: np.random.Generator, feature: float, octaves: int, gain: float = 0.5) -> Field:
    """Return noise with finer and weaker detail per octave, scaled to 0 to 1; shape (height, width)."""
    return normalized(layered(frame, rng, feature, octaves, gain))


def layered(
    frame: Frame,
    rng: np.random.Generator,
    feature: float,
    octaves: int,
    gain: float = 0.5,
    *,
    shape: tuple[int, int] | None = None,
) -> Field:
    """Return `fractal` without scaling, so that a place has the same value at every resolution."""
    total = value_noise(frame, rng, feature, shape=shape)
    amplitude = 1.0
    for octave in range(1, octaves):
        amplitude *= gain
        # A ratio other than 2 keeps the lattices of the octaves from aligning.
        total += np.float32(amplitude) * value_noise(frame, rng, feature / 2.03**octave, shape=shape)
    return total


def speckle(frame: Frame, rng: np.random.Generator) -> Field:
    """Return independent noise per pixel, from -0.5 to 0.5; shape (height, width)."""
    return rng.random(frame.shape, dtype=np.float32) - np.float32(0.5)


def normalized(field: Field) -> Field:
    """Return `field` shifted and scaled to 0 to 1."""
    low, high = float(field.min()), float(field.max())
    scaled: Field = (field - np.float32(low)) * np.float32(1 / max(high - low, 1e-9))
    return scaled


def interpolated(lattice: Field, shape: tuple[int, int]) -> Field:
    """Interpolate the lattice's inner points by cubic B-splines; each side must have at least 4 points."""
    columns = _spline(lattice.T, shape[1])
    return _spline(columns.T, shape[0])


def _spline(lattice: Field, samples: int) -> Field:
    """Interpolate along the first axis."""
    lattice = np.ascontiguousarray(lattice)
    position = np.linspace(0, len(lattice) - 3 - 1e-4, samples)
    start = position.astype(np.int64)
    t = (position - start).astype(np.float32)
    weights = np.zeros((samples, len(lattice)), dtype=np.float32)
    row = np.arange(samples)
    weights[row, start] = (1 - t) ** 3 / 6
    weights[row, start + 1] = (3 * t**3 - 6 * t**2 + 4) / 6
    weights[row, start + 2] = (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6
    weights[row, start + 3] = t**3 / 6
    surface = np.empty((samples, lattice.shape[1]), dtype=np.float32)
    for rows in strips(samples):
        near = slice(start[rows.start], start[rows.stop - 1] + 4)  # the other weights are 0
        np.matmul(weights[rows, near], lattice[near], out=surface[rows])
    return surface
