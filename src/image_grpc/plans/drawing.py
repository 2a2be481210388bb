"""Drawings of floor plans in flat colors: drafts to play on, and layouts for painters to follow."""

from collections.abc import Iterable, Sequence

import numpy as np
from tabletop.image.v1.map_pb2 import DoorKind, FloorPlan, Ground, Passability, Wall, WallKind

from image_grpc.maps.barriers import is_open, wall_ends
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.color import parse
from image_grpc.maps.grid import Grid, Points
from image_grpc.maps.properties import is_door
from image_grpc.maps.svg import NO_FILL, fill, number, polyline
from image_grpc.maps.terrain import grounds_of, passability_of, symbols_of
from image_grpc.plans.furniture import draw_object
from image_grpc.plans.rectangles import rectangles

RENDERER_VERSION = 1
"""Raise it when a layout looks different: it is part of the fingerprint of a request."""
WALL, ROCK = "#1c1a1e", "#3a3840"
LINE = 0.14
"""Width of walls in cells, rounded to whole pixels on both sides of a border between cells."""
_GRID_LINE = {"stroke": "#000000", "stroke-opacity": "0.18", "stroke-width": "1"}
_GLOW = "#ffd76a"
_COLORS = {
    "rock": ROCK,
    "floor": "#d8ccb6",
    "rubble": "#b39f86",
    "water": "#5a9bd4",
    "pit": "#121016",
    "grass": "#8fb668",
    "path": "#d0b27a",
    "thicket": "#5d8a48",
    "lava": "#e2562a",
    "sand": "#e3d29a",
    "snow": "#eef2f5",
    "ice": "#bfe0ee",
    "mud": "#8a6b4a",
    "wood": "#b98a58",
}
_COLOR_BY_PASSABILITY = {
    Passability.PASSABILITY_DIFFICULT: "#a8977c",
    Passability.PASSABILITY_IMPASSABLE: "#4b4452",
    Passability.PASSABILITY_SOLID: ROCK,
}
_DOOR_COLORS = {DoorKind.DOOR_KIND_PORTCULLIS: "#a7adb5", DoorKind.DOOR_KIND_CURTAIN: "#b07cc0"}
_DOOR, _OPEN_DOOR, _WINDOW, _LOW_WALL = "#c98a45", "#ecd9b8", "#8fd0ee", "#8d8478"


def draw_layout(plan: FloorPlan, grid: Grid, *, shows_grid: bool = False) -> Canvas:
    """Draw a valid plan on a map with this grid. Takes time.

    Secret doors look like walls. Around the plan, the ground of most of its edge goes on.
    """
    canvas = Canvas(grid.width, grid.height)
    _draw_ground(canvas, plan, grid)
    for each in plan.objects:
        draw_object(canvas, each, grid)
    for [x, y] in grid.points(light.position for light in plan.lights).tolist():
        canvas.circle(x, y, grid.cell_size * 0.22, {"fill": _GLOW, "fill-opacity": "0.45"})
        canvas.circle(x, y, grid.cell_size * 0.1, {"fill": _GLOW})
    if shows_grid:
        _draw_grid(canvas, plan, grid)
    _draw_walls(canvas, plan.walls, grid)
    return canvas


def color_of(ground: Ground) -> str:
    """Return the color of a ground: its own, or by its name, or by what creatures can do on it."""
    if ground.color:
        return parse(ground.color).hex
    by_passability = _COLOR_BY_PASSABILITY.get(ground.passability, _COLORS["floor"])
    return _COLORS.get(ground.name.lower(), by_passability)


def _draw_ground(canvas: Canvas, plan: FloorPlan, grid: Grid) -> None:
    symbols, grounds = symbols_of(plan), grounds_of(plan)
    edge = np.concatenate([symbols[0], symbols[-1], symbols[1:-1, 0], symbols[1:-1, -1]])
    usual = chr(int(np.argmax(np.bincount(edge))))
    canvas.path(_rectangle(0, 0, canvas.width, canvas.height), _flat(color_of(grounds[usual])))
    for symbol in sorted({chr(code) for code in np.unique(symbols).tolist()} - {usual}):
        areas = rectangles(np.argwhere(symbols == ord(symbol))[:, ::-1])
        path = "".join(
            _cells(grid, area.column, area.row, area.column + area.columns, area.row + area.rows) for area in areas
        )
        canvas.path(path, _flat(color_of(grounds[symbol])))


def _draw_grid(canvas: Canvas, plan: FloorPlan, grid: Grid) -> None:
    """Draw the grid where the ground is not solid."""
    cells = np.argwhere(passability_of(plan) != Passability.PASSABILITY_SOLID)[:, ::-1].tolist()
    path = "".join(_cells(grid, column, row, column + 1, row + 1) for column, row in cells)
    canvas.path(path, {**NO_FILL, **_GRID_LINE})


def _draw_walls(canvas: Canvas, walls: Sequence[Wall], grid: Grid) -> None:
    """Draw walls, then doors and windows, which are shorter by the width of a line, so that walls end beside them."""
    width = 2 * max(1, round(grid.cell_size * LINE / 2))
    by_color: dict[str, list[Wall]] = {}
    for wall in walls:
        by_color.setdefault(_color_of_wall(wall), []).append(wall)
    for color in sorted(by_color, key=lambda color: (color != WALL, color)):
        ends = wall_ends(by_color[color], grid)
        is_opening = color not in (WALL, _LOW_WALL)
        cap = "butt" if is_opening else "square"
        lines = _shortened(ends, width / 2) if is_opening else ends
        paint = {"stroke": color, "stroke-width": number(width), "stroke-linecap": cap}
        # One by one: a path of hundreds of lines that cross each other takes minutes to draw.
        for line in lines:
            canvas.path(polyline(line), {**NO_FILL, **paint})


def _color_of_wall(wall: Wall) -> str:
    if is_door(wall):
        if wall.door.kind == DoorKind.DOOR_KIND_SECRET and not is_open(wall):
            return WALL
        return _OPEN_DOOR if is_open(wall) else _DOOR_COLORS.get(wall.door.kind, _DOOR)
    return {WallKind.WALL_KIND_WINDOW: _WINDOW, WallKind.WALL_KIND_LOW_WALL: _LOW_WALL}.get(wall.kind, WALL)


def _shortened(ends: Points, by: float) -> Iterable[Points]:
    """Return lines that are shorter at both ends."""
    along = ends[:, 1] - ends[:, 0]
    step = by * along / np.maximum(np.hypot(*along.T), 2 * by)[:, np.newaxis]
    return np.stack([ends[:, 0] + step, ends[:, 1] - step], axis=1)


def _cells(grid: Grid, left: float, top: float, right: float, bottom: float) -> str:
    """Return the path of a rectangle in cells."""
    [x, y] = grid.offset
    size = grid.cell_size
    return _rectangle(x + left * size, y + top * size, x + right * size, y + bottom * size)


def _rectangle(left: float, top: float, right: float, bottom: float) -> str:
    x, y, right_, bottom_ = (number(value) for value in (left, top, right, bottom))
    return f"M{x} {y}L{right_} {y}L{right_} {bottom_}L{x} {bottom_}Z"


def _flat(color: str) -> dict[str, str]:
    """Return the attributes of an area without smooth edges, which would show as lines between neighbors."""
    return {**fill(parse(color)), "shape-rendering": "crispEdges"}
