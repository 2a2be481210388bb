"""Areas with uneven borders."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from image_grpc.plans.generators.dice import Dice

Mask = NDArray[np.bool_]
"""Which cells belong to an area, of shape (rows, columns)."""


def count_around(mask: Mask, *, outside: bool) -> NDArray[np.int64]:
    """Return how many of the eight cells around each cell belong to an area."""
    padded = np.pad(mask.astype(np.int64), 1, constant_values=int(outside))
    rows, columns = mask.shape
    shifted = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return np.asarray(sum(shifted))


def grow(dice: Dice, start: tuple[int, int], count: int, may_grow: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Return up to `count` connected cells around a start, of those that may be taken."""
    taken, border = [start], [start]
    members = {start}
    while border and len(taken) < count:
        column, row = border[dice.below(len(border))]
        steps = [(column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1)]
        free = [cell for cell in steps if cell not in members and may_grow(*cell)]
        if not free:
            border.remove((column, row))
            continue
        cell = dice.choose(free)
        members.add(cell)
        taken.append(cell)
        border.append(cell)
    return taken
