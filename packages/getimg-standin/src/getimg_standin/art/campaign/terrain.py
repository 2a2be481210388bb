"""Heights, and what follows from them: where rivers run and where roads go."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, layered, stretched

Point = tuple[float, float]
Cell = tuple[int, int]

_COARSE_UNITS = 13.0

_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))

_LAND_SHARE = {"island": 0.36, "sea": 0.5, "mountain": 0.84, "desert": 0.86, "forest": 0.8}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terrain:
    """A region's ground. Fields are of the frame's shape; coarse ones have a cell per `cell` units."""

    height: Field
    """Above the sea from 0 to 1, below it negative."""

    woods: Field
    """0 to 1: how likely trees are."""

    coarse_height: Field
    coarse_woods: Field
    cell: float

    def at(self, x: float, y: float) -> Cell:
        """The coarse cell of a place in units."""
        rows, columns = self.coarse_height.shape
        return min(rows - 1, max(0, int(y / self.cell))), min(columns - 1, max(0, int(x / self.cell)))

    def height_at(self, x: float, y: float) -> float:
        """The height of a place in units."""
        return float(self.coarse_height[self.at(x, y)])

    def place(self, cell: Cell) -> Point:
        """The middle of a coarse cell, in units."""
        return (cell[1] + 0.5) * self.cell, (cell[0] + 0.5) * self.cell


def terrain_of(brief: Brief, chance: Chance, frame: Frame) -> Terrain:
    """Land and sea, shaped by the first word of the prompt that speaks of them."""
    kind = brief.first("island", "sea", "mountain", "desert", "forest")
    # The coarse grid is the same at any resolution, so that rivers and towns are, too.
    coarse = round(frame.down / _COARSE_UNITS), round(frame.across / _COARSE_UNITS)
    rough = _rough_height(kind, chance, frame, coarse)
    level = float(np.quantile(rough, 1 - _LAND_SHARE.get(kind or "", 0.66)))
    scale = np.float32(1 / (float(rough.max()) - level))
    return Terrain(
        height=(_rough_height(kind, chance, frame, frame.shape) - np.float32(level)) * scale,
        woods=_woods(chance, frame, frame.reduced(4).shape),
        coarse_height=(rough - np.float32(level)) * scale,
        coarse_woods=_woods(chance, frame, coarse),
        cell=frame.across / coarse[1],
    )


def _rough_height(kind: str | None, chance: Chance, frame: Frame, shape: tuple[int, int]) -> Field:
    rng = chance.of("land")
    return layered(frame, rng, 330, 6, gain=0.52, shape=shape) + _tendency(kind, shape, rng)


def _woods(chance: Chance, frame: Frame, shape: tuple[int, int]) -> Field:
    return stretched(layered(frame, chance.of("woods"), 150, 4, shape=shape))


def rivers(terrain: Terrain, rng: np.random.Generator, count: int) -> list[list[Point]]:
    """Courses from high ground down to the sea or into an earlier river, in units."""
    downhill = _downhill(terrain.coarse_height)
    high = np.argwhere(terrain.coarse_height > 0.42)
    taken: set[Cell] = set()
    courses: list[list[Point]] = []
    for row, column in rng.permutation(high)[: count * 8]:
        cell: Cell | None = (int(row), int(column))
        if any(abs(row - r) + abs(column - c) < 9 for r, c in taken):
            continue
        course: list[Cell] = []
        while cell is not None:
            course.append(cell)
            if cell in taken or terrain.coarse_height[cell] < -0.02:
                break
            cell = downhill.get(cell)
        if len(course) >= 9:
            taken.update(course)
            jitter = rng.uniform(-0.35, 0.35, (len(course), 2)) * terrain.cell
            places = [terrain.place(step) for step in course]
            courses.append([(x + float(u), y + float(v)) for (x, y), (u, v) in zip(places, jitter, strict=True)])
        if len(courses) == count:
            break
    return courses


def roads(terrain: Terrain, hub: Point, towns: list[Point]) -> list[list[Point]]:
    """The easiest ways over land from each town to the hub, in units; none where only the sea leads there."""

    def effort(cell: Cell, height: float) -> float | None:
        if height < 0.01:
            return None
        return 1 + 14 * max(0.0, height - 0.3) + 1.2 * float(terrain.coarse_woods[cell])

    toward = _spread(terrain.coarse_height, [terrain.at(*hub)], effort)
    ways: list[list[Point]] = []
    walked: set[Cell] = set()
    for town in towns:
        cell: Cell | None = terrain.at(*town)
        if cell not in toward:
            continue
        way = [town]
        while cell is not None and cell not in walked:
            walked.add(cell)
            cell = toward.get(cell)
            if cell is not None:
                way.append(terrain.place(cell))
        if cell is None:
            way[-1] = hub
        ways.append(way)
    return ways


def _tendency(kind: str | None, shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Where land rather is: in the middle for islands, else away from one side."""
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    turn = float(rng.uniform(0, 2 * np.pi))
    if kind == "island":
        rim: Field = np.float32(-0.36) * (x * x + y * y) ** 2
        return rim
    slope: Field = (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))) * np.float32(0.42)
    return slope


def _downhill(height: Field) -> dict[Cell, Cell | None]:
    """For each cell the next one on its way to the sea: floods the land from the shore, lowest cells first."""
    shore = [(int(row), int(column)) for row, column in np.argwhere(height < 0)]
    heights: NDArray[np.float32] = height

    def climb(_cell: Cell, level: float) -> float:
        return level

    return _spread(heights, shore, climb, by_level=True)


def _spread(
    height: Field, starts: list[Cell], effort: Callable[[Cell, float], float | None], *, by_level: bool = False
) -> dict[Cell, Cell | None]:
    rows, columns = height.shape
    levels = height.tolist()
    came_from: dict[Cell, Cell | None] = dict.fromkeys(starts)
    queue: list[tuple[float, Cell]] = [
        (levels[row][column] if by_level else 0.0, (row, column)) for row, column in starts
    ]
    heapq.heapify(queue)
    while queue:
        reached, cell = heapq.heappop(queue)
        for down, right in _NEIGHBOURS:
            row, column = cell[0] + down, cell[1] + right
            if not (0 <= row < rows and 0 <= column < columns) or (row, column) in came_from:
                continue
            step = effort((row, column), levels[row][column])
            if step is None:
                continue
            came_from[row, column] = cell
            cost = max(reached, step) if by_level else reached + step * (1.4 if down and right else 1.0)
            heapq.heappush(queue, (cost, (row, column)))
    return came_from
