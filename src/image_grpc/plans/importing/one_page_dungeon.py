"""One Page Dungeon: JSON with rectangles of cells, doors on cells, notes, columns and water."""

import numpy as np
from tabletop.image.v1.map_pb2 import CellRectangle, DoorKind, DoorState

from image_grpc.maps.terrain import WATER
from image_grpc.plans.importing.doors import door_across
from image_grpc.plans.importing.reading import BadFile, Document, objects, point, text, whole
from image_grpc.plans.importing.sketch import MAX_ROOMS, MAX_SIDE, Reading, Sketch, floor_and_rock
from image_grpc.plans.walls import Regions

_MARGIN = 1
"""Cells of rock around everything."""
_OUT, _STAIRS = 3, (8, 9)
_DOORS = {
    1: (DoorKind.DOOR_KIND_DOOR, DoorState.DOOR_STATE_CLOSED),
    4: (DoorKind.DOOR_KIND_PORTCULLIS, DoorState.DOOR_STATE_CLOSED),
    5: (DoorKind.DOOR_KIND_DOUBLE, DoorState.DOOR_STATE_CLOSED),
    6: (DoorKind.DOOR_KIND_SECRET, DoorState.DOOR_STATE_CLOSED),
    7: (DoorKind.DOOR_KIND_DOOR, DoorState.DOOR_STATE_LOCKED),
}
"""Doors by type. Types 0 (open) and 2 (narrow) are passages, 3 leads out, 8 and 9 are stairs."""
_PILLAR = 0.5
MAX_RECTANGLES = 5000
MAX_NOTES = 20
"""Notes that describe a room."""


def read_one_page_dungeon(document: Document) -> Reading:
    """Return the plan. Raises BadFile."""
    areas = [_rectangle(fields, path) for fields, path in objects(document, "rects")]
    if not 1 <= len(areas) <= MAX_RECTANGLES:
        raise BadFile(f"rects must have 1 to {MAX_RECTANGLES} rectangles")
    left, top = min(x for x, *_ in areas) - _MARGIN, min(y for _, y, *_ in areas) - _MARGIN
    columns = max(x + width for x, _, width, _ in areas) - left + _MARGIN
    rows = max(y + height for _, y, _, height in areas) - top + _MARGIN
    sketch = Sketch(columns, rows)
    floor = np.zeros((rows, columns), dtype=np.int64)
    rooms = [
        _dig(sketch, floor, CellRectangle(column=x - left, row=y - top, columns=width, rows=height), fields)
        for (x, y, width, height), (fields, _) in zip(areas, objects(document, "rects"), strict=True)
    ]
    doors = [(_cell(fields, path, left, top), fields, path) for fields, path in objects(document, "doors")]
    for (column, row), _, _ in doors:
        if 0 < column < columns - 1 and 0 < row < rows - 1:
            floor[row, column] = 1
    sketch.symbols = floor_and_rock(floor)
    sketch.add_border_walls(floor)
    for cell, fields, path in doors:
        _add_door(sketch, cell, fields, path)
    _add_rooms(sketch, document, rooms, left, top)
    for fields, path in objects(document, "columns"):
        x, y = point(fields, path)
        sketch.add_object("pillar", x - left + (1 - _PILLAR) / 2, y - top + (1 - _PILLAR) / 2, _PILLAR)
    for fields, path in objects(document, "water"):
        column, row = _cell(fields, path, left, top)
        if 0 <= column < columns and 0 <= row < rows and floor[row, column]:
            sketch.symbols[row, column] = WATER
    if document.get("title") or document.get("story"):
        sketch.lose("title and story are left out")
    return Reading(sketch)


def _rectangle(fields: Document, path: str) -> tuple[int, int, int, int]:
    x, y, width, height = (whole(fields.get(key), f"{path}.{key}") for key in ("x", "y", "w", "h"))
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BadFile(f"{path} must have 1 to {MAX_SIDE} columns and rows")
    return x, y, width, height


def _dig(sketch: Sketch, floor: Regions, area: CellRectangle, fields: Document) -> CellRectangle:
    cells = floor[area.row : area.row + area.rows, area.column : area.column + area.columns]
    if fields.get("rotunda"):
        sketch.lose("round rooms have corners")
        rows, columns = np.mgrid[0 : area.rows, 0 : area.columns] + 0.5
        distance = ((columns / area.columns - 0.5) ** 2 + (rows / area.rows - 0.5) ** 2) * 4
        # The cells in the middle of each side, where passages begin, always belong to the room.
        middle = (np.abs(columns - area.columns / 2) < 1) | (np.abs(rows - area.rows / 2) < 1)
        cells[(distance <= 1) | middle] = 1
    else:
        cells[:] = 1
    return area


def _cell(fields: Document, path: str, left: int, top: int) -> tuple[int, int]:
    return whole(fields.get("x"), f"{path}.x") - left, whole(fields.get("y"), f"{path}.y") - top


def _add_door(sketch: Sketch, cell: tuple[int, int], fields: Document, path: str) -> None:
    type_ = whole(fields.get("type", 0), f"{path}.type")
    column, row = cell
    if type_ == _OUT:
        sketch.add_object("exit", column, row)
    elif type_ in _STAIRS:
        sketch.add_object("stairs down", column, row)
    elif type_ in _DOORS:
        x, y = point(fields.get("dir"), f"{path}.dir")
        door_across(sketch, column, row, _DOORS[type_], is_vertical=abs(x) > abs(y))
    elif type_ not in (0, 2):
        sketch.lose("doors of unknown types are passages")


def _add_rooms(sketch: Sketch, document: Document, rooms: list[CellRectangle], left: int, top: int) -> None:
    """Add rectangles that are no passages as rooms, described by the notes in them."""
    texts, places = [], []
    for fields, path in objects(document, "notes"):
        x, y = point(fields.get("pos"), f"{path}.pos")
        places.append((x - left, y - top))
        texts.append(text(fields.get("text")))
    columns, rows = np.array(places, dtype=float).reshape(-1, 2).T
    placed = np.zeros(len(texts), dtype=bool)
    for room in [room for room in rooms if min(room.columns, room.rows) >= 2][: MAX_ROOMS + 1]:
        across = (room.column <= columns) & (columns <= room.column + room.columns)
        inside = across & (room.row <= rows) & (rows <= room.row + room.rows)
        placed |= inside
        sketch.add_room("", [room], " ".join(texts[index] for index in np.flatnonzero(inside)[:MAX_NOTES]))
    if not np.all(placed):
        sketch.lose("notes outside of rooms are left out")
