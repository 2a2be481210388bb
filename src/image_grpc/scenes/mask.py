"""Walls as a picture."""

from collections.abc import Iterable
from dataclasses import dataclass

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Wall, WallKind

from image_grpc.maps.barriers import is_open
from image_grpc.maps.grid import Grid
from image_grpc.maps.properties import is_door
from image_grpc.maps.svg import number, polyline
from image_grpc.pictures.rendering import Box
from image_grpc.scenes.losses import EVERYTHING, NOTHING, WINDOW, Losses, restrictions

WALL, OPENING = "#ffffff", "#808080"
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


@dataclass(frozen=True, slots=True)
class WallMask:
    """The walls of a map as lines: white; gray for windows and closed doors, which are above walls."""

    image: Image

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the lines, or those in a part of the map, as an SVG document."""
        size, grid = self.image.content.size, Grid.of_map(self.image)
        left, top, width, height = part or (0.0, 0.0, float(size.width), float(size.height))
        closed = [wall for wall in self.image.map.walls if not is_open(wall) and restrictions(wall) != NOTHING]
        openings = [wall for wall in closed if _is_opening(wall)]
        walls = [wall for wall in closed if not _is_opening(wall)]
        view = " ".join(map(number, (left, top, width, height)))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width * scale)}" '
            f'height="{number(height * scale)}" viewBox="{view}">'
            f'<g fill="none" stroke-linecap="square" stroke-width="{number(max(1, THICKNESS * grid.cell_size))}">'
            f'<path stroke="{WALL}" d="{_data(walls, grid)}"/><path stroke="{OPENING}" d="{_data(openings, grid)}"/>'
            "</g></svg>"
        )


def _is_opening(wall: Wall) -> bool:
    return is_door(wall) or wall.kind == WallKind.WALL_KIND_WINDOW


def _data(walls: Iterable[Wall], grid: Grid) -> str:
    return "".join(polyline(grid.points([wall.start, wall.end])) for wall in walls)
