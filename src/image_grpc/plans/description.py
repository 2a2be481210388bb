"""Descriptions of floor plans for painters."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from tabletop.image.v1.map_pb2 import DoorKind, FloorPlan, Room, WallKind

from image_grpc.maps.barriers import is_open
from image_grpc.maps.properties import is_door
from image_grpc.maps.terrain import grounds_of, symbols_of

MAX_ROOMS = 16
"""Rooms that are described, the largest ones; a model follows no longer text."""
_PARTS = (("upper", "middle", "lower"), ("left", "", "right"))
_SPECIAL_DOORS = {DoorKind.DOOR_KIND_PORTCULLIS: "portcullis", DoorKind.DOOR_KIND_CURTAIN: "curtain"}


def describe(plan: FloorPlan) -> list[str]:
    """Return sentences that describe a plan to the painter of its layout."""
    sentences = [
        "The first reference picture is the exact layout, seen from above: paint over it. Keep every wall, opening and "
        "object at exactly the same place and size, without shift, rotation, zoom or perspective. Black lines are "
        "walls and must stay dark and clearly visible; gaps between them are open.",
        _listed("Grounds", _grounds(plan)),
        _listed("Rooms", _rooms(plan)),
        _listed("Openings in walls", _openings(plan)),
        _listed("Objects", _counted(each.type for each in plan.objects)),
        f"Light from {len(plan.lights)} lamps or fires, the yellow dots." if plan.lights else "",
    ]
    return [sentence for sentence in sentences if sentence]


def _grounds(plan: FloorPlan) -> list[str]:
    grounds = grounds_of(plan)
    codes, counts = np.unique(symbols_of(plan), return_counts=True)
    return [grounds[chr(codes[index])].name for index in np.argsort(-counts, kind="stable")]


def _rooms(plan: FloorPlan) -> list[str]:
    rooms = sorted(plan.rooms, key=lambda room: -sum(area.columns * area.rows for area in room.cells))[:MAX_ROOMS]
    described = (
        (room.name + (f" ({room.description})" if room.description else ""), _place(room, plan)) for room in rooms
    )
    return [f"{text} {place}".strip() for text, place in described if text]


def _place(room: Room, plan: FloorPlan) -> str:
    """Return where a room is, for example `upper left`."""
    first = room.cells[0]
    x = (first.column + first.columns / 2) / plan.size.columns
    y = (first.row + first.rows / 2) / plan.size.rows
    down, across = (parts[min(2, int(3 * at))] for parts, at in zip(_PARTS, (y, x), strict=True))
    return f"in the {down} {across}".strip() if across or down != "middle" else "in the middle"


def _openings(plan: FloorPlan) -> list[str]:
    names = []
    for wall in plan.walls:
        if wall.kind == WallKind.WALL_KIND_WINDOW:
            names.append("window")
        elif is_door(wall) and wall.door.kind != DoorKind.DOOR_KIND_SECRET:
            name = _SPECIAL_DOORS.get(wall.door.kind, "door")
            names.append(f"open {name}" if is_open(wall) else f"closed {name}")
    return _counted(names)


def _counted(names: Iterator[str] | list[str]) -> list[str]:
    return [f"{count} x {name}" for name, count in Counter(names).items()]


def _listed(label: str, parts: list[str]) -> str:
    return f"{label}: {'; '.join(parts)}." if parts else ""
