"""Tactical maps for the benchmarks: what lies on them, at random positions."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf import json_format
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Wall
from tabletop.image.v1.overlay_pb2 import Overlay, TacticalElement

CELL = 70
"""Side of a cell in pixels."""


def elements(count: int, side: int, *, seed: int) -> list[TacticalElement]:
    """Return elements of every kind at random positions on a map of `side` x `side` pixels."""
    chance = random.Random(seed)
    cells = side / CELL
    kinds: list[dict[str, Any]] = [
        {"token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_LARGE"}},
        {"token": {"kind": "TOKEN_KIND_CHARACTER"}},
        {"range": {"kind": "RANGE_KIND_MOVEMENT", "distance_feet": 30}},
        {"range": {"kind": "RANGE_KIND_SPELL", "distance_feet": 60}},
        {"effect": {"shape": "AREA_SHAPE_SPHERE", "size_feet": 20}},
        {"effect": {"shape": "AREA_SHAPE_CONE", "size_feet": 30, "direction_degrees": 30}},
        {"effect": {"shape": "AREA_SHAPE_LINE", "size_feet": 60, "direction_degrees": 75}},
        {"effect": {"shape": "AREA_SHAPE_EMANATION", "size_feet": 10, "inclusion": "CELL_INCLUSION_HALF_COVERED"}},
        {"effect": {"shape": "AREA_SHAPE_CUBE", "size_feet": 20, "inclusion": "CELL_INCLUSION_ANY_TOUCH"}},
        {"line_of_sight": {"range_feet": 60}},
    ]
    result = []
    for index in range(count):
        position = {"x": chance.uniform(0, cells), "y": chance.uniform(0, cells), "unit": "COORDINATE_UNIT_CELLS"}
        fields = {"id": str(index), "position": position, "properties": {"label": f"Element {index}"}}
        result.append(json_format.ParseDict(fields | kinds[index % len(kinds)], TacticalElement()))
    return result


def map_of(side: int) -> Image:
    """Return a tactical map with a grid."""
    image = Image(version=1)
    image.content.size.width = image.content.size.height = side
    image.map.grid.enabled, image.map.grid.size = True, CELL
    return image


def overlay_of(count: int, side: int, *, seed: int) -> Overlay:
    """Return a visible overlay with these elements."""
    overlay = Overlay(visible=True)
    overlay.tactical.elements.extend(elements(count, side, seed=seed))
    return overlay


def add_walls(image: Image, count: int, *, seed: int) -> None:
    """Add walls along the lines of the grid, each one cell long."""
    chance = random.Random(seed)
    cells = image.content.size.width // CELL
    for _ in range(count):
        column, row = chance.randrange(cells), chance.randrange(cells)
        end = (column + 1, row) if chance.random() < 0.5 else (column, row + 1)
        corners = {
            name: {"x": x, "y": y, "unit": "COORDINATE_UNIT_CELLS"}
            for name, (x, y) in {"start": (column, row), "end": end}.items()
        }
        image.map.walls.append(json_format.ParseDict(corners, Wall()))
