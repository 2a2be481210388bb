"""Open land: a path from side to side, a stream, woods and a camp."""

from collections.abc import Callable

import numpy as np
from tabletop.image.v1.map_pb2 import CellRectangle, Ground, Illumination, Passability

from image_grpc.maps.terrain import WATER
from image_grpc.plans.generators.blobs import grow
from image_grpc.plans.generators.draft import Draft

_GRASS = Ground(symbol=",", name="grass")
_PATH = Ground(symbol="=", name="path")
_THICKET = Ground(symbol="%", name="thicket", passability=Passability.PASSABILITY_DIFFICULT)
_REGION = 1
_WANDER_PERCENT, _STREAM_PERCENT = 40, 70
_MAX_TREES, _CELLS_PER_TREE, _CELLS_PER_THICKET = 300, 14, 300
_BOULDER_PERCENT = 12
_ATTEMPTS = 60
"""Places that are tried for a camp: not on the path, nor in the water."""
_FIRE = Illumination(bright_feet=20, dim_feet=40, color="#ff9a3c")


def outdoors(draft: Draft, _max_rooms: int) -> None:
    """Lay out open land. What restricts movement stands alone, with free cells all around: it cuts nothing off."""
    draft.grounds.extend([_GRASS, _PATH, _THICKET])
    draft.is_open = True
    draft.fill(CellRectangle(columns=draft.columns, rows=draft.rows), _REGION, _GRASS.symbol)
    for _ in range(draft.columns * draft.rows // _CELLS_PER_THICKET):
        start = (draft.dice.below(draft.columns), draft.dice.below(draft.rows))
        for column, row in grow(draft.dice, start, draft.dice.between(6, 24), _within(draft)):
            draft.symbols[row, column] = _THICKET.symbol
    if draft.dice.chance(_STREAM_PERCENT):
        for row, column in enumerate(_wander(draft, draft.rows, draft.columns)):
            draft.symbols[row, column : column + 2] = WATER
    for column, row in enumerate(_wander(draft, draft.columns, draft.rows)):
        draft.symbols[row : row + 2, column] = _PATH.symbol
    _plant(draft, _camp(draft))


def _within(draft: Draft) -> Callable[[int, int], bool]:
    return lambda column, row: 0 <= column < draft.columns and 0 <= row < draft.rows


def _wander(draft: Draft, steps: int, width: int) -> list[int]:
    """Return where a way from one side to the other is at each step, two cells wide."""
    at = draft.dice.between(width // 4, 3 * width // 4)
    way = []
    for _ in range(steps):
        way.append(at)
        if draft.dice.chance(_WANDER_PERCENT):
            at = min(max(at + draft.dice.choose((-1, 1)), 1), width - 3)
    return way


def _camp(draft: Draft) -> tuple[int, int]:
    """Put up a camp and return its place."""
    for _ in range(_ATTEMPTS):
        column = draft.dice.between(3, draft.columns - 4)
        row = draft.dice.between(3, draft.rows - 4)
        ground = draft.symbols[row - 2 : row + 2, column - 2 : column + 2]
        if not np.any((ground == _PATH.symbol) | (ground == WATER)):
            break
    draft.symbols[row - 1 : row + 2, column - 1 : column + 2] = _GRASS.symbol
    draft.add_object("campfire", column, row)
    draft.add_light(column, row, _FIRE)
    draft.add_object("tent", column - 2, row - 2, 2, 1)
    area = CellRectangle(column=column - 2, row=row - 2, columns=5, rows=5)
    draft.add_room("camp", [area], "a campfire and a tent")
    return column, row


def _plant(draft: Draft, camp: tuple[int, int]) -> None:
    """Plant trees and put boulders, none beside another."""
    is_taken = np.zeros((draft.rows + 2, draft.columns + 2), dtype=bool)
    for symbol in (_PATH.symbol, WATER):
        is_taken[1:-1, 1:-1] |= draft.symbols == symbol
    is_taken[camp[1] - 2 : camp[1] + 5, camp[0] - 2 : camp[0] + 5] = True
    count = min(draft.columns * draft.rows // _CELLS_PER_TREE, _MAX_TREES)
    for _ in range(3 * count):
        column, row = draft.dice.below(draft.columns), draft.dice.below(draft.rows)
        if count and not is_taken[row + 1, column + 1]:
            count -= 1
            is_taken[row : row + 3, column : column + 3] = True
            draft.add_object("boulder" if draft.dice.chance(_BOULDER_PERCENT) else "tree", column, row)
