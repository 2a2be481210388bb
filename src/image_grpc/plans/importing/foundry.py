"""Scenes of Foundry VTT: JSON, in pixels, or a ZIP file with it and the picture."""

import io
import math
import zipfile
import zlib

from tabletop.image.v1.map_pb2 import (
    Door,
    DoorKind,
    DoorState,
    Illumination,
    Wall,
    WallDirection,
    WallKind,
    WallRestriction,
    WallRestrictions,
)

from image_grpc.maps.color import is_color
from image_grpc.maps.grid import FEET_PER_CELL
from image_grpc.plans.importing.reading import BadFile, Document, mapping, number, objects, parse
from image_grpc.plans.importing.sketch import MAX_RADIUS, NO_GROUND, Reading, Sketch

MAX_FILES, MAX_DOCUMENTS = 1000, 20
_SQUARES, _GRIDLESS = 1, 0
_NONE, _NORMAL = WallRestriction.WALL_RESTRICTION_NONE, WallRestriction.WALL_RESTRICTION_NORMAL
_LIMITED = WallRestriction.WALL_RESTRICTION_LIMITED
# Until version 8, 1 was normal and 2 limited.
_RESTRICTIONS = {0: _NONE, 1: _NORMAL, 2: _LIMITED, 10: _LIMITED, 20: _NORMAL}
_DEFAULT_CODE = 20
_DIRECTIONS = {1: WallDirection.WALL_DIRECTION_LEFT, 2: WallDirection.WALL_DIRECTION_RIGHT}
_STATES = {1: DoorState.DOOR_STATE_OPEN, 2: DoorState.DOOR_STATE_LOCKED}
_DOOR, _SECRET_DOOR = 1, 2
_LOST = {
    **{name: name for name in ("tokens", "drawings", "tiles", "notes", "sounds", "templates", "regions")},
    "foreground": "pictures in the foreground",
    "weather": "weather effects",
    "darkness": "darkness and global light",
}
"""What a plan lacks of a scene, by field."""
_KINDS = {
    (_NORMAL, _NORMAL, _NORMAL, _NORMAL): WallKind.WALL_KIND_WALL,
    (_NORMAL, _NONE, _NONE, _NORMAL): WallKind.WALL_KIND_WINDOW,
    (_NORMAL, _NONE, _NONE, _NONE): WallKind.WALL_KIND_LOW_WALL,
}
"""Kinds of walls by what they restrict: movement, sight, light, sound."""


