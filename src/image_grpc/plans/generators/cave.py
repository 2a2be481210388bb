"""Caves: a cellular automaton makes caverns, tunnels connect them."""

from collections import deque

import numpy as np

from image_grpc.maps.grid import Cells
from image_grpc.maps.terrain import FLOOR, RUBBLE, WATER
from image_grpc.plans.generators.blobs import Mask, count_around, grow
from image_grpc.plans.generators.draft import Draft
from image_grpc.plans.reachability import STRAIGHT, label
from image_grpc.plans.rectangles import rectangles
from image_grpc.plans.walls import border_walls

_REGION = 1
_ROCK_PERCENT = 44
_ROUNDS = 5
_LEAST_CAVERN = 12
"""Cells of a cavern that is not filled up."""
_MAX_WALLS = 1900
"""Walls above which a cave gets smoother."""
_COARSE_SIDE = 80
"""Columns or rows from which on caves are made of blocks of two by two cells."""
_ERODED = 2
_LEAST_CHAMBER = 9
_NAMES = ("great cavern", "cavern", "grotto", "chamber", "hollow")


def cave(draft: Draft, _max_rooms: int) -> None:
    """Hollow a cave out of rock."""
    is_rock = _caverns(draft)
    while not np.all(is_rock) and _count_walls(draft, is_rock) > _MAX_WALLS:
        is_rock = _smoothed(is_rock)
    floor = _connected(~is_rock)
    draft.regions[floor], draft.symbols[floor] = _REGION, FLOOR
    chambers = _chambers(floor)
    for index, chamber in enumerate(chambers):
        draft.add_room(_NAMES[min(index, len(_NAMES) - 1)], rectangles(chamber))
    for ground, share in ((WATER, 20), (RUBBLE, 30)):
        for _ in range(1 + int(np.count_nonzero(floor)) // 500):
            _pour(draft, floor, ground, share)
    up = chambers[0][0]
    down = chambers[-1][len(chambers[-1]) // 2] if len(chambers) > 1 else chambers[0][-1]
    for type_, (column, row) in (("stairs up", up.tolist()), ("stairs down", down.tolist())):
        draft.add_object(type_, column, row)
        draft.symbols[row, column] = FLOOR
    for chamber in chambers[1:-1:2]:
        column, row = chamber[len(chamber) // 2].tolist()
        draft.add_light(column, row)


def _caverns(draft: Draft) -> Mask:
    """Return which cells are rock, never all of them."""
    by = 2 if max(draft.columns, draft.rows) >= _COARSE_SIDE else 1
    rows, columns = -(-draft.rows // by), -(-draft.columns // by)
    noise = np.array([draft.dice.below(100) for _ in range(rows * columns)]).reshape(rows, columns)
    is_rock = noise < _ROCK_PERCENT
    middle = (slice(rows // 2 - 2, rows // 2 + 2), slice(columns // 2 - 3, columns // 2 + 3))
    for _ in range(_ROUNDS):
        is_rock[middle] = False
        is_rock = _smoothed(is_rock)
    is_rock[middle] = False
    full = np.kron(is_rock, np.ones((by, by), dtype=bool))[: draft.rows, : draft.columns]
    full[[0, -1]] = full[:, [0, -1]] = True
    return np.asarray(full)


def _smoothed(is_rock: Mask) -> Mask:
    around = count_around(is_rock, outside=True)
    smooth = (around > 4) | ((around == 4) & is_rock)
    smooth[[0, -1]] = smooth[:, [0, -1]] = True
    return np.asarray(smooth)


def _count_walls(draft: Draft, is_rock: Mask) -> int:
    return len(border_walls((~is_rock).astype(np.int64), draft.openings))


def _connected(floor: Mask) -> Mask:
    """Return a floor without small caverns, and with tunnels to all others."""
    areas = sorted(_areas(floor), key=lambda area: (-len(area), area.tolist()[0]))
    connected = np.zeros_like(floor)
    for area in areas[:1] + [area for area in areas[1:] if len(area) >= _LEAST_CAVERN]:
        columns, rows = area.T
        if np.any(connected):
            for column, row in _tunnel(connected, area):
                connected[row, column] = True
        connected[rows, columns] = True
    return connected


def _areas(floor: Mask) -> list[Cells]:
    return label(floor, dict.fromkeys(STRAIGHT, floor))


def _tunnel(floor: Mask, area: Cells) -> list[tuple[int, int]]:
    """Return the cells of a shortest way from an area to a floor, away from the edges of the plan."""
    rows, columns = floor.shape
    starts = [(column, row) for column, row in area.tolist()]
    came: dict[tuple[int, int], tuple[int, int] | None] = dict.fromkeys(starts)
    queue = deque(came)
    while queue:
        column, row = cell = queue.popleft()
        if floor[row, column]:
            break
        for neighbor in ((column + 1, row), (column, row + 1), (column - 1, row), (column, row - 1)):
            if neighbor not in came and 0 < neighbor[0] < columns - 1 and 0 < neighbor[1] < rows - 1:
                came[neighbor] = cell
                queue.append(neighbor)
    path, step = list[tuple[int, int]](), came[cell]
    while step is not None:
        path.append(step)
        step = came[step]
    return path


def _chambers(floor: Mask) -> list[Cells]:
    """Return the wide parts of a floor, the largest first; the whole floor if there is none."""
    wide = floor
    for _ in range(_ERODED):
        wide = wide & (count_around(wide, outside=False) == 8)
    areas = [area for area in _areas(wide) if len(area) >= _LEAST_CHAMBER]
    return sorted(areas or _areas(floor), key=lambda area: (-len(area), area.tolist()[0]))[:100]


def _pour(draft: Draft, floor: Mask, ground: str, most: int) -> None:
    """Put some of a ground on a floor."""
    cells = np.argwhere(floor)[:, ::-1].tolist()
    column, row = draft.dice.choose(cells)
    count = draft.dice.between(most // 2, most)
    for x, y in grow(draft.dice, (column, row), count, lambda x, y: bool(floor[y, x])):
        draft.symbols[y, x] = ground
