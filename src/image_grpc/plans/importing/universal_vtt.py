"""Universal VTT 0.2 and 0.3: JSON with lines, portals, lights and the picture, in cells."""

import base64
import binascii
import itertools
import math

from tabletop.image.v1.map_pb2 import (
    Door,
    DoorKind,
    DoorState,
    Illumination,
    Wall,
    WallKind,
    WallRestriction,
    WallRestrictions,
)

from image_grpc.maps.grid import FEET_PER_CELL
from image_grpc.plans.importing.reading import BadFile, Document, items, mapping, number, objects, point
from image_grpc.plans.importing.sketch import MAX_RADIUS, NO_GROUND, Reading, Sketch

_SLIVER = 0.01
"""Cells by which a map may be larger without another column or row."""
_LIMITED, _NORMAL = WallRestriction.WALL_RESTRICTION_LIMITED, WallRestriction.WALL_RESTRICTION_NORMAL
_SEEN_INTO = WallRestrictions(move=_NORMAL, sight=_LIMITED, light=_LIMITED)
_USUAL_AMBIENT_LIGHT = ("ffffffff", "ff000000", "00000000")


def read_universal_vtt(document: Document) -> Reading:
    """Return the plan and the picture. Raises BadFile."""
    resolution = mapping(document.get("resolution"), "resolution")
    width, height = point(resolution.get("map_size"), "resolution.map_size")
    sketch = Sketch(math.ceil(width - _SLIVER), math.ceil(height - _SLIVER))
    left, top = point(resolution.get("map_origin", {"x": 0, "y": 0}), "resolution.map_origin")

    def place(value: object, path: str) -> tuple[float, float]:
        x, y = point(value, path)
        return x - left, y - top

    for key, restrictions in (("line_of_sight", None), ("objects_line_of_sight", _SEEN_INTO)):
        for number_of_line, line in enumerate(items(document, key)):
            if not isinstance(line, list):
                raise BadFile(f"{key}[{number_of_line}] must be a list")
            points = [place(each, f"{key}[{number_of_line}][{index}]") for index, each in enumerate(line)]
            for start, end in itertools.pairwise(points):
                sketch.add_wall((start, end), Wall(kind=WallKind.WALL_KIND_WALL, restrictions=restrictions))
    for portal, path in objects(document, "portals"):
        bounds = [place(each, f"{path}.bounds[{index}]") for index, each in enumerate(items(portal, "bounds"))]
        if len(bounds) < 2:
            bounds = _bounds(portal, path, place(portal.get("position"), f"{path}.position"))
        sketch.add_wall((bounds[0], bounds[1]), _opening(portal, sketch))
    for light, path in objects(document, "lights"):
        _add_light(light, path, place(light.get("position"), f"{path}.position"), sketch)
    sketch.lose(NO_GROUND)
    environment = document.get("environment")
    if isinstance(environment, dict) and environment.get("ambient_light", "ffffffff") not in _USUAL_AMBIENT_LIGHT:
        sketch.lose("the color of the ambient light is left out")
    return Reading(sketch, _picture(document, sketch), width)


def _opening(portal: Document, sketch: Sketch) -> Wall:
    if portal.get("closed", True):
        door = Door(kind=DoorKind.DOOR_KIND_DOOR, state=DoorState.DOOR_STATE_CLOSED)
        return Wall(kind=WallKind.WALL_KIND_CLOSED_DOOR, door=door)
    sketch.lose("portals that are not closed become windows")
    return Wall(kind=WallKind.WALL_KIND_WINDOW)


def _bounds(portal: Document, path: str, middle: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the ends of a portal of one cell that has only a position and a direction."""
    angle = number(portal.get("rotation", 0), f"{path}.rotation")
    along = (math.cos(angle) / 2, math.sin(angle) / 2)
    return [(middle[0] + sign * along[0], middle[1] + sign * along[1]) for sign in (-1, 1)]


def _add_light(light: Document, path: str, position: tuple[float, float], sketch: Sketch) -> None:
    feet = number(light.get("range", 0), f"{path}.range") * FEET_PER_CELL
    if not 0 < feet <= MAX_RADIUS:
        sketch.lose("lights without a usable range are left out")
        return
    sketch.lose("lights have one radius: half of it is bright")
    if light.get("intensity", 1) != 1:
        sketch.lose("intensities of lights are left out")
    if light.get("shadows") is False:
        sketch.lose("lights that shine through walls are stopped by them")
    digits = str(light.get("color", "ffffffff")).removeprefix("#").lower()
    if len(digits) == 8:
        digits = digits[2:]
    if len(digits) != 6 or set(digits) - set("0123456789abcdef"):
        sketch.lose("colors of lights that cannot be read are left out")
        digits = "ffffff"
    color = "" if digits == "ffffff" else f"#{digits}"
    sketch.add_light(*position, Illumination(bright_feet=feet / 2, dim_feet=feet, color=color))


def _picture(document: Document, sketch: Sketch) -> bytes:
    encoded = document.get("image")
    if not encoded or not isinstance(encoded, str):
        return b""
    try:
        encoded = "".join((encoded.partition(",")[2] if encoded.startswith("data:") else encoded).split())
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        sketch.lose("the picture cannot be read")
        return b""
