"""Heights of a region, and the courses of its rivers and roads."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, layered, normalized

Point = tuple[float, float]
Cell = tuple[int, int]

_COARSE_UNITS = 13.0
_GENTLE = np.float32(0.12)
"""Height of land where a map must have some."""

_NEIGHBORS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))

_LAND_SHARE = {"island": 0.36, "sea": 0.5, "mountain": 0.84, "desert": 0.86, "forest": 0.8}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terrain:
    """The ground of a region. Fields have the frame's shape; coarse ones have a cell per `cell` units."""

    height: Field
    """0 to 1 above sea level, negative below."""

    woods: Field
    """Density of trees, 0 to 1."""

    coarse_height: Field
    coarse_woods: Field
    cell: float

    def at(self, x: float, y: float) -> Cell:
        """Return the coarse cell of a place in units."""
        rows, columns = self.coarse_height.shape
        return min(rows - 1, max(0, int(y / self.cell))), min(columns - 1, max(0, int(x / self.cell)))

    def height_at(self, x: float, y: float) -> float:
        """Return the height of a place in units."""
        return float(self.coarse_height[self.at(x, y)])

    def place(self, cell: Cell) -> Point:
        """Return the center of a coarse cell in units."""
        return (cell[1] + 0.5) * self.cell, (cell[0] + 0.5) * self.cell


def generate_terrain(brief: Brief, chance: Chance, frame: Frame) -> Terrain:
    """Generate land and sea by the first matching subject of the prompt."""
    kind = brief.first("island", "sea", "mountain", "desert", "forest")
    # The coarse grid does not depend on the resolution, so neither do rivers and towns.
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


def with_land(terrain: Terrain, land: Field) -> Terrain:
    """Return the ground with gentle land wherever a mask of the frame's shape says so."""
    rows, columns = terrain.coarse_height.shape
    height, width = land.shape
    down, across = (
        ((np.arange(count) + 0.5) * side / count).astype(int) for count, side in ((rows, height), (columns, width))
    )
    coarse = land[np.ix_(down, across)]
    return replace(
        terrain,
        height=np.maximum(terrain.height, _GENTLE * land - (1 - land)),
        coarse_height=np.maximum(terrain.coarse_height, _GENTLE * coarse - (1 - coarse)),
    )


def _rough_height(kind: str | None, chance: Chance, frame: Frame, shape: tuple[int, int]) -> Field:
    rng = chance.of("land")
    return layered(frame, rng, 330, 6, gain=0.52, shape=shape) + _tendency(kind, shape, rng)


def _woods(chance: Chance, frame: Frame, shape: tuple[int, int]) -> Field:
    return normalized(layered(frame, chance.of("woods"), 150, 4, shape=shape))


def rivers(terrain: Terrain, rng: np.random.Generator, count: int) -> list[list[Point]]:
    """Return courses from high ground to the sea or an earlier river, in units."""
    downhill = _downhill(terrain.coarse_height)
    high = np.argwhere(terrain.coarse_height > 0.42)
    occupied: set[Cell] = set()
    courses: list[list[Point]] = []
    for row, column in rng.permutation(high)[: count * 8]:
        cell: Cell | None = (int(row), int(column))
        if any(abs(row - r) + abs(column - c) < 9 for r, c in occupied):
            continue
        course: list[Cell] = []
        while cell is not None:
            course.append(cell)
            if cell in occupied or terrain.coarse_height[cell] < -0.02:
                break
            cell = downhill.get(cell)
        if len(course) >= 9:
            occupied.update(course)
            jitter = rng.uniform(-0.35, 0.35, (len(course), 2)) * terrain.cell
            places = [terrain.place(step) for step in course]
            courses.append([(x + float(u), y + float(v)) for (x, y), (u, v) in zip(places, jitter, strict=True)])
        if len(courses) == count:
            break
    return courses


def roads(terrain: Terrain, hub: Point, towns: list[Point]) -> list[list[Point]]:
    """Return the cheapest land routes from each town to the hub, in units; none for towns across the sea."""

    def cost(cell: Cell, height: float) -> float | None:
        if height < 0.01:
            return None
        return 1 + 14 * max(0.0, height - 0.3) + 1.2 * float(terrain.coarse_woods[cell])

    next_cell = _flood(terrain.coarse_height, [terrain.at(*hub)], cost)
    routes: list[list[Point]] = []
    visited: set[Cell] = set()
    for town in towns:
        cell: Cell | None = terrain.at(*town)
        if cell not in next_cell:
            continue
        route = [town]
        while cell is not None and cell not in visited:
            visited.add(cell)
            cell = next_cell.get(cell)
            if cell is not None:
                route.append(terrain.place(cell))
        if cell is None:
            route[-1] = hub
        routes.append(route)
    return routes


def _tendency(kind: str | None, shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """Return the bias of the land: to the center for islands, else away from one side."""
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    turn = float(rng.uniform(0, 2 * np.pi))
    if kind == "island":
        rim: Field = np.float32(-0.36) * (x * x + y * y) ** 2
        return rim
    slope: Field = (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))) * np.float32(0.42)
    return slope


def _downhill(height: Field) -> dict[Cell, Cell | None]:
    """Return each cell's next cell on the way to the sea, by flooding from the shore, lowest cells first."""
    shore = [(int(row), int(column)) for row, column in np.argwhere(height < 0)]
    heights: NDArray[np.float32] = height

    def level_cost(_cell: Cell, level: float) -> float:
        return level

    return _flood(heights, shore, level_cost, by_level=True)


def _flood(
    height: Field, starts: list[Cell], step_cost: Callable[[Cell, float], float | None], *, by_level: bool = False
) -> dict[Cell, Cell | None]:
    rows, columns = height.shape
    levels = height.tolist()
    previous: dict[Cell, Cell | None] = dict.fromkeys(starts)
    queue: list[tuple[float, Cell]] = [
        (levels[row][column] if by_level else 0.0, (row, column)) for row, column in starts
    ]
    heapq.heapify(queue)
    while queue:
        reached, cell = heapq.heappop(queue)
        for down, right in _NEIGHBORS:
            row, column = cell[0] + down, cell[1] + right
            if not (0 <= row < rows and 0 <= column < columns) or (row, column) in previous:
                continue
            step = step_cost((row, column), levels[row][column])
            if step is None:
                continue
            previous[row, column] = cell
            total = max(reached, step) if by_level else reached + step * (1.4 if down and right else 1.0)
            heapq.heappush(queue, (total, (row, column)))
    return previous
