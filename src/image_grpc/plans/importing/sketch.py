"""A floor plan that is made of a file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import (
    CellRectangle,
    FloorPlan,
    FloorPlanSize,
    Illumination,
    Light,
    PlanObject,
    Room,
    Wall,
    WallKind,
)

from image_grpc.maps.properties import MAX_LIGHTS, MAX_WALLS, is_door
from image_grpc.maps.terrain import FLOOR, ROCK
from image_grpc.messages import clone_without
from image_grpc.plans.importing.reading import BadFile
from image_grpc.plans.objects import at
from image_grpc.plans.validation import PARTS
from image_grpc.plans.walls import Regions, border_walls

MIN_SIDE, MAX_SIDE = 4, 128
MAX_ROOMS, MAX_RECTANGLES, MAX_OBJECTS, MAX_RADIUS = 200, 1000, 500, 5000
NO_GROUND = "the file does not say where rock is: all cells are floor"
_EXACT = 1e-6
_TOGETHER = 0.1
"""Cells: ends of walls that are no farther from each other are rounded together."""
_MAX_LINES = 20_000
"""Most lines of a file, in the plan or outside of it."""
_MAX_NAME, _MAX_DESCRIPTION = 100, 500
Line = tuple[tuple[float, float], tuple[float, float]]
"""The ends of a wall in cells."""


class Sketch:
    """Parts of a plan, and what is lost of them. Coordinates are in cells."""

    def __init__(self, columns: int, rows: int) -> None:
        for side, value in (("columns", columns), ("rows", rows)):
            if not MIN_SIDE <= value <= MAX_SIDE:
                raise BadFile(f"must have {MIN_SIDE} to {MAX_SIDE} {side}, has {value}")
        self.columns, self.rows = columns, rows
        self.symbols = np.full((rows, columns), FLOOR)
        self._lines: list[tuple[Line, Wall]] = []
        self._attempts = 0
        self._lights: list[Light] = []
        self._objects: list[PlanObject] = []
        self._rooms: list[Room] = []
        self._losses = Counter[str]()

    def lose(self, what: str) -> None:
        """Note that something is lost. What is lost several times becomes one warning."""
        self._losses[what] += 1

    @property
    def warnings(self) -> list[str]:
        """What is lost, and how often."""
        return [f"{what} ({count})" if count > 1 else what for what, count in self._losses.items()]

    def add_wall(self, line: Line, wall: Wall) -> None:
        """Add a wall, door or window on a line, clipped to the plan. Raises BadFile if there are too many."""
        self._attempts += 1
        if self._attempts > _MAX_LINES:
            raise BadFile(f"must have at most {_MAX_LINES} lines")
        if (within := self._within(line)) is not None:
            self._lines.append((within, wall))

    def add_border_walls(self, regions: Regions) -> None:
        """Add walls around areas of cells. Everything around the plan is solid."""
        for wall in border_walls(regions, ()):
            self.add_wall(((wall.start.x, wall.start.y), (wall.end.x, wall.end.y)), wall)

    def add_light(self, x: float, y: float, source: Illumination) -> None:
        """Add a source of light."""
        if not self._contains(x, y):
            self.lose("lights outside of the plan are left out")
        elif len(self._lights) == MAX_LIGHTS:
            self.lose(f"a plan has at most {MAX_LIGHTS} lights: others are left out")
        else:
            id_ = f"l{len(self._lights) + 1}"
            self._lights.append(Light(id=id_, position=at(*_rounded((x, y))), illumination=source))

    def add_object(self, type_: str, x: float, y: float, side: float = 1) -> None:
        """Add a square object with its upper left corner at a point."""
        left, top = _rounded((x, y))
        if not (0 <= left <= self.columns - side and 0 <= top <= self.rows - side):
            self.lose("objects outside of the plan are left out")
        elif len(self._objects) == MAX_OBJECTS:
            self.lose(f"a plan has at most {MAX_OBJECTS} objects: others are left out")
        else:
            id_ = f"o{len(self._objects) + 1}"
            self._objects.append(PlanObject(id=id_, type=type_, x=left, y=top, width=side, height=side))

    def add_room(self, name: str, cells: Sequence[CellRectangle], description: str) -> None:
        """Add a room."""
        if len(self._rooms) == MAX_ROOMS:
            self.lose(f"a plan has at most {MAX_ROOMS} rooms: others are left out")
            return
        if len(cells) > MAX_RECTANGLES:
            self.lose("rooms of too many pieces are left out")
            return
        if len(name) > _MAX_NAME or len(description) > _MAX_DESCRIPTION:
            self.lose("long descriptions are cut off")
        room = Room(id=f"r{len(self._rooms) + 1}", name=name[:_MAX_NAME], cells=cells)
        room.description = description[:_MAX_DESCRIPTION]
        self._rooms.append(room)

    def plan(self) -> FloorPlan:
        """Return the plan. Raises BadFile if it has too many walls."""
        walls = list(self._walls())
        if len(walls) > MAX_WALLS:
            raise BadFile(f"must have at most {MAX_WALLS} walls, has {len(walls)}")
        return FloorPlan(
            size=FloorPlanSize(columns=self.columns, rows=self.rows),
            terrain=["".join(row) for row in self.symbols.tolist()],
            rooms=self._rooms,
            walls=walls,
            lights=self._lights,
            objects=self._objects,
        )

    def _walls(self) -> Iterator[Wall]:
        """Yield all walls in quarter cells, none twice, and none where a door or window is."""
        exact = np.array([line for line, _ in self._lines], dtype=float).reshape(-1, 2, 2)
        lines = np.round(_together(exact.reshape(-1, 2)) * PARTS).reshape(-1, 2, 2) / PARTS
        is_opening = [is_door(wall) or wall.kind == WallKind.WALL_KIND_WINDOW for _, wall in self._lines]
        openings = shapely.union_all(shapely.linestrings(lines[np.array(is_opening, dtype=bool)]))
        seen = set[tuple[float, ...]]()
        number = 0
        for line, before, (_, wall), opens in zip(lines, exact, self._lines, is_opening, strict=True):
            (x, y), (x2, y2) = line.tolist()
            if (x, y) == (x2, y2):
                self.lose("walls shorter than a quarter of a cell are left out")
                continue
            if np.any(np.abs(line - before) > _EXACT):
                self.lose("walls are moved to quarter cells")
            for start, end in [((x, y), (x2, y2))] if opens else _without((x, y), (x2, y2), openings):
                key = (opens, *min(start, end), *max(start, end))
                if start == end or key in seen:
                    continue
                seen.add(key)
                number += 1
                each = Wall(id=f"{'d' if is_door(wall) else 'w'}{number}", start=at(*start), end=at(*end))
                each.MergeFrom(clone_without(wall, "id", "start", "end"))
                yield each

    def _contains(self, x: float, y: float) -> bool:
        return 0 <= x <= self.columns and 0 <= y <= self.rows

    def _within(self, line: Line) -> Line | None:
        if all(self._contains(*end) for end in line):
            return line
        clipped = shapely.clip_by_rect(shapely.LineString(line), 0, 0, self.columns, self.rows)
        if clipped.geom_type != "LineString" or clipped.is_empty:
            self.lose("walls outside of the plan are left out")
            return None
        self.lose("walls are cut off at the edge of the plan")
        start, end = clipped.coords
        return (start[0], start[1]), (end[0], end[1])


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file contains."""

    sketch: Sketch
    picture: bytes = b""
    """Empty if it is not in the document."""
    picture_columns: float = 0
    """Width of the picture in cells."""


