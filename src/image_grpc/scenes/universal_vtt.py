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
from tabletop.image.v1.map_pb2 import (
    DoorKind,
    DoorState,
    GridKind,
    Light,
    Wall,
    WallDirection,
    WallKind,
    WallRestriction,
)

from image_grpc.maps.barriers import Sense, is_open, joints, restriction
from image_grpc.maps.color import parse
from image_grpc.maps.grid import FEET_PER_CELL, TOUCH, Grid, Points
from image_grpc.maps.properties import is_door
from image_grpc.messages import clone
from image_grpc.scenes.frame import Frame
from image_grpc.scenes.losses import Losses
from image_grpc.scenes.polylines import LEAST_LENGTH, polylines

FORMAT = 0.3
_NONE, _NORMAL = WallRestriction.WALL_RESTRICTION_NONE, WallRestriction.WALL_RESTRICTION_NORMAL
_ONE_WAY = (WallDirection.WALL_DIRECTION_LEFT, WallDirection.WALL_DIRECTION_RIGHT)
_PLAIN_DOORS = (DoorKind.DOOR_KIND_UNSPECIFIED, DoorKind.DOOR_KIND_DOOR)
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
    ends = grid.points(end for wall in image.map.walls for end in (wall.start, wall.end)).reshape(-1, 2, 2)
    walls = list(image.map.walls)
    parts = [_part(wall, each, losses) for wall, each in zip(walls, ends, strict=True)]
    for wall, part in zip(walls, parts, strict=True):
        if part is not _Part.NOTHING:
            _note_losses(wall, part, losses)

    def of(*wanted: _Part) -> Points:
        return np.asarray(ends[np.array([part in wanted for part in parts], dtype=bool)])

    gaps = joints(of(_Part.LINE, _Part.OBJECT, _Part.DOOR, _Part.WINDOW))
    scene = {
        "format": FORMAT,
        "resolution": {
            "map_origin": _point((0, 0)),
            "map_size": _point((frame.width / frame.cell, frame.height / frame.cell)),
            "pixels_per_grid": frame.cell,
        },
        "line_of_sight": _lines(frame.cells(np.concatenate([of(_Part.LINE), gaps])), losses),
        "objects_line_of_sight": _lines(frame.cells(of(_Part.OBJECT)), losses),
        "portals": [
            _portal(frame.cells(each), is_door=part is _Part.DOOR)
            for part, each in zip(parts, ends, strict=True)
            if part in (_Part.DOOR, _Part.WINDOW)
        ],
        "environment": {"baked_lighting": True, "ambient_light": _DARK if image.map.lights else _BRIGHT},
        "lights": _lights(image.map.lights, grid, frame, losses),
        "image": base64.b64encode(picture).decode(),
    }
    return json.dumps(scene, separators=(",", ":")).encode()


def _part(wall: Wall, ends: Points, losses: Losses) -> _Part:
    if np.hypot(*(ends[1] - ends[0])) <= TOUCH:
        losses.of_wall(wall, "walls without length are left out")
        return _Part.NOTHING
    if is_door(wall):
        return _Part.DOOR
    sight = restriction(wall, Sense.SIGHT)
    if sight == _NONE and restriction(wall, Sense.MOVE) != _NONE and wall.kind == WallKind.WALL_KIND_WINDOW:
        return _Part.WINDOW
    if sight == _NONE:
        losses.of_wall(wall, "walls that one sees over are left out")
        return _Part.NOTHING
    return _Part.LINE if sight == _NORMAL else _Part.OBJECT


def _note_losses(wall: Wall, part: _Part, losses: Losses) -> None:
    door = wall.door
    if wall.direction in _ONE_WAY:
        losses.of_wall(wall, "walls restrict from both sides")
    if part is _Part.OBJECT:
        losses.of_wall(wall, "walls that one sees into are lines of sight of objects, which few importers read")
    if part is _Part.DOOR and is_open(wall):
        losses.of_wall(wall, "open doors are closed")
    if part is _Part.DOOR and door.state == DoorState.DOOR_STATE_LOCKED:
        losses.of_wall(wall, "locked doors are closed, not locked")
    if part is _Part.DOOR and door.kind not in _PLAIN_DOORS:
        losses.of_wall(wall, "doors have no kind: portcullises hide what is behind them, secret doors are not secret")
    usual, explicit = clone(wall), clone(wall)
    usual.ClearField("restrictions")
    if part is _Part.DOOR:
        usual.door.state = explicit.door.state = DoorState.DOOR_STATE_CLOSED
    changed = {sense for sense in Sense if restriction(explicit, sense) != restriction(usual, sense)}
    if changed - ({Sense.SIGHT} if part is _Part.OBJECT else set()):
        losses.of_wall(wall, "restrictions of single senses are those of the kind of the wall")


def _lines(segments: Points, losses: Losses) -> list[list[dict[str, float]]]:
    lines, is_simplified = polylines(segments)
    if is_simplified:
        losses.of_scene(f"bends of walls within {LEAST_LENGTH} cells are straightened")
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
        if not feet:
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
