"""Cells that the elements of a tactical overlay cover.

Coverage is computed on demand and never stored, so it stays correct when the map gets another grid or other walls.
"""

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Cell, MapProperties, Wall
from tabletop.image.v1.overlay_pb2 import CellInclusion, ElementCoverage, Overlay, Range, RangeKind, TacticalElement

from image_grpc.maps.areas import Area, HexArea, area_of, around, sphere
from image_grpc.maps.barriers import Barriers, Sense
from image_grpc.maps.creatures import SPACE_SQUARES, space
from image_grpc.maps.grid import FEET_PER_CELL, Cells, Grid
from image_grpc.maps.movement import Mover, reachable_cells
from image_grpc.maps.sight import visible_cells
from image_grpc.maps.svg import outline_path
from image_grpc.maps.terrain import difficult_cells, impassable_cells
from image_grpc.messages import clone, clone_without
from image_grpc.workers import GEOMETRY, stop_if_abandoned

MAX_CELLS = 100_000
"""Maximum number of cells that the elements of one overlay may cover, to keep responses below 4 MiB."""
MAX_EXAMINED = 2_000_000
"""Maximum number of cells within the ranges of sight and movement of one overlay: seconds of computation."""
CACHED_CELLS = 1_000_000
"""Number of cells, over all elements, that the cache holds."""


class CoveredCells:
    """Cells that an element covers."""

    def __init__(self, cells: Cells, grid: Grid) -> None:
        self.cells, self._grid = cells, grid
        self._path: str | None = None

    @property
    def path(self) -> str:
        """Outline of the cells as SVG path data. Takes longer than finding the cells."""
        if self._path is None:  # threads may compute it at once: functools.cached_property would let all wait
            self._path = outline_path(shapely.coverage_union_all(self._grid.outlines(self.cells)).simplify(0))
        return self._path


class Coverage:
    """Computes what elements cover, and caches it by content, because a map is often read again after one of its
    elements has changed. Thread-safe."""

    def __init__(self) -> None:
        self._cache: LRUCache[tuple[bytes, ...], CoveredCells] = LRUCache(
            CACHED_CELLS, getsizeof=lambda covered: len(covered.cells) + 1
        )
        self._lock = threading.Lock()

    def of(self, element: TacticalElement, image: Image) -> CoveredCells | None:
        """Return what an element covers on a map, or None for a token. Takes time: call it in a worker thread."""
        if element.WhichOneof("kind") == "token":
            return None
        geometry = clone_without(element, "id", "properties")
        key = tuple(
            message.SerializeToString(deterministic=True) for message in (geometry, image.map, image.content.size)
        )
        with self._lock:
            covered = self._cache.get(key)
        if covered is None:
            covered = _covered(geometry, image)
            with self._lock:
                if len(covered.cells) < CACHED_CELLS:
                    self._cache[key] = covered
        return covered

    async def with_coverage(self, overlay: Overlay, image: Image) -> Overlay:
        """Return a copy of an overlay for a response, with the cells that its elements cover."""

        def copy_with_coverage() -> Overlay:
            copy, total = clone(overlay), 0
            if examined_cells(overlay, image) > MAX_EXAMINED:
                copy.tactical.coverage_incomplete = True
                return copy
            for element_id, covered in self._of_elements(overlay, image):
                total += len(covered.cells)
                if total > MAX_CELLS:
                    copy.tactical.coverage_incomplete = True
                    break
                cells = [Cell(column=column, row=row) for column, row in covered.cells.tolist()]
                copy.tactical.coverage.append(ElementCoverage(element_id=element_id, cells=cells))
            return copy

        return await GEOMETRY.run(copy_with_coverage)

    async def count_cells(self, overlay: Overlay, image: Image) -> int:
        """Return the number of cells that elements of an overlay cover in total, counted until it exceeds MAX_CELLS."""

        def count() -> int:
            total = 0
            for _, covered in self._of_elements(overlay, image):
                total += len(covered.cells)
                if total > MAX_CELLS:
                    break
            return total

        return await GEOMETRY.run(count)

    def _of_elements(self, overlay: Overlay, image: Image) -> Iterator[tuple[str, CoveredCells]]:
        for element in overlay.tactical.elements:
            stop_if_abandoned()
            if (covered := self.of(element, image)) is not None:
                yield element.id, covered


