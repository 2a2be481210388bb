"""Rules for floor plans beyond those that the contract states."""

from collections.abc import Iterable, Iterator, Sequence

from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanParameters
from tabletop.image.v1.map_pb2 import CoordinateUnit, FloorPlan, PlanObject, Position, Room

from image_grpc.errors import Violation
from image_grpc.maps.color import is_color
from image_grpc.maps.properties import MAX_WALLS, light_violations, wall_violations
from image_grpc.maps.terrain import grounds_of
from image_grpc.maps.validation import duplicates
from image_grpc.plans.objects import count_walls

PARTS = 4
"""Coordinates are multiples of a cell divided by this."""
MAX_RECTANGLES = 5000
"""Most rectangles of cells of all rooms together, so that maps fit into messages."""
MIN_GENERATED = 12
"""Fewest columns and rows of a generated plan."""


def plan_violations(plan: FloorPlan, path: str) -> list[Violation]:
    """Return the violations of a plan, which follows the rules of the contract, at a field path."""
    return [
        *_terrain_violations(plan, path),
        *_room_violations(plan.rooms, plan, path),
        *wall_violations(plan.walls, f"{path}.walls"),
        *light_violations(plan.lights, f"{path}.lights"),
        *_position_violations(plan, path),
        *_object_violations(plan.objects, plan, path),
    ]


def parameter_violations(parameters: FloorPlanParameters, path: str) -> list[Violation]:
    """Return the violations of the parameters of a generated plan at a field path."""
    if not parameters.HasField("size"):
        return []
    return [
        Violation(f"{path}.size.{side}", f"must be at least {MIN_GENERATED} for a generated plan")
        for side in ("columns", "rows")
        if getattr(parameters.size, side) < MIN_GENERATED
    ]


def _terrain_violations(plan: FloorPlan, path: str) -> Iterator[Violation]:
    for index, ground in enumerate(plan.grounds):
        if ground.symbol in {other.symbol for other in plan.grounds[:index]}:
            yield Violation(f"{path}.grounds[{index}].symbol", "must be unique within the plan")
        if ground.color and not is_color(ground.color):
            yield Violation(f"{path}.grounds[{index}].color", "must be #rgb, #rrggbb or a CSS color name")
    if len(plan.terrain) != plan.size.rows:
        yield Violation(f"{path}.terrain", f"must have {plan.size.rows} lines, one for each row")
    known = set(grounds_of(plan))
    for index, line in enumerate(plan.terrain):
        if len(line) != plan.size.columns:
            yield Violation(
                f"{path}.terrain[{index}]", f"must have {plan.size.columns} characters, one for each column"
            )
        if unknown := sorted(set(line) - known):
            yield Violation(f"{path}.terrain[{index}]", f"has symbols without a ground: {' '.join(unknown)}")


def _room_violations(rooms: Sequence[Room], plan: FloorPlan, path: str) -> Iterator[Violation]:
    yield from _repeated_ids(rooms, f"{path}.rooms")
    if sum(len(room.cells) for room in rooms) > MAX_RECTANGLES:
        yield Violation(f"{path}.rooms", f"must have at most {MAX_RECTANGLES} rectangles of cells in all")
    for index, room in enumerate(rooms):
        for number, area in enumerate(room.cells):
            if area.column + area.columns > plan.size.columns or area.row + area.rows > plan.size.rows:
                yield Violation(f"{path}.rooms[{index}].cells[{number}]", "must lie within the plan")


def _position_violations(plan: FloorPlan, path: str) -> Iterator[Violation]:
    for index, wall in enumerate(plan.walls):
        yield from _violations_at(wall.start, plan, f"{path}.walls[{index}].start")
        yield from _violations_at(wall.end, plan, f"{path}.walls[{index}].end")
        if (wall.start.x, wall.start.y) == (wall.end.x, wall.end.y):
            yield Violation(f"{path}.walls[{index}].end", "must not be the start")
    for index, light in enumerate(plan.lights):
        yield from _violations_at(light.position, plan, f"{path}.lights[{index}].position")


def _violations_at(position: Position, plan: FloorPlan, path: str) -> Iterator[Violation]:
    if position.unit != CoordinateUnit.COORDINATE_UNIT_CELLS:
        yield Violation(f"{path}.unit", "must be CELLS in a floor plan")
    for axis, value, side in (("x", position.x, plan.size.columns), ("y", position.y, plan.size.rows)):
        if not 0 <= value <= side:
            yield Violation(f"{path}.{axis}", f"must be from 0 to {side}, within the plan")
        elif not _is_quarter(value):
            yield Violation(f"{path}.{axis}", "must be a multiple of 0.25")


def _object_violations(objects: Sequence[PlanObject], plan: FloorPlan, path: str) -> Iterator[Violation]:
    yield from _repeated_ids(objects, f"{path}.objects")
    walls = len(plan.walls)
    for index, each in enumerate(objects):
        walls += count_walls(each)
        ends = (
            ("x", "width", each.x + each.width, plan.size.columns),
            ("y", "height", each.y + each.height, plan.size.rows),
        )
        for start, length, end, side in ends:
            if end > side:
                yield Violation(f"{path}.objects[{index}].{length}", "must lie within the plan")
            for name in (start, length):
                if not _is_quarter(getattr(each, name)):
                    yield Violation(f"{path}.objects[{index}].{name}", "must be a multiple of 0.25")
    if walls > MAX_WALLS:
        yield Violation(f"{path}.objects", f"with their outlines, a plan must have at most {MAX_WALLS} walls")


def _repeated_ids(parts: Iterable[Room | PlanObject], path: str) -> Iterator[Violation]:
    return (Violation(f"{path}[{index}].id", "must be unique within the plan") for index in duplicates(parts))


def _is_quarter(value: float) -> bool:
    return (value * PARTS).is_integer()
