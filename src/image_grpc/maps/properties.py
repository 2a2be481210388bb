"""Properties of a map: their rules, their stored form, and changes of them."""

from collections.abc import Iterable, Sequence

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from tabletop.image.v1.map_pb2 import DoorKind, DoorState, MapProperties, Wall, WallKind
from tabletop.image.v1.map_service_pb2 import DoorStateChange, MapChanges

from image_grpc.errors import Violation
from image_grpc.maps.barriers import is_open
from image_grpc.maps.validation import grid_violations
from image_grpc.messages import clone

MAX_WALLS = 2000
_DOORS = (WallKind.WALL_KIND_UNSPECIFIED, WallKind.WALL_KIND_CLOSED_DOOR, WallKind.WALL_KIND_OPEN_DOOR)


def is_door(wall: Wall) -> bool:
    """Whether a wall is a door."""
    return wall.HasField("door") or wall.kind in _DOORS[1:]


def wall_violations(walls: Sequence[Wall], path: str) -> list[Violation]:
    """Return the violations of walls at a field path: duplicate ids, and doors in walls of another kind."""
    violations = []
    ids: set[str] = set()
    for index, wall in enumerate(walls):
        if wall.id and wall.id in ids:
            violations.append(Violation(f"{path}[{index}].id", "must be unique within the map"))
        ids.add(wall.id)
        if wall.HasField("door") and wall.kind not in _DOORS:
            violations.append(Violation(f"{path}[{index}].door", "must be set for doors only"))
    return violations


def set_door_state(wall: Wall, state: DoorState) -> None:
    """Open, close or lock a door."""
    wall.door.state = state
    wall.kind = WallKind.WALL_KIND_OPEN_DOOR if is_open(wall) else WallKind.WALL_KIND_CLOSED_DOOR


def complete_walls(walls: Sequence[Wall]) -> None:
    """Bring the walls of a map into their stored form: all have an id and a kind, doors also a kind of their own and
    a state."""
    for wall in walls:
        if is_door(wall):
            closed = DoorState.DOOR_STATE_CLOSED
            state = wall.door.state or (DoorState.DOOR_STATE_OPEN if is_open(wall) else closed)
            wall.door.kind = wall.door.kind or DoorKind.DOOR_KIND_DOOR
            set_door_state(wall, state)
        else:
            wall.kind = wall.kind or WallKind.WALL_KIND_WALL
    ids = {wall.id for wall in walls}
    number = 0
    for wall in walls:
        while not wall.id:
            number += 1
            if (candidate := f"w{number}") not in ids:
                wall.id = candidate


class MapChange:
    """The properties of a map after changes, and what is wrong with these."""

    def __init__(self, current: MapProperties, changes: MapChanges, path: str) -> None:
        self.properties = clone(current)
        self._changes, self._path = changes, path
        complete_walls(self.properties.walls)
        violations = grid_violations(changes.grid, f"{path}.grid")
        violations += wall_violations(changes.walls.walls, f"{path}.walls.walls")
        violations += wall_violations(changes.put_walls, f"{path}.put_walls")
        if not violations:
            self._apply_to_walls()
            violations += self._set_doors(changes.door_states)
        self.violations: list[Violation] = violations
        if changes.HasField("grid"):
            self.properties.grid.CopyFrom(changes.grid)
        if changes.HasField("scale"):
            self.properties.scale.CopyFrom(changes.scale)
        if changes.HasField("points_of_interest"):
            replace_all(self.properties.points_of_interest, changes.points_of_interest.points_of_interest)

    def _apply_to_walls(self) -> None:
        changes, walls = self._changes, self.properties.walls
        if changes.HasField("walls"):
            replace_all(walls, changes.walls.walls)
        removed = set(changes.remove_wall_ids)
        kept = [wall for wall in walls if wall.id not in removed]
        positions = {wall.id: index for index, wall in enumerate(kept) if wall.id}
        for wall in changes.put_walls:
            if wall.id in positions:
                kept[positions[wall.id]] = wall
            else:
                kept.append(wall)
        replace_all(walls, [clone(wall) for wall in kept])
        complete_walls(walls)

    def _set_doors(self, states: Sequence[DoorStateChange]) -> list[Violation]:
        doors = {wall.id: wall for wall in self.properties.walls if is_door(wall)}
        violations = []
        for index, change in enumerate(states):
            if (door := doors.get(change.door_id)) is not None:
                set_door_state(door, change.state)
            else:
                violations.append(Violation(f"{self._path}.door_states[{index}].door_id", "the map has no such door"))
        if len(self.properties.walls) > MAX_WALLS:
            violations.append(Violation(f"{self._path}.put_walls", f"a map must have at most {MAX_WALLS} walls"))
        return violations


def replace_all(container: RepeatedCompositeFieldContainer, values: Iterable) -> None:  # type: ignore[type-arg]
    """Replace the messages of a repeated field."""
    copies = [clone(value) for value in values]
    del container[:]
    container.extend(copies)
