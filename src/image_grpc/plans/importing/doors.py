"""Doors that stand in the middle of a cell."""

from tabletop.image.v1.map_pb2 import Door, DoorKind, DoorState, Wall, WallKind

from image_grpc.plans.importing.sketch import Sketch


def door_across(sketch: Sketch, column: int, row: int, door: tuple[DoorKind, DoorState], *, is_vertical: bool) -> None:
    """Add a door through the middle of a cell."""
    if is_vertical:
        line = ((column + 0.5, float(row)), (column + 0.5, row + 1.0))
    else:
        line = ((float(column), row + 0.5), (column + 1.0, row + 0.5))
    kind, state = door
    sketch.add_wall(line, Wall(kind=WallKind.WALL_KIND_CLOSED_DOOR, door=Door(kind=kind, state=state)))
