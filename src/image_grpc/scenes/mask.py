"""Walls as a picture."""

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Wall, WallKind

from image_grpc.maps.barriers import is_open, wall_ends
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.grid import Grid
from image_grpc.maps.properties import is_door
from image_grpc.maps.svg import NO_FILL, number, polyline
from image_grpc.scenes.losses import EVERYTHING, NOTHING, WINDOW, Losses, restrictions

WALL, OPENING = "#ffffff", "#808080"
_CRISP = {"shape-rendering": "crispEdges"}
THICKNESS = 0.1
"""Width of the lines in cells."""


def note_mask_losses(image: Image, losses: Losses) -> None:
    """Add what a mask does not show of a map."""
    for wall in image.map.walls:
        losses.of_direction(wall)
        losses.of_lock(wall)
        losses.of_door_kind(wall)
        usual = WINDOW if wall.kind == WallKind.WALL_KIND_WINDOW else EVERYTHING
        if restrictions(wall) not in (usual, NOTHING):
            losses.of_wall(wall, "walls that restrict single senses look like all others")
    for light in image.map.lights:
        losses.of_light(light, "a mask has no lights")


def wall_mask(image: Image) -> Canvas:
    """Return the walls of a map as lines: white; gray for windows and closed doors, which are above walls."""
    grid, size = Grid.of_map(image), image.content.size
    drawn = [wall for wall in image.map.walls if not is_open(wall) and restrictions(wall) != NOTHING]
    # Whole pixels on both sides: lines between pixels would be gray.
    canvas, width = Canvas(size.width, size.height), number(2 * max(1, round(THICKNESS * grid.cell_size / 2)))
    for color, is_opening in ((WALL, False), (OPENING, True)):
        walls = [wall for wall in drawn if _is_opening(wall) == is_opening]
        paint = {**NO_FILL, "stroke": color, "stroke-width": width, "stroke-linecap": "square", **_CRISP}
        # One by one: a path of hundreds of lines that cross each other takes minutes to draw.
        for ends in wall_ends(walls, grid):
            canvas.path(polyline(ends), paint)
    return canvas


def _is_opening(wall: Wall) -> bool:
    return is_door(wall) or wall.kind == WallKind.WALL_KIND_WINDOW
