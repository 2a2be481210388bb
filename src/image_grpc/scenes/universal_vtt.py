"""Universal VTT 0.3: JSON with the picture inside.

Importers differ in what they accept. All accept a file with every key, an origin of 0, lengths in cells, whole pixels
per cell, lines of at least one segment, colors with 8 digits, and `closed` of doors true, of windows false.
"""

import base64
import json
import math
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

import numpy as np
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import GridKind, Light, Wall, WallKind, WallRestriction

from image_grpc.maps.barriers import Sense, is_open, wall_ends
from image_grpc.maps.color import parse
from image_grpc.maps.grid import FEET_PER_CELL, Grid, Points
from image_grpc.maps.properties import is_door
from image_grpc.scenes.frame import Frame
from image_grpc.scenes.losses import EVERYTHING, NOTHING, TOO_SHORT, WINDOW, Losses, restrictions
from image_grpc.scenes.polylines import LEAST_LENGTH, meeting, polylines

FORMAT = 0.3
_NORMAL, _LIMITED = WallRestriction.WALL_RESTRICTION_NORMAL, WallRestriction.WALL_RESTRICTION_LIMITED
_DARK, _BRIGHT = "ff000000", "ffffffff"


class _Part(Enum):
    """What a wall becomes."""

    LINE = auto()
    OBJECT = auto()
    DOOR = auto()
    WINDOW = auto()
    NOTHING = auto()


def universal_vtt(image: Image, frame: Frame, picture: bytes, losses: Losses) -> bytes:
    """Return the file of a map. `picture` is a PNG or WebP of the size of the frame. Takes time."""
    grid = Grid.of_map(image)
    if grid.kind != GridKind.GRID_KIND_SQUARE:
        losses.of_scene("hexagons become squares of the same width")
    walls = list(image.map.walls)
    cells = frame.cells(meeting(wall_ends(walls, grid)))
    parts = [_part(wall, each, losses) for wall, each in zip(walls, cells, strict=True)]
    for wall, part in zip(walls, parts, strict=True):
        _note_losses(wall, part, losses)

    def of(*wanted: _Part) -> Points:
        return np.asarray(cells[np.array([part in wanted for part in parts], dtype=bool)])

    openings = of(_Part.DOOR, _Part.WINDOW)
    scene = {
        "format": FORMAT,
        "resolution": {
            "map_origin": _point((0, 0)),
            "map_size": _point((frame.width / frame.cell, frame.height / frame.cell)),
            "pixels_per_grid": frame.cell,
        },
        "line_of_sight": _lines(of(_Part.LINE), np.concatenate([openings, of(_Part.OBJECT)]), losses),
        "objects_line_of_sight": _lines(of(_Part.OBJECT), np.concatenate([openings, of(_Part.LINE)]), losses),
        "portals": [
            _portal(each, is_door=part is _Part.DOOR)
            for part, each in zip(parts, cells, strict=True)
            if part in (_Part.DOOR, _Part.WINDOW)
        ],
        "environment": {"baked_lighting": True, "ambient_light": _DARK if image.map.lights else _BRIGHT},
        "lights": _lights(image.map.lights, grid, frame, losses),
        "image": base64.b64encode(picture).decode(),
    }
    return json.dumps(scene, separators=(",", ":")).encode()


def _part(wall: Wall, ends: Points, losses: Losses) -> _Part:
    if _point(ends[0]) == _point(ends[1]):
        losses.of_wall(wall, TOO_SHORT)
        return _Part.NOTHING
    if is_door(wall):
        return _Part.DOOR
    actual = restrictions(wall)
    if actual[Sense.SIGHT] == _LIMITED:
        return _Part.OBJECT
    if actual[Sense.SIGHT] == _NORMAL:
        return _Part.LINE
    if wall.kind == WallKind.WALL_KIND_WINDOW and actual[Sense.MOVE] == _NORMAL:
        return _Part.WINDOW
    if actual != NOTHING:
        losses.of_wall(wall, "walls that one sees over or through are left out")
    return _Part.NOTHING


def _note_losses(wall: Wall, part: _Part, losses: Losses) -> None:
    if part is _Part.NOTHING:
        return
    losses.of_direction(wall)
    actual = restrictions(wall)
    match part:
        case _Part.DOOR:
            losses.of_lock(wall)
            losses.of_door_kind(wall)
            if is_open(wall):
                losses.of_wall(wall, "open doors are closed")
            if actual != EVERYTHING:
                losses.of_wall(wall, "closed doors restrict everything")
        case _Part.OBJECT:
            losses.of_wall(
                wall, "walls that one sees into are lines of sight of objects, which programs read differently"
            )
        case _Part.LINE if actual != EVERYTHING:
            losses.of_wall(wall, "walls that block sight restrict everything")
        case _Part.WINDOW if actual != WINDOW:
            losses.of_wall(wall, "windows restrict movement and sound only")


def _lines(segments: Points, others: Points, losses: Losses) -> list[list[dict[str, float]]]:
    lines, is_simplified = polylines(segments, others)
    if is_simplified:
        losses.of_scene(f"curves have segments of {LEAST_LENGTH} cells")
    return [[_point(point) for point in line] for line in lines]


def _portal(ends: Points, *, is_door: bool) -> dict[str, Any]:
    (x, y), along = (ends[0] + ends[1]) / 2, ends[1] - ends[0]
    return {
        "position": _point((x, y)),
        "bounds": [_point(end) for end in ends],
        "rotation": _rounded(math.atan2(along[1], along[0])),
        "closed": is_door,
        "freestanding": False,
    }


def _lights(lights: Iterable[Light], grid: Grid, frame: Frame, losses: Losses) -> list[dict[str, Any]]:
    scene = []
    for light in lights:
        source = light.illumination
        feet = max(source.bright_feet, source.dim_feet)
        if not _rounded(feet / FEET_PER_CELL):
            losses.of_light(light, "lights without a radius are left out")
            continue
        if source.dim_feet > source.bright_feet:
            losses.of_light(light, "lights have one radius, that of dim light")
        if 0 < source.angle_degrees < 360:
            losses.of_light(light, "cones of light shine all around")
        color = parse(source.color or "#ffffff")
        [point] = frame.cells(grid.points([light.position]))
        scene.append(
            {
                "position": _point(point),
                "range": _rounded(feet / FEET_PER_CELL),
                "intensity": 1,
                "color": f"{round(color.opacity * 255):02x}{color.hex[1:]}",
                "shadows": True,
            }
        )
    return scene


def _point(point: Iterable[float]) -> dict[str, float]:
    x, y = point
    return {"x": _rounded(x), "y": _rounded(y)}


def _rounded(value: float) -> float:
    """Round to what a picture can show, and write whole numbers as such."""
    rounded = round(float(value), 6) + 0.0
    return int(rounded) if rounded.is_integer() else rounded
