"""Dungeons: rooms in rock, connected by corridors.

Neighbors by the Gabriel graph, a part of the Delaunay triangulation that contains the shortest spanning tree and needs
whole numbers only: two rooms are neighbors if no other one lies in the circle between them. The tree connects all
rooms, further neighbors make loops.
"""

import heapq
from itertools import pairwise

import numpy as np
from tabletop.image.v1.map_pb2 import CellRectangle, DoorKind

from image_grpc.maps.terrain import FLOOR
from image_grpc.plans.generators.draft import Draft
from image_grpc.plans.generators.furnishing import furnish
from image_grpc.plans.walls import SOLID, Edge

_CORRIDOR = -1
_MARGIN = 2
"""Cells of rock between rooms: a corridor fits."""
_MIN_SIDE, _MAX_SIDE = 3, 9
_LOOP_PERCENT = 25
_ATTEMPTS_PER_CELL = 0.15
# Costs of a step of a corridor.
_DIG, _BESIDE_ROOM, _REUSE, _THROUGH_ROOM, _BREAK_WALL, _TURN = 2, 3, 1, 12, 10, 1
_DOOR_KINDS = (DoorKind.DOOR_KIND_DOOR,) * 16 + (DoorKind.DOOR_KIND_PORTCULLIS,) * 2 + (DoorKind.DOOR_KIND_CURTAIN,)
_ARCH_PERCENT, _SECRET_PERCENT = 15, 20
Link = tuple[int, int]
"""Two rooms by their index."""


def dungeon(draft: Draft, max_rooms: int) -> None:
    """Dig a dungeon into rock."""
    rooms = _place_rooms(draft, max_rooms)
    for region, room in enumerate(rooms, start=1):
        draft.fill(room, region)
    tree, loops = _links(draft, rooms)
    for link in tree:
        draft.openings.update(_dig(draft, rooms, link))
    needed = frozenset(draft.openings)
    for link in loops:
        draft.openings.update(_dig(draft, rooms, link))
    for edge in sorted(draft.openings):
        if edge not in needed and draft.dice.chance(_SECRET_PERCENT):
            draft.doors[edge] = DoorKind.DOOR_KIND_SECRET
        elif not draft.dice.chance(_ARCH_PERCENT):
            draft.doors[edge] = draft.dice.choose(_DOOR_KINDS)
    furnish(draft, rooms, _by_distance(len(rooms), tree))