def examined_cells(overlay: Overlay, image: Image) -> int:
    """Return the number of cells within the ranges of sight and movement of all elements, at most."""
    elements = overlay.tactical.elements
    ranges = [element.line_of_sight.range_feet for element in elements if element.HasField("line_of_sight")]
    moves = [element.range for element in elements if element.HasField("range")]
    moves = [move for move in moves if move.kind != RangeKind.RANGE_KIND_SPELL]
    if not ranges and not moves:
        return 0
    total = len(Grid.of_map(image).cells)

    def within(feet: float) -> int:
        return min(total, int(2 * feet / FEET_PER_CELL + 3) ** 2) if feet else total

    # Each cell of the space of a creature takes a path of its own.
    sides = [math.ceil(SPACE_SQUARES[move.creature_size]) for move in moves]
    of_moves = sum(within(move.distance_feet) * side**2 for move, side in zip(moves, sides, strict=True))
    return sum(map(within, ranges)) + of_moves


def _covered(element: TacticalElement, image: Image) -> CoveredCells:
    grid = Grid.of_map(image)
    return CoveredCells(_cells(element, image.map.walls, grid, _Ground.of(image.map)), grid)


@dataclass(frozen=True, slots=True)
class _Ground:
    """The ground of a map, as far as it matters to those who move."""

    difficult: Cells
    impassable: Cells

    @staticmethod
    def of(properties: MapProperties) -> "_Ground":
        if not properties.HasField("floor_plan"):
            return _Ground(_NO_CELLS, _NO_CELLS)
        plan = properties.floor_plan
        return _Ground(difficult_cells(plan), impassable_cells(plan))


def _cells(element: TacticalElement, walls: Iterable[Wall], grid: Grid, ground: _Ground) -> Cells:
    x, y = grid.pixels(element.position)
    range_, sight = element.range, element.line_of_sight
    match element.WhichOneof("kind"):
        case "effect":
            return area_of(element.effect, x, y, grid).cells(grid, element.effect.inclusion)
        case "line_of_sight":
            return visible_cells(grid, x, y, sight.range_feet, [*walls, *sight.walls])
        case _ if range_.kind == RangeKind.RANGE_KIND_SPELL:
            return spell_area(range_, x, y, grid).cells(grid, CellInclusion.CELL_INCLUSION_CENTER)
        case _:
            barriers = Barriers.of([*walls, *range_.walls], grid, Sense.MOVE)
            return reachable_cells(grid, _mover(range_, x, y, grid, ground), barriers, limit=MAX_CELLS)


def spell_area(range_: Range, x: float, y: float, grid: Grid) -> Area | HexArea:
    """Return the area within the range of a spell, or of the reach of a creature."""
    if range_.creature_size:
        return around(x, y, range_.creature_size, range_.distance_feet, grid)
    return sphere(x, y, range_.distance_feet * grid.pixels_per_foot)


def _mover(range_: Range, x: float, y: float, grid: Grid, ground: _Ground) -> Mover:
    spaces = {True: [_NO_CELLS], False: [_NO_CELLS]}
    for obstacle in range_.obstacles:
        spaces[obstacle.passable].append(space(grid, *grid.pixels(obstacle.position), obstacle.size))
    added = [(cell.column, cell.row) for cell in range_.difficult_terrain]
    return Mover(
        x=x,
        y=y,
        feet=range_.distance_feet,
        size=range_.creature_size,
        diagonals=range_.diagonals,
        difficult=np.concatenate([ground.difficult, np.array(added, dtype=np.int64).reshape(-1, 2)]),
        obstacles=np.concatenate([ground.impassable, *spaces[False]]),
        passable=np.concatenate(spaces[True]),
    )


_NO_CELLS: Cells = np.empty((0, 2), dtype=np.int64)
