"""How well a picture follows a floor plan.

Offset and scale come from the phase correlation of the edges of the picture with those of the layout. Whether a wall
can be seen comes from the picture's edges across it: they must be strong where the wall is, and weaker beside it. In
noise, the edges along a piece of wall average out; in another picture, only a few lie where walls are.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import Fidelity, FloorPlan, Wall, WallKind
from tabletop.image.v1.map_pb2 import Grid as GridProperties
from tabletop.image.v1.types_pb2 import Location, Size

from image_grpc import pictures
from image_grpc.maps.barriers import wall_ends
from image_grpc.maps.grid import Grid, Points, grid_on
from image_grpc.maps.properties import is_door
from image_grpc.plans.drawing import draw_layout

SIDE = 1024
"""Longest side in pixels of the pictures that are compared."""
MAX_WEAK_EDGES = 100
_SCALES = np.linspace(0.92, 1.08, 17)
_MAX_SHIFT = 1.5
"""Cells by which a picture may be shifted: a larger shift is not looked for."""
_NEGLIGIBLE, _TOO_FAR = 0.1, 0.6
"""Cells by which a picture is off its plan: up to the first, it follows it; from the second on, not at all."""
_SELF_SIMILAR = 0.9
"""Correlation of a layout with itself, shifted by half a cell, from which a shift along this axis cannot be seen."""
_BLUR = 1.5
"""Radius in pixels of a peak of the correlation."""
_PIECE = 0.5
"""Length in cells of the pieces of walls."""
_NEAR, _FAR = 0.15, 0.5
"""Cells: edges of a wall are nearer to it than the first, and compared with those between the first and the second."""
_STEPS, _SAMPLES = 17, 6
"""Distances from a wall at which a piece is sampled, and samples at each distance."""
_LEAST_CONTRAST, _LEAST_STRENGTH = 1.55, 0.25
"""Edges of a visible wall compared with those beside it, and with those of most walls."""
_CERTAIN = 20.0
"""Height of the peak of the correlation, in standard deviations, from which pictures certainly belong together."""
_CHANCE = 8.0
"""Height of the peak for pictures that have nothing to do with each other."""

Field = NDArray[np.float64]
"""Of shape (height, width)."""


def measure(picture: bytes, plan: FloorPlan, grid: GridProperties, size: Size) -> Fidelity | None:
    """Compare a stored picture of `size` with its plan, which lies on a grid. Takes time. Raises BadPicture.

    A plan without any edges, such as an empty field, has nothing to follow: None.
    """
    factor = min(1.0, SIDE / max(size.width, size.height))
    width, height = max(1, round(size.width * factor)), max(1, round(size.height * factor))
    small = _scaled(grid_on(grid, size), factor, width, height)
    drawn = _edges(pictures.drawn_luminance(draw_layout(plan, small), width, height))
    if not drawn.any():
        return None
    seen = _edges(pictures.luminance(picture, width, height))
    match = _match(drawn, seen, small.cell_size)
    walls = [wall for wall in plan.walls if _is_line(wall)]
    confidence = float(np.clip((match.peak - _CHANCE) / (_CERTAIN - _CHANCE), 0, 1))
    pieces = _pieces(walls, small)
    in_place, shifted = (_visible(seen, pieces, small, each) for each in (_Match(), match))
    share = float(np.mean(in_place)) if walls else 1.0
    distance = match.distance(pieces, width, height) / small.cell_size
    nearness = float(np.clip((_TOO_FAR - distance) / (_TOO_FAR - _NEGLIGIBLE), 0, 1))
    fidelity = Fidelity(score=round(confidence * share * nearness, 4), scale=1)
    if confidence:
        fidelity.offset_x, fidelity.offset_y = (round(each / small.cell_size, 4) for each in match.shift)
        fidelity.scale = round(match.scale, 4)
    # Where the picture is only shifted, its walls are there, and the offset says where.
    for wall, start, end in _weak_parts(pieces, in_place | shifted):
        edge = fidelity.weak_edges.add(wall_id=walls[wall].id)
        for location, point in ((edge.start, start), (edge.end, end)):
            location.CopyFrom(Location(x=round(point[0] / factor, 2), y=round(point[1] / factor, 2)))
    del fidelity.weak_edges[MAX_WEAK_EDGES:]
    return fidelity


@dataclass(frozen=True, kw_only=True, slots=True)
class _Match:
    """How a picture lies in relation to a layout."""

    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    """Of the middle, in pixels."""
    peak: float = 0.0
    """Height of the peak of their correlation, in standard deviations."""

    def moved(self, points: Points, width: int, height: int) -> Points:
        """Return where points of the layout are in the picture."""
        middle = np.array([width, height]) / 2
        return np.asarray((points - middle) * self.scale + middle + self.shift)

    def distance(self, pieces: "_Pieces", width: int, height: int) -> float:
        """Return how far pieces of walls are from where they must be on average.

        Without any walls: how far the middles of the quarters of the picture are.
        """
        corners = np.array([(width * x, height * y) for x in (0.25, 0.75) for y in (0.25, 0.75)])
        ends = pieces.ends.reshape(-1, 2) if len(pieces.walls) else corners
        return float(np.mean(np.hypot(*(self.moved(ends, width, height) - ends).T)))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Pieces of walls, one after the other."""

    walls: NDArray[np.int64]
    """The index of the wall of each, of shape (n,)."""
    ends: Points
    """In pixels, of shape (n, 2, 2)."""


