"""Buildings: a rectangle, divided again and again, with furniture and windows."""

from itertools import product

from tabletop.image.v1.map_pb2 import CellRectangle, DoorKind, Ground, Illumination

from image_grpc.plans.generators.draft import Draft
from image_grpc.plans.walls import Edge

_GRASS = Ground(symbol=",", name="grass")
_OUTSIDE = -1
_YARD = 2
"""Cells around the house."""
_MIN_SIDE, _LARGE = 3, 48
"""Cells per side of a room; cells of a room that is divided if possible."""
_LOOP_PERCENT, _WINDOW_STEP = 20, 3
_NAMES = (
    "hall",
    "kitchen",
    "dining room",
    "study",
    "pantry",
    "bedroom",
    "workshop",
    "guest room",
    "washroom",
    "storeroom",
)
_MORE_NAMES = ("bedroom", "storeroom", "guest room", "workshop")
_LAMP = Illumination(bright_feet=15, dim_feet=30, color="#ffd9a0")


def building(draft: Draft, max_rooms: int) -> None:
    """Build a house in the middle of a yard."""
    draft.grounds.append(_GRASS)
    draft.is_open = True
    draft.fill(CellRectangle(columns=draft.columns, rows=draft.rows), _OUTSIDE, _GRASS.symbol)
    house = CellRectangle(column=_YARD, row=_YARD, columns=draft.columns - 2 * _YARD, rows=draft.rows - 2 * _YARD)
    rooms = sorted(_divide(draft, house, max_rooms or 100), key=lambda room: -room.columns * room.rows)
    for region, room in enumerate(rooms, start=1):
        draft.fill(room, region)
    shared = _shared_sides(draft)
    _connect_rooms(draft, len(rooms), shared)
    _open_to_outside(draft, rooms, shared)
    for index, room in enumerate(rooms):
        _furnish(draft, room, index)


def _divide(draft: Draft, house: CellRectangle, most: int) -> list[CellRectangle]:
    """Divide the largest room until all are small or cannot be divided."""
    small, rooms = list[CellRectangle](), [house]
    while rooms and len(small) + len(rooms) < most:
        room = max(rooms, key=lambda each: (each.columns * each.rows, each.column, each.row))
        rooms.remove(room)
        longer = "columns" if room.columns >= room.rows else "rows"
        side = getattr(room, longer)
        if room.columns * room.rows <= _LARGE or side < 2 * _MIN_SIDE:
            small.append(room)
            continue
        least = max(_MIN_SIDE, side * 2 // 5)
        first = draft.dice.between(least, side - least)
        one, other = CellRectangle(), CellRectangle()
        for part in (one, other):
            part.CopyFrom(room)
        setattr(one, longer, first)
        setattr(other, longer, side - first)
        start = "column" if longer == "columns" else "row"
        setattr(other, start, getattr(room, start) + first)
        rooms += [one, other]
    return small + rooms


def _shared_sides(draft: Draft) -> dict[tuple[int, int], list[Edge]]:
    """Return the sides of cells between each two regions."""
    shared: dict[tuple[int, int], list[Edge]] = {}
    regions = draft.regions.tolist()
    for row, column in product(range(draft.rows), range(draft.columns)):
        for other_column, other_row in ((column - 1, row), (column, row - 1)):
            if other_column >= 0 and other_row >= 0 and regions[other_row][other_column] != regions[row][column]:
                pair = sorted((regions[other_row][other_column], regions[row][column]))
                edge = Edge(column, row, other_row == row)
                shared.setdefault((pair[0], pair[1]), []).append(edge)
    return shared


def _connect_rooms(draft: Draft, count: int, shared: dict[tuple[int, int], list[Edge]]) -> None:
    group = list(range(count + 1))
    inside = [pair for pair in sorted(shared) if pair[0] > 0]
    for pair in draft.dice.shuffled(inside):
        one, other = (group[region] for region in pair)
        if one == other and not draft.dice.chance(_LOOP_PERCENT):
            continue
        group = [one if each == other else each for each in group]
        draft.doors[_middle(draft, shared[pair])] = DoorKind.DOOR_KIND_DOOR


def _open_to_outside(draft: Draft, rooms: list[CellRectangle], shared: dict[tuple[int, int], list[Edge]]) -> None:
    """Give a house its doors and windows."""
    outer = [pair for pair in sorted(shared) if pair[0] == _OUTSIDE]
    for pair in outer[:1] + [pair for pair in outer[-1:] if len(rooms) > 3]:
        draft.doors[_middle(draft, shared[pair])] = DoorKind.DOOR_KIND_DOOR
    for pair in outer:
        free = [edge for edge in shared[pair] if edge not in draft.doors]
        draft.windows.update(free[1:-1:_WINDOW_STEP])


def _middle(draft: Draft, edges: list[Edge]) -> Edge:
    """Return the side in the middle of those in the same direction as the first one, if possible not beside a door."""
    straight = [edge for edge in edges if edge.is_vertical == edges[0].is_vertical]
    middle = len(straight) // 2
    by_distance = sorted(range(len(straight)), key=lambda index: (abs(index - middle), index))
    free = (straight[index] for index in by_distance if not _beside(straight[index]) & draft.doors.keys())
    return next(free, straight[middle])


def _beside(edge: Edge) -> set[Edge]:
    """Return the sides before and after one, in the same direction."""
    down, across = int(edge.is_vertical), int(not edge.is_vertical)
    return {Edge(edge.column + sign * across, edge.row + sign * down, edge.is_vertical) for sign in (-1, 1)}


def _furnish(draft: Draft, room: CellRectangle, index: int) -> None:
    name = _NAMES[index] if index < len(_NAMES) else _MORE_NAMES[index % len(_MORE_NAMES)]
    draft.add_room(name, [room])
    if name in ("hall", "dining room", "study", "kitchen", "workshop") and min(room.columns, room.rows) > _MIN_SIDE:
        x, y = room.column + (room.columns - 1) // 2, room.row + (room.rows - 1) // 2
        draft.add_object("table", x, y, 2 if room.columns > _MIN_SIDE + 1 else 1, 1)
    if "room" in name:
        draft.add_object("bed" if name in ("bedroom", "guest room") else "crate", *draft.corner(room, 2))
    if name in ("hall", "kitchen", "dining room"):
        draft.add_light(*draft.corner(room, 0), _LAMP)
