"""Dungeons: rooms in rock, connected by corridors.

Neighbors by the Gabriel graph, a part of the Delaunay triangulation that contains the shortest spanning tree and needs
whole numbers only: two rooms are neighbors if no other one lies in the circle between them. The tree connects all
rooms, further neighbors make loops.
"""

import heapq
import itertools
from dataclasses import dataclass

from tabletop.image.v1.floor_plan_pb2 import CellRectangle
from tabletop.image.v1.map_pb2 import DoorKind

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
    path = _Route(draft, link[0] + 1, link[1] + 1, rooms[link[1]]).find(rooms[link[0]])
    for column, row in path:
        if draft.regions[row, column] == SOLID:
            draft.regions[row, column], draft.symbols[row, column] = _CORRIDOR, FLOOR
    return [
        Edge.between(cell, following)
        for cell, following in itertools.pairwise(path)
        if draft.regions[cell[::-1]] != draft.regions[following[::-1]]
    ]


@dataclass(frozen=True, slots=True)
class _Route:
    """A cheap way to a room."""

    draft: Draft
    start: int
    goal: int
    room: CellRectangle

    def find(self, room: CellRectangle) -> list[tuple[int, int]]:
        """Return the cells from the middle of a room to the first one of the goal."""
        first = (room.column + room.columns // 2, room.row + room.rows // 2)
        regions = self.draft.regions.tolist()
        costs, came = {first: 0}, dict[tuple[int, int], tuple[int, int]]()
        queue = [(self._least(first), 0, first, (0, 0))]
        while queue:
            _, cost, cell, heading = heapq.heappop(queue)
            if regions[cell[1]][cell[0]] == self.goal:
                break
            if cost > costs[cell]:
                continue
            for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                column, row = neighbor = (cell[0] + step[0], cell[1] + step[1])
                if not (0 < column < self.draft.columns - 1 and 0 < row < self.draft.rows - 1):
                    continue
                total = cost + self._price(regions, cell, neighbor) + _TURN * (step != heading)
                if total < costs.get(neighbor, total + 1):
                    costs[neighbor], came[neighbor] = total, cell
                    heapq.heappush(queue, (total + self._least(neighbor), total, neighbor, step))
        path = [cell]
        while path[-1] != first:
            path.append(came[path[-1]])
        return path[::-1]

    def _least(self, cell: tuple[int, int]) -> int:
        """Return what digging straight to the goal costs: more than a lower bound, so that the search is quick."""
        column, row = cell
        across = max(self.room.column - column, column - self.room.column - self.room.columns + 1, 0)
        down = max(self.room.row - row, row - self.room.row - self.room.rows + 1, 0)
        return _DIG * (across + down)

    def _price(self, regions: list[list[int]], cell: tuple[int, int], neighbor: tuple[int, int]) -> int:
        column, row = neighbor
        before, region = regions[cell[1]][cell[0]], regions[row][column]
        meets_wall = before != region and (before > 0 or region > 0)
        price = _BREAK_WALL if meets_wall and Edge.between(cell, neighbor) not in self.draft.openings else 0
        if region in (self.start, self.goal):
            return price + _REUSE
        if region > 0:
            return price + _THROUGH_ROOM
        if region == _CORRIDOR:
            return price + _REUSE
        around = (
            regions[row - 1][column],
            regions[row + 1][column],
            regions[row][column - 1],
            regions[row][column + 1],
        )
        return price + (_BESIDE_ROOM if any(each > 0 for each in around) else _DIG)


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
