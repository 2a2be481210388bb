"""Which cells the elements of a tactical overlay cover. They are worked out when they are asked for, never stored:
so they stay true when the map gets another grid or other walls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import NamedTuple

import shapely
from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay, RangeKind, TacticalElement

from image_grpc.maps import reach
from image_grpc.maps.areas import area_of
from image_grpc.maps.canvas import outline
from image_grpc.maps.grid import Cells, Grid, messages

MAX_CELLS = 100_000
"""Most cells that the elements of one overlay may cover: more would not fit into an answer."""
CACHED_CELLS = 1_000_000


class Covered(NamedTuple):
    """What an element covers."""

    cells: Cells
    path: str
    """The outline of the cells, as path data of SVG."""


class Coverage:
    """Works out what elements cover, and remembers it by their content: a map is read again and again while one of
    its elements changes. For use by several threads."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[bytes, bytes], Covered] = LRUCache(
            CACHED_CELLS, getsizeof=lambda covered: len(covered.cells) + 1
        )
        self._lock = threading.Lock()

    def of(self, element: TacticalElement, image: Image) -> Covered | None:
        """What an element covers on a map; None for a token."""
        if element.WhichOneof("kind") == "token":
            return None
        placed = TacticalElement(position=element.position)
        getattr(placed, element.WhichOneof("kind") or "").CopyFrom(getattr(element, element.WhichOneof("kind") or ""))
        size = image.content.size.SerializeToString()
        key = (placed.SerializeToString(deterministic=True), image.map.SerializeToString(deterministic=True) + size)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            grid = Grid.of(image.map.grid, image.content.size)
            cells = _cells(placed, image, grid)
            joined = shapely.coverage_union_all(grid.outlines(cells))
            known = Covered(cells, outline(joined.simplify(0)))
            with self._lock:
                if len(cells) < CACHED_CELLS:
                    self._known[key] = known
        return known

    async def filled_in(self, overlay: Overlay, image: Image) -> Overlay:
        """The overlay as callers see it: with the cells that each element covers."""
        return await asyncio.to_thread(self._filled_in, overlay, image)

    async def count(self, overlay: Overlay, image: Image) -> int:
        """How many cells its elements cover in all."""
        return sum(len(covered.cells) for _, covered in await asyncio.to_thread(self._all, overlay, image))

    def _filled_in(self, overlay: Overlay, image: Image) -> Overlay:
        seen = Overlay()
        seen.CopyFrom(overlay)
        for element, covered in self._all(seen, image):
            getattr(element, element.WhichOneof("kind") or "").covered_cells.extend(messages(covered.cells))
        return seen

    def _all(self, overlay: Overlay, image: Image) -> list[tuple[TacticalElement, Covered]]:
        found = ((element, self.of(element, image)) for element in overlay.tactical.elements)
        return [(element, covered) for element, covered in found if covered is not None]


def without_cells(elements: Iterable[TacticalElement]) -> None:
    """Takes out what is worked out, so that it is neither stored nor told of."""
    for element in elements:
        kind = element.WhichOneof("kind") or ""
        if kind and kind != "token":
            getattr(element, kind).ClearField("covered_cells")


def _cells(element: TacticalElement, image: Image, grid: Grid) -> Cells:
    x, y = grid.pixels(element.position)
    walls = image.map.walls
    match element.WhichOneof("kind"):
        case "effect":
            return area_of(element.effect, x, y, grid).covers(grid, element.effect.inclusion)
        case "line_of_sight":
            sight = element.line_of_sight
            return reach.line_of_sight(grid, x, y, sight.range_feet, [*walls, *sight.walls])
    range_ = element.range
    if range_.kind == RangeKind.RANGE_KIND_SPELL:
        return reach.spell_range(grid, x, y, range_.distance_feet)
    difficult = [(cell.column, cell.row) for cell in range_.difficult_terrain]
    return reach.movement(grid, x, y, range_.distance_feet, difficult, [*walls, *range_.walls])
