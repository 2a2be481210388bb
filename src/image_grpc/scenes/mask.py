"""Walls as a picture."""

from collections.abc import Sequence
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


def wall_mask(image: Image) -> "WallMask":
    """Return the walls of a map as lines."""
    closed = [wall for wall in image.map.walls if not is_open(wall) and restrictions(wall) != NOTHING]
    grid = Grid.of_map(image)
    return WallMask(
        width=grid.width,
        height=grid.height,
        line_width=max(1.0, THICKNESS * grid.cell_size),
        walls=_data([wall for wall in closed if not _is_opening(wall)], grid),
        openings=_data([wall for wall in closed if _is_opening(wall)], grid),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class WallMask:
    """Lines: white for walls; gray for windows and closed doors, which are above walls."""

    width: float
    height: float
    line_width: float
    walls: str
    openings: str
    """Path data in pixels."""

    def svg(self, part: Box | None = None, *, scale: float = 1.0) -> str:
        """Return the lines, or those in a part of the map, as an SVG document."""
        left, top, width, height = part or (0.0, 0.0, self.width, self.height)
        view = " ".join(map(number, (left, top, width, height)))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width * scale)}" '
            f'height="{number(height * scale)}" viewBox="{view}">'
            f'<g fill="none" stroke-linecap="square" stroke-width="{number(self.line_width)}">'
            f'<path stroke="{WALL}" d="{self.walls}"/><path stroke="{OPENING}" d="{self.openings}"/>'
            "</g></svg>"
        )


def _is_opening(wall: Wall) -> bool:
    return is_door(wall) or wall.kind == WallKind.WALL_KIND_WINDOW


def _data(walls: Sequence[Wall], grid: Grid) -> str:
    ends = grid.points(end for wall in walls for end in (wall.start, wall.end))
    return "".join(map(polyline, ends.reshape(-1, 2, 2)))
