"""A scene for Foundry VTT 12 or later: a ZIP file with JSON and the picture."""

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import (
    DoorKind,
    DoorState,
    GridKind,
    HexShift,
    Light,
    Wall,
    WallDirection,
    WallRestriction,
)

from image_grpc.maps.barriers import is_open, wall_ends
from image_grpc.maps.color import parse
from image_grpc.maps.grid import DEFAULT_COLOR, FEET_PER_CELL, Grid, Points
from image_grpc.maps.properties import is_door
from image_grpc.scenes.frame import Frame
from image_grpc.scenes.losses import TOO_SHORT, Losses, restrictions
from image_grpc.scenes.polylines import meeting

LEAST_CELL = 20
"""Pixels per cell below which Foundry refuses a scene."""
_RESTRICTIONS = {WallRestriction.WALL_RESTRICTION_LIMITED: 10, WallRestriction.WALL_RESTRICTION_NORMAL: 20}
_DIRECTIONS = {WallDirection.WALL_DIRECTION_LEFT: 1, WallDirection.WALL_DIRECTION_RIGHT: 2}
_STATES = {DoorState.DOOR_STATE_OPEN: 1, DoorState.DOOR_STATE_LOCKED: 2}
_SECRET = DoorKind.DOOR_KIND_SECRET
_DOOR, _SECRET_DOOR = 1, 2
_GRIDS = {
    (GridKind.GRID_KIND_HEX_ROWS, False): 2,
    (GridKind.GRID_KIND_HEX_ROWS, True): 3,
    (GridKind.GRID_KIND_HEX_COLUMNS, False): 4,
    (GridKind.GRID_KIND_HEX_COLUMNS, True): 5,
}
"""Types of hexagons by the kind of the grid and whether even rows (or columns) are shifted."""
_SQUARES = 1
_UNDATED = (1980, 1, 1, 0, 0, 0)


def foundry(image: Image, frame: Frame, picture: bytes, name: str, suffix: str, losses: Losses) -> bytes:
    """Return the ZIP file of a map. `picture` has the size of the frame; its file is `name` + `suffix`. Takes time."""
    grid, properties = Grid.of_map(image), image.map
    color = parse(properties.grid.color or DEFAULT_COLOR)
    is_dark = bool(properties.lights)
    scene = {
        "name": name,
        "width": frame.width,
        "height": frame.height,
        "padding": 0,
        "background": {"src": name + suffix, "offsetX": 0, "offsetY": 0},
        "backgroundColor": "#000000",
        "grid": {
            "type": _GRIDS.get((grid.kind, properties.grid.hex_shift == HexShift.HEX_SHIFT_EVEN), _SQUARES),
            "size": frame.cell,
            "color": color.hex,
            "alpha": round(color.opacity, 3) if properties.grid.enabled else 0,
            "distance": FEET_PER_CELL,
            "units": "ft",
        },
        "tokenVision": True,
        "environment": {"darknessLevel": int(is_dark), "globalLight": {"enabled": not is_dark}},
        "walls": _walls(properties.walls, grid, frame, losses),
        "lights": [_light(light, grid, frame, losses) for light in properties.lights],
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_entry("scene.json", zipfile.ZIP_DEFLATED), json.dumps(scene, indent=1))
        archive.writestr(_entry(name + suffix, zipfile.ZIP_STORED), picture)
    return file.getvalue()


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    """Return an entry that is the same at any time and on any system."""
    entry = zipfile.ZipInfo(name, _UNDATED)
    entry.compress_type, entry.create_system, entry.external_attr = compression, 0, 0
    return entry


def _walls(walls: Sequence[Wall], grid: Grid, frame: Frame, losses: Losses) -> list[dict[str, Any]]:
    ends = meeting(wall_ends(walls, grid))
    scene = []
    for wall, each in zip(walls, ends, strict=True):
        corners = _whole(frame.pixels(each))
        if corners[:2] == corners[2:]:
            losses.of_wall(wall, TOO_SHORT)
        else:
            scene.append({"c": corners, **_wall(wall, losses)})
    return scene


def _wall(wall: Wall, losses: Losses) -> dict[str, int]:
    # Foundry opens a door itself: its restrictions are those of the closed one.
    senses = {sense.value: _RESTRICTIONS.get(value, 0) for sense, value in restrictions(wall).items()}
    door = state = 0
    if is_door(wall):
        losses.of_door_kind(wall, _SECRET)
        door = _SECRET_DOOR if wall.door.kind == _SECRET else _DOOR
        state = _STATES.get(wall.door.state, int(is_open(wall)))
    return {**senses, "dir": _DIRECTIONS.get(wall.direction, 0), "door": door, "ds": state}


def _light(light: Light, grid: Grid, frame: Frame, losses: Losses) -> dict[str, Any]:
    source = light.illumination
    color = parse(source.color or "#ffffff")
    x, y = _whole(frame.pixels(grid.points([light.position])))
    return {
        "x": x,
        "y": y,
        # Clockwise from below.
        "rotation": (source.direction_degrees - 90) % 360,
        "walls": True,
        "config": {
            "bright": source.bright_feet,
            "dim": max(source.dim_feet, source.bright_feet),
            "angle": source.angle_degrees or 360,
            "color": color.hex,
            "alpha": round(color.opacity / 2, 3),
        },
    }


def _whole(points: Points) -> list[int]:
    """Return coordinates one after the other, in whole pixels."""
    numbers: list[int] = np.rint(points).astype(int).reshape(-1).tolist()
    return numbers