def floor_and_rock(floor: Regions) -> NDArray[np.str_]:
    """Return the symbols of cells that are floor where a region is, otherwise rock."""
    return np.where(floor != 0, FLOOR, ROCK)


def _together(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points with the same column, or row, for those that have almost the same one."""
    moved = points.copy()
    for axis in range(2):
        values, inverse = np.unique(points[:, axis], return_inverse=True)
        groups, first = np.zeros(len(values), dtype=int), -np.inf
        for index, value in enumerate(values.tolist()):
            is_new = value - first > _TOGETHER
            first = value if is_new else first
            groups[index] = groups[index - 1] + is_new
        sums, counts = np.bincount(groups, values), np.bincount(groups)
        moved[:, axis] = (sums / np.maximum(counts, 1))[groups][inverse]
    return moved


def _without(
    start: tuple[float, float], end: tuple[float, float], openings: shapely.Geometry
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the parts of a wall that lie on no opening."""
    wall = shapely.LineString([start, end])
    if shapely.length(shapely.intersection(wall, openings)) == 0:
        return [(start, end)]
    parts = shapely.get_parts(shapely.difference(wall, openings))
    return [(_rounded(part.coords[0]), _rounded(part.coords[-1])) for part in parts if not part.is_empty]


def _rounded(point: Iterable[float]) -> tuple[float, float]:
    x, y = (round(value * PARTS) / PARTS for value in point)
    return x, y
