"""Places of labels: next to what they name, inside of the picture, and over nothing else where there is room.

Costs are in units of the area of a label: covering all of another label costs Cost.LABEL.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import product

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from image_grpc.maps.lettering import Lettering
from image_grpc.pictures.drawings import Box

_Floats = NDArray[np.float64]

_GAP = 0.15
"""Distance in font sizes between a label and what it names."""
MARGIN = 0.2
"""Distance in font sizes between a label and the edge of the picture."""
_RINGS = 7
"""How many lines a label is moved away, at most."""
_SECOND_CHOICE, _DETACHED, _EACH_RING = 0.01, 0.15, 0.03
"""Costs of another place next to the element, of one detached from it, and of each further line."""
_CROSSING = 0.3
"""Cost of a line to a label that is all over other elements."""
_LEADERS = 8
"""How many lines to places away from an element are compared."""
_MAX_COVERAGE = 0.5
"""Share of the picture that labels cover, above which no label is detached from its element."""
_HIDDEN = 0.5
"""Cost of a place that is partly in the fog, where it would be cut."""
_LEADER = 0.7
"""Distance in font sizes from which a line leads to a label."""
_NEGLIGIBLE = 0.002
"""Cost of what a label covers up to which its place counts as free."""


class Cost(float, Enum):
    """Cost of covering all of a label's area, by what it covers."""

    ELEMENT = 0.7
    LABEL = 20.0
    PANEL = 30.0


class Side(Enum):
    """Where a label is, if there is room."""

    BELOW = auto()
    ABOVE = auto()
    CENTER = auto()


