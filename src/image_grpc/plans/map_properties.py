"""A floor plan as the properties of a map."""

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import FloorPlan, GridKind, MapProperties, Wall

from image_grpc.maps.grid import Grid
from image_grpc.maps.properties import complete_kinds
from image_grpc.messages import clone
from image_grpc.plans.objects import object_walls


def walls_of(plan: FloorPlan) -> list[Wall]:
    """Return the walls of a plan, with doors and windows, and those that stand for its objects."""
    walls = [clone(wall) for wall in plan.walls]
    complete_kinds(walls)
    ids = {wall.id for wall in walls}
    for wall in (wall for each in plan.objects for wall in object_walls(each)):
        if wall.id in ids:  # of a wall, or of an object with a long name
            wall.id = ""
        ids.add(wall.id)
        walls.append(wall)
    return walls


def grid_of(plan: FloorPlan, cell_size: int) -> Grid:
    """Return the grid of a drawing of a plan with cells of this many pixels."""
    size = plan.size
    return Grid(GridKind.GRID_KIND_SQUARE, cell_size, size.columns * cell_size, size.rows * cell_size)


def as_map(plan: FloorPlan, cell_size: int) -> Image:
    """Return a map without a picture that has the walls of a plan, not of its objects, with cells of so many pixels."""
    image = Image(map=MapProperties(walls=plan.walls))
    complete_kinds(image.map.walls)
    image.map.grid.size = cell_size
    image.content.size.width, image.content.size.height = plan.size.columns * cell_size, plan.size.rows * cell_size
    return image
