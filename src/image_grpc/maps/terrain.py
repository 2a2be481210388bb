"""The ground of a floor plan, cell by cell."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from tabletop.image.v1.map_pb2 import FloorPlan, Ground, Passability

from image_grpc.maps.grid import Cells

ROCK, FLOOR, RUBBLE, WATER, PIT = "#", ".", ":", "~", "o"
_OPEN, _DIFFICULT = Passability.PASSABILITY_OPEN, Passability.PASSABILITY_DIFFICULT
_BUILT_IN = (
    Ground(symbol=ROCK, name="rock", passability=Passability.PASSABILITY_SOLID),
    Ground(symbol=FLOOR, name="floor", passability=_OPEN),
    Ground(symbol=RUBBLE, name="rubble", passability=_DIFFICULT),
    Ground(symbol=WATER, name="water", passability=_DIFFICULT),
    Ground(symbol=PIT, name="pit", passability=Passability.PASSABILITY_IMPASSABLE),
)


def grounds_of(plan: FloorPlan) -> Mapping[str, Ground]:
    """Return the kinds of ground of a plan by symbol: its own, and the built-in ones that it does not redefine."""
    return {ground.symbol: ground for ground in (*_BUILT_IN, *plan.grounds)}


def symbols_of(plan: FloorPlan) -> NDArray[np.uint8]:
    """Return the codes of the symbols of a valid plan, of shape (rows, columns)."""
    return np.frombuffer("".join(plan.terrain).encode("ascii"), dtype=np.uint8).reshape(len(plan.terrain), -1)


def passability_of(plan: FloorPlan) -> NDArray[np.int8]:
    """Return the passability of each cell of a valid plan, of shape (rows, columns), never UNSPECIFIED."""
    values = np.zeros(128, dtype=np.int8)
    for symbol, ground in grounds_of(plan).items():
        values[ord(symbol)] = ground.passability or _OPEN
    return np.asarray(values[symbols_of(plan)])


def walkable_cells(plan: FloorPlan) -> NDArray[np.bool_]:
    """Return which cells creatures walk on, of shape (rows, columns)."""
    return np.isin(passability_of(plan), (_OPEN, _DIFFICULT))


def impassable_cells(plan: FloorPlan) -> Cells:
    """Return the cells that creatures see across, but do not walk on."""
    return np.argwhere(passability_of(plan) == Passability.PASSABILITY_IMPASSABLE)[:, ::-1]


def difficult_cells(plan: FloorPlan) -> Cells:
    """Return the cells of difficult terrain."""
    return np.argwhere(passability_of(plan) == _DIFFICULT)[:, ::-1]