@dataclass(frozen=True, slots=True)
class Label:
    """A label that needs a place."""

    lettering: Lettering
    element: Box
    """Bounds in pixels of what it names."""
    side: Side


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label is."""

    box: Box
    leader: tuple[tuple[float, float], tuple[float, float]] | None
    """Line from the element to a label that is not next to it."""


def place_labels(
    labels: Sequence[Label],
    occupied: Iterable[tuple[Box, Cost]],
    size: tuple[float, float],
    seen: BaseGeometry | None = None,
) -> Iterator[Place]:
    """Yield the place of each label on a picture of `size` pixels, in their order, which decides who is first.

    `occupied` is what labels should not cover; `seen` is where they are visible, if not everywhere.
    """
    obstacles = _Obstacles(occupied, len(labels))
    if seen is not None:
        shapely.prepare(seen)
    room = _MAX_COVERAGE * size[0] * size[1]
    for label in labels:
        element = _within(label.element, size)
        costs = _Costs(label, obstacles, seen)
        center, cost = _best_near(label, element, size, costs)
        if cost > _DETACHED and room > 0:
            center = _best_away(label, element, size, costs, default=(center, cost))
        box = _box(center, label)
        obstacles.add(box, Cost.LABEL)
        room -= box[2] * box[3]
        yield Place(box, _leader(box, element, label.lettering.size))


def _best_near(label: Label, element: Box, size: tuple[float, float], costs: "_Costs") -> tuple[_Floats, float]:
    """Return the center of the best place next to an element, and what it costs."""
    centers = _clamped(_near(label, element), label, size)
    first = costs.of(centers[:1])
    if first[0] <= _NEGLIGIBLE:
        return centers[0], 0.0
    total = costs.of(centers) + _SECOND_CHOICE * np.arange(len(centers))
    return centers[total.argmin()], float(total.min())


def _best_away(
    label: Label, element: Box, size: tuple[float, float], costs: "_Costs", default: tuple[_Floats, float]
) -> _Floats:
    """Return the center of the best place away from an element, or the default if that costs less."""
    centers = _clamped(_away(label, element), label, size)
    rings = np.arange(len(centers)) // (len(centers) // _RINGS)
    total = costs.of(centers) + _DETACHED + _EACH_RING * rings
    chosen = np.argsort(total, kind="stable")[:_LEADERS]
    centers, total = centers[chosen], total[chosen]
    if total[0] >= default[1]:
        return default[0]
    total += costs.of_leaders(element, centers)
    best: _Floats = centers[total.argmin()]
    return best if total.min() < default[1] else default[0]


class _Obstacles:
    """Boxes that labels should not cover, as left, top, right, bottom, and what covering each costs."""

    def __init__(self, occupied: Iterable[tuple[Box, Cost]], more: int) -> None:
        given = list(occupied)
        self._boxes, self._costs = np.zeros((len(given) + more, 4)), np.zeros(len(given) + more)
        self._count = 0
        for box, cost in given:
            self.add(box, cost)

    def add(self, box: Box, cost: Cost) -> None:
        left, top, width, height = box
        self._boxes[self._count] = (left, top, left + width, top + height)
        self._costs[self._count] = cost
        self._count += 1

    def within(self, left: float, top: float, right: float, bottom: float) -> tuple[_Floats, _Floats]:
        """Return the boxes that overlap an area, and their costs."""
        boxes = self._boxes[: self._count]
        near = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
        return boxes[near], self._costs[: self._count][near]


class _Costs:
    """What it costs to put a label at a place."""

    def __init__(self, label: Label, obstacles: _Obstacles, seen: BaseGeometry | None) -> None:
        self._size = np.array(label.lettering.box_size)
        self._obstacles, self._seen = obstacles, seen

    def of(self, centers: _Floats) -> _Floats:
        """Return the cost of each place, given its center."""
        low, high = centers - self._size / 2, centers + self._size / 2
        boxes, costs = self._obstacles.within(*low.min(axis=0), *high.max(axis=0))
        shared = [
            np.minimum.outer(high[:, axis], boxes[:, 2 + axis]) - np.maximum.outer(low[:, axis], boxes[:, axis])
            for axis in (0, 1)
        ]
        areas = np.maximum(shared[0], 0.0) * np.maximum(shared[1], 0.0)
        total: _Floats = areas @ costs / max(1e-9, self._size.prod())
        if self._seen is not None:
            total += _HIDDEN * ~shapely.contains(self._seen, shapely.box(*low.T, *high.T))
        return total

    def of_leaders(self, element: Box, centers: _Floats) -> _Floats:
        """Return the cost of the lines that lead to places, given their centers."""
        left, top, width, height = element
        x, y = left + width / 2, top + height / 2
        along = np.linspace(0.3, 0.8, 6)[:, None]
        points = (x, y) + along * (centers[:, None] - (x, y))
        boxes, costs = self._obstacles.within(*points.min(axis=(0, 1)), *points.max(axis=(0, 1)))
        boxes = boxes[(costs == Cost.ELEMENT) & ((boxes[:, :2] > (x, y)) | (boxes[:, 2:] < (x, y))).any(axis=1)]
        if not len(boxes):
            return np.zeros(len(centers))
        within = (points[:, :, None] > boxes[:, :2]).all(axis=3) & (points[:, :, None] < boxes[:, 2:]).all(axis=3)
        return np.asarray(_CROSSING * within.any(axis=2).mean(axis=1))


def _near(label: Label, element: Box) -> _Floats:
    """Return centers of places next to an element, the best first."""
    x, y, dx, dy = _distances(label, element)
    width, height = label.lettering.box_size
    shift = max(0.0, width / 2 - label.lettering.size)
    inside = max(0.0, element[3] / 2 - height / 2 - _GAP * label.lettering.size)
    sideways = [(dx, 0.0), (-dx, 0.0)]
    below = [(0.0, dy), (shift, dy), (-shift, dy)]
    above = [(0.0, -dy), (shift, -dy), (-shift, -dy)]
    match label.side:
        case Side.BELOW:
            offsets = [below[0], above[0], *sideways, *below[1:], *above[1:]]
        case Side.ABOVE:
            offsets = [above[0], below[0], (0.0, -inside), (0.0, inside), *sideways, *above[1:], *below[1:]]
        case Side.CENTER:
            offsets = [(0.0, 0.0), *above[:1], *below[:1], *sideways, *above[1:], *below[1:]]
    return np.add(offsets, (x, y))


def _away(label: Label, element: Box) -> _Floats:
    """Return centers of places away from an element, the nearest first, as many for each of `_RINGS`."""
    x, y, dx, dy = _distances(label, element)
    width, height = label.lettering.box_size
    offsets: list[tuple[float, float]] = []
    for ring in range(1, _RINGS + 1):
        away = ring * height
        offsets += product((0.0, width * 0.55, -width * 0.55), (dy + away, -dy - away))
        offsets += product((dx, -dx), (away, -away))
        offsets += [(dx + away, 0.0), (-dx - away, 0.0)]
    return np.add(offsets, (x, y))


def _distances(label: Label, element: Box) -> tuple[float, float, float, float]:
    """Return the center of an element, and how far that of a label next to it is away, horizontally and vertically."""
    left, top, width, height = element
    label_width, label_height = label.lettering.box_size
    gap = _GAP * label.lettering.size
    return left + width / 2, top + height / 2, (width + label_width) / 2 + gap, (height + label_height) / 2 + gap


def _clamped(centers: _Floats, label: Label, size: tuple[float, float]) -> _Floats:
    """Move places into the picture."""
    half = np.array(label.lettering.box_size) / 2
    spare = np.maximum(np.array(size) - 2 * half, 0.0)
    low = half + np.minimum(MARGIN * label.lettering.size, spare / 2)
    return centers.clip(low, np.maximum(np.array(size) - low, low))


def _within(element: Box, size: tuple[float, float]) -> Box:
    """Return the part of an element that is in the picture, or the nearest point of it."""
    left, top, width, height = element
    x1, x2 = (min(max(x, 0.0), size[0]) for x in (left, left + width))
    y1, y2 = (min(max(y, 0.0), size[1]) for y in (top, top + height))
    return (x1, y1, x2 - x1, y2 - y1)


def _box(center: _Floats, label: Label) -> Box:
    width, height = label.lettering.box_size
    return (float(center[0] - width / 2), float(center[1] - height / 2), width, height)


def _leader(box: Box, element: Box, size: float) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return a line from the outline of an element to its label, unless they are next to each other."""
    left, top, width, height = element
    x, y = left + width / 2, top + height / 2
    end = (min(max(x, box[0]), box[0] + box[2]), min(max(y, box[1]), box[1] + box[3]))
    dx, dy = end[0] - x, end[1] - y
    # The share of the line that is within an ellipse that fills the bounds of the element.
    inside = 1 / max(1e-9, np.hypot(dx / max(width / 2, 1e-9), dy / max(height / 2, 1e-9)))
    if (1 - inside) * np.hypot(dx, dy) <= _LEADER * size:
        return None
    return (x + float(dx * inside), y + float(dy * inside)), end
