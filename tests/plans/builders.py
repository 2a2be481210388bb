"""Floor plans for tests."""

from __future__ import annotations

from typing import Any

from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind, FloorPlanParameters
from tabletop.image.v1.map_pb2 import CoordinateUnit, FloorPlan, FloorPlanSize, Wall

from image_grpc.plans.generators import generate, with_defaults

CELLS = CoordinateUnit.COORDINATE_UNIT_CELLS
KINDS = (
    FloorPlanKind.FLOOR_PLAN_KIND_DUNGEON,
    FloorPlanKind.FLOOR_PLAN_KIND_CAVE,
    FloorPlanKind.FLOOR_PLAN_KIND_BUILDING,
    FloorPlanKind.FLOOR_PLAN_KIND_OUTDOORS,
)


def parameters(
    kind: FloorPlanKind, seed: int = 0, columns: int = 40, rows: int = 30, **fields: Any
) -> FloorPlanParameters:
    return FloorPlanParameters(kind=kind, seed=seed, size=FloorPlanSize(columns=columns, rows=rows), **fields)


def generated(kind: FloorPlanKind, seed: int = 0, columns: int = 40, rows: int = 30, **fields: Any) -> FloorPlan:
    return generate(with_defaults(parameters(kind, seed, columns, rows, **fields)))


def at(x: float, y: float) -> dict[str, Any]:
    return {"x": x, "y": y, "unit": CELLS}


def wall(x1: float, y1: float, x2: float, y2: float, id: str = "", **fields: Any) -> Wall:
    return Wall(start=at(x1, y1), end=at(x2, y2), id=id, **fields)


def plan(*terrain: str, **fields: Any) -> FloorPlan:
    return FloorPlan(size={"columns": len(terrain[0]), "rows": len(terrain)}, terrain=terrain, **fields)


def two_rooms(**fields: Any) -> FloorPlan:
    """Return a plan with two rooms of 3 x 3 cells, one beside the other, and a door between them."""
    defaults: dict[str, Any] = {
        "rooms": [
            {"id": "west", "name": "guard room", "cells": [{"column": 1, "row": 1, "columns": 3, "rows": 3}]},
            {"id": "east", "cells": [{"column": 4, "row": 1, "columns": 3, "rows": 3}]},
        ],
        "walls": [
            wall(1, 1, 7, 1, "north"),
            wall(7, 1, 7, 4, "right"),
            wall(7, 4, 1, 4, "south"),
            wall(1, 4, 1, 1, "left"),
            wall(4, 1, 4, 2, "upper"),
            wall(4, 2, 4, 3, "door", door={}),
            wall(4, 3, 4, 4, "lower"),
        ],
    }
    terrain = fields.pop("terrain", ["########", "#......#", "#......#", "#......#", "########"])
    return FloorPlan(size={"columns": 8, "rows": 5}, terrain=terrain, **(defaults | fields))