def _is_line(wall: Wall) -> bool:
    """Whether a wall must be seen as a line. Painters take liberties with doors and windows."""
    return not is_door(wall) and wall.kind in (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_WALL)


def _scaled(grid: Grid, factor: float, width: int, height: int) -> Grid:
    offset = (grid.offset[0] * factor, grid.offset[1] * factor)
    return Grid(grid.kind, grid.cell_size * factor, width, height, offset)


def _edges(luminance: Field) -> Field:
    """Return how much the luminance changes at each pixel, in relation to its surroundings."""
    down, across = np.gradient(luminance)
    strength = np.hypot(down, across)
    return np.asarray(strength / (np.sqrt(np.mean(strength**2)) + 1e-9))


def _match(drawn: Field, seen: Field, cell_size: float) -> _Match:
    """Return the scale and the shift with which a picture is most like a layout."""
    small, scene = _shrunk(drawn), _Scene(_shrunk(seen), _MAX_SHIFT * cell_size / 2)
    by_scale = [scene.match(_resampled(small, scale)).peak for scale in _SCALES]
    best = int(np.argmax(by_scale))
    scale = float(_SCALES[best]) + _vertex(by_scale, best) * float(_SCALES[1] - _SCALES[0])
    if by_scale[best] < _CHANCE:
        scale = 1.0
    is_blind = tuple(_is_self_similar(drawn, axis, round(cell_size / 2)) for axis in (1, 0))
    if any(is_blind):
        scale = 1.0
    best_shift = _Scene(seen, _MAX_SHIFT * cell_size).match(_resampled(drawn, scale))
    shift = (0.0 if is_blind[0] else best_shift.shift[0], 0.0 if is_blind[1] else best_shift.shift[1])
    return _Match(scale=scale, shift=shift, peak=best_shift.peak)


def _is_self_similar(field: Field, axis: int, distance: int) -> bool:
    """Whether a field is the same after a shift along an axis, as that of parallel walls is."""
    similarity = float(np.mean(field * np.roll(field, max(1, distance), axis=axis)))
    return similarity > _SELF_SIMILAR * float(np.mean(field**2))