def unpack(data: bytes, max_bytes: int) -> tuple[Document, bytes]:
    """Return the scene in a ZIP file, and its picture, empty if there is none. Raises BadFile."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {file.filename.rpartition("/")[2]: file for file in archive.infolist()[:MAX_FILES]}
            documents = [file for name, file in files.items() if name.endswith(".json")][:MAX_DOCUMENTS]
            scenes = (parse(_read(archive, file, max_bytes)) for file in documents)
            scene = next((each for each in scenes if "walls" in each), None)
            if scene is None:
                raise BadFile("must contain a scene in a .json file")
            source = _background(scene).get("src", scene.get("img"))
            picture = files.get(source.rpartition("/")[2]) if isinstance(source, str) else None
            return scene, _read(archive, picture, max_bytes) if picture is not None else b""
    # Of files that are damaged, zipfile raises errors of many kinds.
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError, zlib.error) as error:
        raise BadFile(f"must be a ZIP file that is not damaged: {error}") from error


def _read(archive: zipfile.ZipFile, file: zipfile.ZipInfo, max_bytes: int) -> bytes:
    if file.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadFile(f"{file.filename} must be stored or deflated")
    with archive.open(file) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise BadFile(f"{file.filename} must have at most {max_bytes} bytes")
    return data


def read_foundry(scene: Document) -> Reading:
    """Return the plan. Raises BadFile."""
    grid = scene.get("grid")
    fields = grid if isinstance(grid, dict) else {"size": grid, "type": scene.get("gridType", _SQUARES)}
    size = number(fields.get("size"), "grid.size")
    if size < 1:
        raise BadFile("grid.size must be at least 1")
    if fields.get("type", _SQUARES) not in (_SQUARES, _GRIDLESS):
        raise BadFile("grid.type must be squares: a floor plan has no hexagons")
    width, height = number(scene.get("width"), "width"), number(scene.get("height"), "height")
    sketch = Sketch(math.ceil(width / size - 0.01), math.ceil(height / size - 0.01))
    left, top = _origin(scene, width, height, size)
    for wall, path in objects(scene, "walls"):
        corners = wall.get("c")
        if not isinstance(corners, list) or len(corners) != 4:
            raise BadFile(f"{path}.c must be four numbers")
        x, y, x2, y2 = (number(value, f"{path}.c[{index}]") / size for index, value in enumerate(corners))
        sketch.add_wall(((x - left, y - top), (x2 - left, y2 - top)), _wall(wall, sketch))
    distance = number(fields.get("distance", scene.get("gridDistance", FEET_PER_CELL)), "grid.distance")
    for light, path in objects(scene, "lights"):
        x, y = (number(light.get(axis), f"{path}.{axis}") / size for axis in ("x", "y"))
        source = _illumination(light, path, FEET_PER_CELL / (distance or FEET_PER_CELL), sketch)
        if source is not None:
            sketch.add_light(x - left, y - top, source)
    sketch.lose(NO_GROUND)
    for field, lost in _LOST.items():
        if scene.get(field):
            sketch.lose(f"{lost} are left out")
    return Reading(sketch, picture_columns=width / size)


def _origin(scene: Document, width: float, height: float, size: float) -> tuple[float, float]:
    """Return the upper left corner of the picture in cells: around it, a scene has whole cells of padding."""
    padding = number(scene.get("padding", 0.25), "padding")
    shift = _background(scene)
    shifts = (shift.get("offsetX", scene.get("shiftX", 0)), shift.get("offsetY", scene.get("shiftY", 0)))
    left, top = (
        math.ceil(padding * side / size) - number(value or 0, "background.offset") / size
        for side, value in zip((width, height), shifts, strict=True)
    )
    return left, top


def _background(scene: Document) -> Document:
    background = scene.get("background")
    return background if isinstance(background, dict) else {}


def _wall(wall: Document, sketch: Sketch) -> Wall:
    values = []
    for sense, older in (("move", "move"), ("sight", "sense"), ("light", "sense"), ("sound", "sound")):
        code = wall.get(sense, wall.get(older, _DEFAULT_CODE))
        restriction = _RESTRICTIONS.get(code) if isinstance(code, int) else None
        if restriction is None:
            sketch.lose("restrictions by distance become normal ones")
        values.append(_NORMAL if restriction is None else restriction)
    move, sight, light, sound = values
    restrictions = WallRestrictions(move=move, sight=sight, light=light, sound=sound)
    result = Wall(direction=_DIRECTIONS.get(_code(wall, "dir")))
    if _code(wall, "door") in (_DOOR, _SECRET_DOOR):
        is_secret = _code(wall, "door") == _SECRET_DOOR
        kind = DoorKind.DOOR_KIND_SECRET if is_secret else DoorKind.DOOR_KIND_DOOR
        result.door.CopyFrom(Door(kind=kind, state=_STATES.get(_code(wall, "ds"), DoorState.DOOR_STATE_CLOSED)))
        is_usual = _KINDS.get((move, sight, light, sound)) == WallKind.WALL_KIND_WALL
    else:
        result.kind = _KINDS.get((move, sight, light, sound), WallKind.WALL_KIND_WALL)
        is_usual = (move, sight, light, sound) in _KINDS
    if not is_usual:
        result.restrictions.CopyFrom(restrictions)
    return result


def _code(fields: Document, key: str) -> int:
    value = fields.get(key, 0)
    return value if isinstance(value, int) else 0


def _illumination(light: Document, path: str, feet: float, sketch: Sketch) -> Illumination | None:
    # Until version 8, a light had these fields itself.
    config = mapping(light.get("config", light), f"{path}.config")
    if light.get("hidden") or config.get("negative"):
        sketch.lose("lights that are off, and sources of darkness, are left out")
        return None
    if light.get("walls") is False:
        sketch.lose("lights that shine through walls are stopped by them")
    if isinstance(animation := config.get("animation"), dict) and animation.get("type"):
        sketch.lose("animations of lights are left out")
    bright, dim = (abs(number(config.get(key) or 0, f"{path}.config.{key}")) * feet for key in ("bright", "dim"))
    if not 0 < max(bright, dim) <= MAX_RADIUS:
        sketch.lose("lights without a usable radius are left out")
        return None
    source = Illumination(bright_feet=bright, dim_feet=max(bright, dim))
    color = config.get("color", light.get("tintColor"))
    if isinstance(color, str) and is_color(color) and color.lower() != "#ffffff":
        source.color = color
    angle = number(config.get("angle") or 360, f"{path}.config.angle") % 360
    if angle:
        source.angle_degrees = angle
        source.direction_degrees = (number(light.get("rotation") or 0, f"{path}.rotation") + 90) % 360
    return source