def _place_rooms(draft: Draft, max_rooms: int) -> list[CellRectangle]:
    dice, rooms = draft.dice, list[CellRectangle]()
    longest = min(_MAX_SIDE, min(draft.columns, draft.rows) // 2 - 1)
    for _ in range(int(draft.columns * draft.rows * _ATTEMPTS_PER_CELL) + 30):
        width, height = dice.between(_MIN_SIDE, longest), dice.between(_MIN_SIDE, longest)
        left, top = dice.between(1, draft.columns - width - 1), dice.between(1, draft.rows - height - 1)
        room = CellRectangle(column=left, row=top, columns=width, rows=height)
        if all(_are_apart(room, other) for other in rooms):
            rooms.append(room)
        if len(rooms) == (max_rooms or 100):
            break
    return rooms


def _are_apart(one: CellRectangle, other: CellRectangle) -> bool:
    return (
        one.column >= other.column + other.columns + _MARGIN
        or other.column >= one.column + one.columns + _MARGIN
        or one.row >= other.row + other.rows + _MARGIN
        or other.row >= one.row + one.rows + _MARGIN
    )


def _links(draft: Draft, rooms: list[CellRectangle]) -> tuple[list[Link], list[Link]]:
    """Return the links of a spanning tree of short corridors, and some of the other links between neighbors."""
    centers = [(2 * room.column + room.columns, 2 * room.row + room.rows) for room in rooms]

    def squared(one: int, other: int) -> int:
        return (centers[one][0] - centers[other][0]) ** 2 + (centers[one][1] - centers[other][1]) ** 2

    count = len(rooms)
    lengths = {(one, other): squared(one, other) for one in range(count) for other in range(one + 1, count)}
    neighbors = [
        (one, other)
        for (one, other), length in lengths.items()
        if all(squared(one, i) + squared(other, i) >= length for i in range(count) if i not in (one, other))
    ]
    tree, others, group = [], [], list(range(count))
    for link in sorted(neighbors, key=lambda link: (lengths[link], link)):
        one, other = (group[room] for room in link)
        if one == other:
            others.append(link)
            continue
        group = [one if each == other else each for each in group]
        tree.append(link)
    return tree, [link for link in others if draft.dice.chance(_LOOP_PERCENT)]


def _dig(draft: Draft, rooms: list[CellRectangle], link: Link) -> list[Edge]:
    """Dig a corridor between two rooms and return the sides of cells where it passes a wall."""
    path = _path(draft, rooms[link[0]], rooms[link[1]])
    for column, row in path:
        if draft.regions[row, column] == SOLID:
            draft.regions[row, column], draft.symbols[row, column] = _CORRIDOR, FLOOR
    return [
        Edge.between(cell, following)
        for cell, following in pairwise(path)
        if draft.regions[cell[::-1]] != draft.regions[following[::-1]]
    ]


def _path(draft: Draft, start: CellRectangle, goal: CellRectangle) -> list[tuple[int, int]]:
    """Return the cells of a cheap way from the middle of a room to the first cell of another one."""
    columns = draft.columns
    regions, prices = draft.regions.ravel().tolist(), _prices(draft, start, goal)
    goal_region = int(draft.regions[goal.row, goal.column])
    distances = _distances(draft, goal)
    opened = {(edge.sides[0], edge.sides[1]) for edge in draft.openings}
    first = (start.row + start.rows // 2) * columns + start.column + start.columns // 2
    costs, came = {first: 0}, dict[int, int]()
    queue = [(distances[first], 0, first, 0)]
    while queue:
        _, cost, cell, heading = heapq.heappop(queue)
        region = regions[cell]
        if region == goal_region:
            break
        if cost > costs[cell]:
            continue
        for step in (1, -1, columns, -columns):
            neighbor = cell + step
            if not prices[neighbor]:
                continue
            total = cost + prices[neighbor] + _TURN * (step != heading)
            if region != regions[neighbor] and (region > 0 or regions[neighbor] > 0):
                sides = (divmod(min(cell, neighbor), columns)[::-1], divmod(max(cell, neighbor), columns)[::-1])
                total += 0 if sides in opened else _BREAK_WALL
            if total < costs.get(neighbor, total + 1):
                costs[neighbor], came[neighbor] = total, cell
                heapq.heappush(queue, (total + distances[neighbor], total, neighbor, step))
    path = [cell]
    while path[-1] != first:
        path.append(came[path[-1]])
    return [(cell % columns, cell // columns) for cell in reversed(path)]


def _prices(draft: Draft, start: CellRectangle, goal: CellRectangle) -> list[int]:
    """Return what a step into each cell costs; 0: impossible."""
    regions = draft.regions
    own = np.isin(regions, [regions[start.row, start.column], regions[goal.row, goal.column], _CORRIDOR])
    is_room = np.pad(regions > 0, 1)
    beside = is_room[:-2, 1:-1] | is_room[2:, 1:-1] | is_room[1:-1, :-2] | is_room[1:-1, 2:]
    prices = np.select([own, regions > 0, beside], [_REUSE, _THROUGH_ROOM, _BESIDE_ROOM], _DIG)
    prices[[0, -1]] = prices[:, [0, -1]] = 0
    values: list[int] = prices.ravel().tolist()
    return values


def _distances(draft: Draft, goal: CellRectangle) -> list[int]:
    """Return what digging straight to the goal costs from each cell: more than a lower bound makes the search quick."""
    row, column = np.mgrid[0 : draft.rows, 0 : draft.columns]
    across = np.maximum(np.maximum(goal.column - column, column - goal.column - goal.columns + 1), 0)
    down = np.maximum(np.maximum(goal.row - row, row - goal.row - goal.rows + 1), 0)
    values: list[int] = (_DIG * (across + down)).ravel().tolist()
    return values


def _by_distance(count: int, tree: list[Link]) -> list[int]:
    """Return the rooms in the order of their distance from the first one, along the tree."""
    order = [0]
    for room in order:  # grows
        for link in tree:
            if room in link:
                other = link[0] if link[1] == room else link[1]
                if other not in order:
                    order.append(other)
    return order[:count]
