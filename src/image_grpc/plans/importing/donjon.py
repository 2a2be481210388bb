"""donjon: JSON with a grid of cells, each a number with a bit for everything in it."""

from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import DoorKind, DoorState

from image_grpc.plans.importing.doors import door_across
from image_grpc.plans.importing.reading import BadFile, Document, items, objects, text
from image_grpc.plans.importing.sketch import MAX_SIDE, Reading, Sketch, floor_and_rock
from image_grpc.plans.rectangles import rectangles

_BITS = {
    "room": 0x2,
    "corridor": 0x4,
    "room_id": 0xFFC0,
    "arch": 0x10000,
    "door": 0x20000,
    "locked": 0x40000,
    "trapped": 0x80000,
    "secret": 0x100000,
    "portcullis": 0x200000,
    "stair_down": 0x400000,
    "stair_up": 0x800000,
}
"""Bits by their name, unless `cell_bit` says otherwise."""
_CLOSED, _LOCKED = DoorState.DOOR_STATE_CLOSED, DoorState.DOOR_STATE_LOCKED
_DOORS = {
    "portcullis": (DoorKind.DOOR_KIND_PORTCULLIS, _CLOSED),
    "secret": (DoorKind.DOOR_KIND_SECRET, _CLOSED),
    "trapped": (DoorKind.DOOR_KIND_DOOR, _CLOSED),
    "locked": (DoorKind.DOOR_KIND_DOOR, _LOCKED),
    "door": (DoorKind.DOOR_KIND_DOOR, _CLOSED),
}
"""What doors are, the most particular first."""
Values = NDArray[np.int64]


def read_donjon(document: Document) -> Reading:
    """Return the plan. Raises BadFile."""
    cells, bits = _cells(document), _bits(document)
    rows, columns = cells.shape
    sketch = Sketch(columns, rows)
    openings = reduce(or_, (bits[name] for name in ("arch", *_DOORS)))
    shift = max(0, (bits["room_id"] & -bits["room_id"]).bit_length() - 1)
    floor = (cells & (bits["room"] | bits["corridor"] | openings)) != 0
    sketch.symbols = floor_and_rock(floor.astype(np.int64))
    sketch.add_border_walls(floor.astype(np.int64))
    for name, door in _DOORS.items():
        chosen = cells & bits[name] != 0
        cells[chosen] &= ~openings  # a door has several bits
        for row, column in np.argwhere(chosen).tolist():
            beside = [floor[row, x] for x in (column - 1, column + 1) if 0 <= x < columns]
            door_across(sketch, column, row, door, is_vertical=any(beside))
            if name == "trapped":
                sketch.lose("traps of doors are left out")
    for name, type_ in (("stair_down", "stairs down"), ("stair_up", "stairs up")):
        for row, column in np.argwhere(cells & bits[name] != 0).tolist():
            sketch.add_object(type_, column, row)
    _add_rooms(sketch, document, np.where(cells & bits["room"] != 0, (cells & bits["room_id"]) >> shift, 0))
    if document.get("wandering_monsters") or document.get("corridor_features"):
        sketch.lose("wandering monsters and features of corridors are left out")
    return Reading(sketch)


def _cells(document: Document) -> Values:
    lines = items(document, "cells")
    if len(lines) > MAX_SIDE or any(not isinstance(line, list) or len(line) > MAX_SIDE for line in lines):
        raise BadFile(f"cells must be at most {MAX_SIDE} lists of at most {MAX_SIDE} numbers")
    if not lines or len({len(line) for line in lines}) != 1:
        raise BadFile("cells must be lists of equal length")
    values = [value for line in lines for value in line]
    if any(isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32 for value in values):
        raise BadFile("cells must be whole numbers from 0 to 2^32 - 1")
    return np.array(values, dtype=np.int64).reshape(len(lines), -1)


def _bits(document: Document) -> dict[str, int]:
    given = document.get("cell_bit")
    given = given if isinstance(given, dict) else {}
    bits = {name: given.get(name, bit) for name, bit in _BITS.items()}
    if any(isinstance(bit, bool) or not isinstance(bit, int) or not 0 <= bit < 2**32 for bit in bits.values()):
        raise BadFile("cell_bit must be whole numbers from 0 to 2^32 - 1")
    return bits


def _add_rooms(sketch: Sketch, document: Document, room_ids: Values) -> None:
    described = {fields.get("id"): fields for fields, _ in objects(document, "rooms") if _is_id(fields.get("id"))}
    for room_id in sorted(set(room_ids[room_ids > 0].tolist())):
        fields = described.get(room_id, {})
        contents = fields.get("contents")
        summary = text(contents.get("summary")) if isinstance(contents, dict) else ""
        if isinstance(contents, dict) and contents.get("detail"):
            sketch.lose("details of rooms are left out")
        cells = rectangles(np.argwhere(room_ids == room_id)[:, ::-1])
        sketch.add_room(f"room {room_id}", cells, summary)


def _is_id(value: object) -> bool:
    return isinstance(value, int)