class _Scene:
    """The edges of a picture, prepared to be compared with layouts."""

    def __init__(self, seen: Field, reach: float) -> None:
        """A picture may be shifted by up to `reach` pixels."""
        height, width = self._shape = seen.shape
        self._spectrum = np.fft.rfft2(seen - seen.mean())
        down, across = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
        self._blur = np.exp(-2 * (math.pi * _BLUR) ** 2 * (down**2 + across**2))
        self._most = [min(int(reach), side // 2 - 1) for side in seen.shape]

    def match(self, drawn: Field) -> _Match:
        """Return the shift with which the picture is most like a layout: their phase correlation."""
        spectrum = self._spectrum * np.conj(np.fft.rfft2(drawn - drawn.mean()))
        spectrum *= self._blur / (np.abs(spectrum) + 1e-9)
        correlation = np.fft.irfft2(spectrum, s=self._shape)
        most = self._most
        near = correlation[np.ix_(*(np.arange(-each, each + 1) for each in most))]
        row, column = (int(each) for each in np.unravel_index(np.argmax(near), near.shape))
        heights = np.log(np.maximum(near, 1e-12))
        shift = (
            column - most[1] + _vertex(heights[row].tolist(), column),
            row - most[0] + _vertex(heights[:, column].tolist(), row),
        )
        return _Match(shift=shift, peak=float(near[row, column] / (np.std(correlation) + 1e-12)))


def _vertex(values: Sequence[float], index: int) -> float:
    """Return how far the vertex of the parabola through a maximum and its neighbors is from the maximum."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, at, after = values[index - 1 : index + 2]
    curvature = before - 2 * at + after
    return 0.0 if curvature >= 0 else float(np.clip((before - after) / (2 * curvature), -0.5, 0.5))


def _shrunk(field: Field) -> Field:
    """Return a field of half the size."""
    rows, columns = field.shape[0] // 2 * 2, field.shape[1] // 2 * 2
    return np.asarray(field[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)))


def _resampled(field: Field, scale: float) -> Field:
    """Return a field enlarged around its middle."""
    for axis, side in enumerate(field.shape):
        middle = (side - 1) / 2
        at = np.clip((np.arange(side) - middle) / scale + middle, 0, side - 1.001)
        first = at.astype(int)
        share = at - first if axis else (at - first)[:, np.newaxis]
        field = field.take(first, axis) * (1 - share) + field.take(first + 1, axis) * share
    return field


def _sample(field: Field, x: Field, y: Field) -> Field:
    """Return the values of a field at points, between its pixels as well."""
    height, width = field.shape
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, below = x - left, y - top
    upper = field[top, left] * (1 - right) + field[top, left + 1] * right
    lower = field[top + 1, left] * (1 - right) + field[top + 1, left + 1] * right
    return np.asarray(upper * (1 - below) + lower * below)


def _pieces(walls: Sequence[Wall], grid: Grid) -> _Pieces:
    """Return walls as pieces of half a cell, or shorter where a wall is."""
    ends = wall_ends(walls, grid)
    lengths = np.hypot(*(ends[:, 1] - ends[:, 0]).T) / grid.cell_size
    counts = np.maximum(1, np.round(lengths / _PIECE)).astype(int)
    owners = np.repeat(np.arange(len(walls)), counts)
    numbers = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    start, along = ends[owners, 0], (ends[owners, 1] - ends[owners, 0]) / counts[owners, np.newaxis]
    first = start + along * numbers[:, np.newaxis]
    return _Pieces(owners, np.stack([first, first + along], axis=1))


def _visible(seen: Field, pieces: _Pieces, grid: Grid, match: _Match) -> NDArray[np.bool_]:
    """Return which pieces of walls can be seen where a match says that they are."""
    if not len(pieces.walls):
        return np.ones(0, dtype=bool)
    height, width = seen.shape
    ends = match.moved(pieces.ends.reshape(-1, 2), width, height).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-9)[:, np.newaxis]
    distances = np.linspace(-_FAR, _FAR, _STEPS) * grid.cell_size
    shares = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    # Of shape (pieces, samples, distances, 2). Pixels count from their middle.
    points = (ends[:, 0, np.newaxis] + along[:, np.newaxis] * shares[:, np.newaxis])[:, :, np.newaxis]
    points = points + normal[:, np.newaxis, np.newaxis] * distances[:, np.newaxis] - 0.5
    # Without the two highest samples: each end may touch another wall, or what remains of a missing one.
    profiles = np.sort(_sample(seen, points[..., 0], points[..., 1]), axis=1)[:, :-2].mean(axis=1)
    is_near = np.abs(distances) <= _NEAR * grid.cell_size + 1e-9
    strength, beside = profiles[:, is_near].max(axis=1), profiles[:, ~is_near].mean(axis=1)
    return np.asarray((strength >= _LEAST_CONTRAST * beside) & (strength >= _LEAST_STRENGTH * np.median(strength)))


def _weak_parts(pieces: _Pieces, visible: NDArray[np.bool_]) -> Iterator[tuple[int, Points, Points]]:
    """Yield the parts of walls that cannot be seen: the wall, the first end, the second end."""
    weak = np.flatnonzero(~visible).tolist()
    while weak:
        first = last = weak.pop(0)
        while weak and weak[0] == last + 1 and pieces.walls[weak[0]] == pieces.walls[first]:
            last = weak.pop(0)
        yield int(pieces.walls[first]), pieces.ends[first, 0], pieces.ends[last, 1]
