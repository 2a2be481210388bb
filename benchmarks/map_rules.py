"""The rules of the game: what an element sees, and where it can move, computed for the first time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from google.protobuf import json_format
from tabletop.image.v1.overlay_pb2 import TacticalElement

from benchmarks.map_content import CELL, add_walls, map_of
from benchmarks.report import Row
from image_grpc.maps.coverage import Coverage

SIDE = 4096
WALLS = 2000
MOVE_FEET = 120
ROUNDS = 11

Kind = Mapping[str, object]
"""The kind of an element, as JSON."""


def measure() -> list[Row]:
    """Measure on a map of SIDE x SIDE pixels. Nothing is compared with: the targets are times."""
    sight: Kind = {"line_of_sight": {}}
    move: Kind = {"range": {"kind": "RANGE_KIND_MOVEMENT", "distance_feet": MOVE_FEET}}
    return [
        _row(f"sight over the whole map with {WALLS:,} walls", sight, WALLS, 50),
        _row(f"movement of {MOVE_FEET} ft without walls", move, 0, 20),
        _row(f"movement of {MOVE_FEET} ft with {WALLS:,} walls", move, WALLS, 20),
    ]


def _row(name: str, kind: Kind, walls: int, limit: int) -> Row:
    """Return a row for an element in the middle of a map; each round computes it with an empty cache."""
    image = map_of(SIDE)
    add_walls(image, walls, seed=1)
    middle = SIDE / CELL // 2 + 0.5
    position = {"x": middle, "y": middle, "unit": "COORDINATE_UNIT_CELLS"}
    element = json_format.ParseDict({"id": "1", "position": position, **kind}, TacticalElement())
    milliseconds, cells = [], 0
    for _ in range(ROUNDS):
        coverage = Coverage()
        started = time.perf_counter()
        covered = coverage.of(element, image)
        milliseconds.append((time.perf_counter() - started) * 1000)
        assert covered is not None
        cells = len(covered.cells)
    text = f"{statistics.median(milliseconds):.1f} ms ({min(milliseconds):.1f} to {max(milliseconds):.1f})"
    return Row(name=f"{name}: {cells:,} cells", ours=text, target=f"< {limit} ms")
