"""A floor plan in the making."""

from collections.abc import Iterable

import numpy as np
from tabletop.image.v1.map_pb2 import (
    CellRectangle,
    DoorKind,
    DoorState,
    FloorPlan,
    FloorPlanSize,
    Ground,
    Illumination,
    Light,
    PlanObject,
    Room,
    WallKind,
)

from image_grpc.maps.terrain import FLOOR, ROCK
from image_grpc.plans.generators.dice import Dice
from image_grpc.plans.objects import at
from image_grpc.plans.walls import SOLID, Edge, border_walls

TORCH = Illumination(bright_feet=20, dim_feet=40, color="#ffb866")
_LOCKED_PERCENT = 12


class Draft:
    """Regions and ground of each cell, openings between regions, and what stands in them."""

    def __init__(self, size: FloorPlanSize, dice: Dice, *, ground: str = ROCK) -> None:
        self.columns, self.rows, self.dice = size.columns, size.rows, dice
        self.regions = np.full((size.rows, size.columns), SOLID, dtype=np.int64)
        self.symbols = np.full((size.rows, size.columns), ground)
        self.grounds: list[Ground] = []
        self.openings: set[Edge] = set()
        """Sides without a wall."""
        self.doors: dict[Edge, DoorKind] = {}
        self.windows: set[Edge] = set()
        self.rooms: list[Room] = []
        self.is_open = False
        """Whether the plan goes on beyond its edges."""
        self._objects: list[PlanObject] = []
        self._lights: list[Light] = []
        self._corners = set[tuple[int, int]]()
        """Corners of rooms with something in them."""

    def fill(self, area: CellRectangle, region: int, ground: str = FLOOR) -> None:
        """Make a rectangle a region of this ground."""
        rows, columns = slice(area.row, area.row + area.rows), slice(area.column, area.column + area.columns)
        self.regions[rows, columns], self.symbols[rows, columns] = region, ground

    def add_object(self, type_: str, x: float, y: float, width: float = 1, height: float = 1) -> None:
        """Add an object with its upper left corner at a point."""
        id_ = f"o{len(self._objects) + 1}"
        self._objects.append(PlanObject(id=id_, type=type_, x=x, y=y, width=width, height=height))

    def add_light(self, column: int, row: int, source: Illumination = TORCH) -> None:
        """Add a source of light in the middle of a cell."""
        position = at(column + 0.5, row + 0.5)
        self._lights.append(Light(id=f"l{len(self._lights) + 1}", position=position, illumination=source))

    def add_room(self, name: str, cells: Iterable[CellRectangle], description: str = "") -> None:
        """Add a room."""
        self.rooms.append(Room(id=f"r{len(self.rooms) + 1}", name=name, cells=cells, description=description))

    def corner(self, room: CellRectangle, first: int) -> tuple[int, int]:
        """Return a free corner of a room without a door, clockwise from the upper left, or any if there is none."""
        right, bottom = room.column + room.columns - 1, room.row + room.rows - 1
        corners = [(room.column, room.row), (right, room.row), (right, bottom), (room.column, bottom)]
        corners = corners[first:] + corners[:first]
        taken = self._corners | {cell for edge in self.openings | self.doors.keys() for cell in edge.sides}
        corner = next((corner for corner in corners if corner not in taken), corners[0])
        self._corners.add(corner)
        return corner

    def plan(self) -> FloorPlan:
        """Return the finished plan."""
        without_wall = self.openings | self.doors.keys() | self.windows
        walls = border_walls(self.regions, without_wall, outside=None if self.is_open else SOLID)
        doors = [
            edge.door(f"d{number}", kind, self._state_of(kind))
            for number, (edge, kind) in enumerate(sorted(self.doors.items()), start=1)
        ]
        windows = [
            edge.wall(f"n{number}", WallKind.WALL_KIND_WINDOW)
            for number, edge in enumerate(sorted(self.windows), start=1)
        ]
        return FloorPlan(
            size=FloorPlanSize(columns=self.columns, rows=self.rows),
            terrain=["".join(row) for row in self.symbols.tolist()],
            grounds=self.grounds,
            rooms=self.rooms,
            walls=[*walls, *doors, *windows],
            lights=self._lights,
            objects=self._objects,
        )

    def _state_of(self, kind: DoorKind) -> DoorState:
        is_plain = kind == DoorKind.DOOR_KIND_DOOR
        is_locked = is_plain and self.dice.chance(_LOCKED_PERCENT)
        return DoorState.DOOR_STATE_LOCKED if is_locked else DoorState.DOOR_STATE_CLOSED
