"""Properties of a map: their rules, their stored form, and changes of them."""

import itertools
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from tabletop.image.v1.map_pb2 import DoorKind, DoorState, Light, MapProperties, Stairs, Wall, WallKind
from tabletop.image.v1.map_service_pb2 import DoorStateChange, MapChanges

from image_grpc.errors import Violation
from image_grpc.maps.barriers import is_open
from image_grpc.maps.color import is_color
from image_grpc.maps.fidelity_changes import update_fidelity
from image_grpc.maps.validation import INVALID_COLOR, duplicates, grid_violations, plan_grid_violations
from image_grpc.messages import clone

MAX_WALLS, MAX_LIGHTS, MAX_STAIRS = 2000, 500, 50
_DOORS = (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_CLOSED_DOOR, WallKind.WALL_KIND_OPEN_DOOR)


def is_door(wall: Wall) -> bool:
    """Whether a wall is a door."""
    return wall.HasField("door") or wall.kind in _DOORS[1:]


def wall_violations(walls: Sequence[Wall], path: str) -> list[Violation]:
    """Return the violations of walls at a field path: duplicate ids, and doors in walls of another kind."""
    violations = _duplicate_ids(walls, path)
    for index, wall in enumerate(walls):
        if wall.HasField("door") and wall.kind not in _DOORS:
            violations.append(Violation(f"{path}[{index}].door", "must be set for doors only"))
    return violations


def set_door_state(wall: Wall, state: DoorState) -> None:
    """Open, close or lock a door."""
    wall.door.state = state
    wall.kind = WallKind.WALL_KIND_OPEN_DOOR if is_open(wall) else WallKind.WALL_KIND_CLOSED_DOOR


def light_violations(lights: Sequence[Light], path: str) -> list[Violation]:
    """Return the violations of lights at a field path: duplicate ids, and invalid colors."""
    violations = _duplicate_ids(lights, path)
    for index, light in enumerate(lights):
        if light.illumination.color and not is_color(light.illumination.color):
            violations.append(Violation(f"{path}[{index}].illumination.color", INVALID_COLOR))
    return violations


def stairs_violations(stairs: Sequence[Stairs], path: str) -> list[Violation]:
    """Return the violations of stairs at a field path: duplicate ids."""
    return _duplicate_ids(stairs, path)


def _duplicate_ids(parts: Iterable[Wall | Light | Stairs], path: str) -> list[Violation]:
    return [Violation(f"{path}[{index}].id", "must be unique within the map") for index in duplicates(parts)]


def complete(properties: MapProperties) -> None:
    """Bring properties into their stored form.

    Walls, lights and stairs have an id, walls a kind, and doors also a kind of their own and a state.
    """
    complete_kinds(properties.walls)
    _assign_ids(properties.walls, "w")
    _assign_ids(properties.lights, "l")
    _assign_ids(properties.stairs, "s")


def complete_kinds(walls: Iterable[Wall]) -> None:
    """Give each wall a kind, and each door a kind of its own and a state."""
    for wall in walls:
        if is_door(wall):
            closed = DoorState.DOOR_STATE_CLOSED
            state = wall.door.state or (DoorState.DOOR_STATE_OPEN if is_open(wall) else closed)
            wall.door.kind = wall.door.kind or DoorKind.DOOR_KIND_DOOR
            set_door_state(wall, state)
        else:
            wall.kind = wall.kind or WallKind.WALL_KIND_WALL


def _new_id(prefix: str) -> str:
    """Return an id that no part of the map has had: somebody may still name one that was removed."""
    return f"{prefix}-{secrets.token_hex(4)}"


def _assign_ids(parts: Sequence[Wall | Light | Stairs], prefix: str) -> None:
    ids = {part.id for part in parts}
    numbers = itertools.count(1)
    for part in parts:
        while not part.id:
            if (candidate := f"{prefix}{next(numbers)}") not in ids:
                part.id = candidate


class MapChange:
    """The properties of a map after changes, and what is wrong with these."""

    def __init__(self, current: MapProperties, changes: MapChanges, path: str) -> None:
        self.properties, self._path = clone(current), path
        complete(self.properties)
        violations = grid_violations(changes.grid, f"{path}.grid")
        violations += wall_violations(changes.walls.walls, f"{path}.walls.walls")
        violations += wall_violations(changes.put_walls, f"{path}.put_walls")
        violations += light_violations(changes.lights.lights, f"{path}.lights.lights")
        violations += light_violations(changes.put_lights, f"{path}.put_lights")
        violations += stairs_violations(changes.put_stairs, f"{path}.put_stairs")
        if current.HasField("floor_plan"):
            violations += plan_grid_violations(changes.grid, f"{path}.grid")
        self.applied = clone(changes)
        """The changes with the ids and kinds that new walls and lights have been given."""
        if not violations:
            self._apply_to_parts()
            violations += self._set_doors(changes.door_states)
        self.violations: list[Violation] = violations
        if changes.HasField("grid"):
            self.properties.grid.CopyFrom(changes.grid)
        if changes.HasField("scale"):
            self.properties.scale.CopyFrom(changes.scale)
        if changes.HasField("points_of_interest"):
            replace_all(self.properties.points_of_interest, changes.points_of_interest.points_of_interest)
        update_fidelity(self.properties, current)

    def _apply_to_parts(self) -> None:
        changes, properties = self.applied, self.properties
        complete_kinds([*changes.walls.walls, *changes.put_walls])
        for wall in (*changes.walls.walls, *changes.put_walls):
            wall.id = wall.id or _new_id("w")
        for light in (*changes.lights.lights, *changes.put_lights):
            light.id = light.id or _new_id("l")
        for stairs in changes.put_stairs:
            stairs.id = stairs.id or _new_id("s")
        if changes.HasField("walls"):
            replace_all(properties.walls, changes.walls.walls)
        if changes.HasField("lights"):
            replace_all(properties.lights, changes.lights.lights)
        _edit(properties.walls, changes.remove_wall_ids, changes.put_walls)
        _edit(properties.lights, changes.remove_light_ids, changes.put_lights)
        _edit(properties.stairs, changes.remove_stairs_ids, changes.put_stairs)

    def _set_doors(self, states: Sequence[DoorStateChange]) -> list[Violation]:
        doors = {wall.id: wall for wall in self.properties.walls if is_door(wall)}
        violations = []
        for index, change in enumerate(states):
            if (door := doors.get(change.door_id)) is not None:
                set_door_state(door, change.state)
            else:
                violations.append(Violation(f"{self._path}.door_states[{index}].door_id", "the map has no such door"))
        for name, field, most in (
            ("walls", "put_walls", MAX_WALLS),
            ("lights", "put_lights", MAX_LIGHTS),
            ("stairs", "put_stairs", MAX_STAIRS),
        ):
            if len(getattr(self.properties, name)) > most:
                violations.append(Violation(f"{self._path}.{field}", f"a map must have at most {most} {name}"))
        return violations


def _edit(parts: Any, removed_ids: Iterable[str], put: Iterable[Any]) -> None:
    """Remove walls or lights by id, and add others, which replace those with the same id."""
    removed = set(removed_ids)
    kept = [part for part in parts if part.id not in removed]
    positions = {part.id: index for index, part in enumerate(kept) if part.id}
    for part in put:
        if part.id in positions:
            kept[positions[part.id]] = part
        else:
            kept.append(part)
    replace_all(parts, kept)


def replace_all(container: RepeatedCompositeFieldContainer, values: Iterable) -> None:  # type: ignore[type-arg]
    """Replace the messages of a repeated field."""
    copies = [clone(value) for value in values]
    del container[:]
    container.extend(copies)
