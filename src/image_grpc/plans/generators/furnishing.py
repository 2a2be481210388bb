"""What stands and lies in the rooms of a dungeon."""

from collections.abc import Sequence

from tabletop.image.v1.map_pb2 import CellRectangle

from image_grpc.maps.terrain import PIT, RUBBLE, WATER
from image_grpc.plans.generators.draft import Draft

_NAMES = (
    "guard room",
    "storeroom",
    "crypt",
    "shrine",
    "barracks",
    "library",
    "prison",
    "armory",
    "laboratory",
    "kitchen",
    "well room",
    "throne room",
    "treasury",
    "collapsed chamber",
)
_LIT_PERCENT = 45
_SMALL = 5
"""Cells per side below which a room has nothing in its middle."""


def furnish(draft: Draft, rooms: Sequence[CellRectangle], order: Sequence[int]) -> None:
    """Furnish rooms. The first of `order` has the stairs up, the last one those down.

    What restricts movement stands in the middle of rooms, with free cells all around: it never cuts a place off.
    """
    names = [name for _ in range(len(rooms) // len(_NAMES) + 1) for name in draft.dice.shuffled(_NAMES)]
    for index, room in enumerate(rooms):
        description = _fill(draft, room)
        name = names[index]
        if index == order[0]:
            name = "entrance"
        elif index == order[-1]:
            name = "way down"
        draft.add_room(name, [room], description)
        if index in (order[0], order[-1]):
            draft.add_object("stairs up" if index == order[0] else "stairs down", *draft.corner(room, 0))
        if draft.dice.chance(_LIT_PERCENT):
            draft.add_light(*draft.corner(room, 1))


def _fill(draft: Draft, room: CellRectangle) -> str:
    """Put something into a room and describe it."""
    dice = draft.dice
    if min(room.columns, room.rows) < _SMALL:
        return _fill_small(draft, room)
    match dice.below(6):
        case 0:
            return _pillars(draft, room)
        case 1:
            draft.fill(_middle(room, 1), int(draft.regions[room.row, room.column]), WATER)
            return "a shallow pool in the middle"
        case 2:
            draft.fill(_middle(room, 2), int(draft.regions[room.row, room.column]), PIT)
            return "a pit in the middle"
        case 3:
            draft.add_object("statue", *_center(room))
            return "a statue in the middle"
        case 4:
            x, y = _center(room)
            draft.add_object("table", x, y, 2 if room.columns > _SMALL else 1, 1)
            return "a table in the middle"
        case _:
            return _rubble(draft, room)


def _fill_small(draft: Draft, room: CellRectangle) -> str:
    match draft.dice.below(4):
        case 0:
            draft.add_object("chest", *draft.corner(room, 2))
            return "a chest in a corner"
        case 1:
            draft.add_object("sarcophagus", *_center(room))
            return "a sarcophagus"
        case 2:
            return _rubble(draft, room)
        case _:
            return ""


def _pillars(draft: Draft, room: CellRectangle) -> str:
    columns = range(room.column + 1, room.column + room.columns - 1, 2)
    rows = (room.row + 1, room.row + room.rows - 2)
    for row in rows:
        for column in columns:
            draft.add_object("pillar", column, row)
    return f"two rows of {len(columns)} pillars"


def _rubble(draft: Draft, room: CellRectangle) -> str:
    for _ in range(room.columns * room.rows // 4):
        column = draft.dice.between(room.column, room.column + room.columns - 1)
        row = draft.dice.between(room.row, room.row + room.rows - 1)
        draft.symbols[row, column] = RUBBLE
    return "rubble on the floor"


def _middle(room: CellRectangle, margin: int) -> CellRectangle:
    """Return a room without the cells along its walls."""
    return CellRectangle(
        column=room.column + margin,
        row=room.row + margin,
        columns=room.columns - 2 * margin,
        rows=room.rows - 2 * margin,
    )


def _center(room: CellRectangle) -> tuple[int, int]:
    return room.column + (room.columns - 1) // 2, room.row + (room.rows - 1) // 2
