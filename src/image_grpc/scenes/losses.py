"""What a format cannot express of a map."""

from collections.abc import Mapping

from tabletop.image.v1.map_pb2 import DoorKind, DoorState, Light, Wall, WallDirection, WallRestriction
from tabletop.image.v1.map_service_pb2 import SceneLoss

from image_grpc.maps.barriers import Sense, restriction
from image_grpc.maps.properties import is_door
from image_grpc.messages import clone

_PLAIN_DOORS = (DoorKind.DOOR_KIND_UNSPECIFIED, DoorKind.DOOR_KIND_DOOR)
_ONE_WAY = (WallDirection.WALL_DIRECTION_LEFT, WallDirection.WALL_DIRECTION_RIGHT)
_NONE, _NORMAL = WallRestriction.WALL_RESTRICTION_NONE, WallRestriction.WALL_RESTRICTION_NORMAL
_LIMITED = WallRestriction.WALL_RESTRICTION_LIMITED
TOO_SHORT = "walls shorter than a pixel are left out"

Restrictions = Mapping[Sense, WallRestriction]
EVERYTHING: Restrictions = dict.fromkeys(Sense, _NORMAL)
NOTHING: Restrictions = dict.fromkeys(Sense, _NONE)
WINDOW: Restrictions = {Sense.MOVE: _NORMAL, Sense.SIGHT: _NONE, Sense.LIGHT: _NONE, Sense.SOUND: _NORMAL}


class Losses:
    """Losses by description, in the order in which they occurred."""

    def __init__(self) -> None:
        self._losses: dict[str, SceneLoss] = {}

    def of_scene(self, description: str) -> None:
        """Add a loss of the whole scene."""
        self._loss(description)

    def of_wall(self, wall: Wall, description: str) -> None:
        """Add a loss of a wall."""
        self._loss(description).wall_ids.append(wall.id)

    def of_light(self, light: Light, description: str) -> None:
        """Add a loss of a light."""
        self._loss(description).light_ids.append(light.id)

    def of_direction(self, wall: Wall) -> None:
        """Add a loss if a wall restricts from one side only."""
        if wall.direction in _ONE_WAY:
            self.of_wall(wall, "one-way walls restrict from both sides")

    def of_lock(self, wall: Wall) -> None:
        """Add a loss if a wall is a locked door."""
        if wall.door.state == DoorState.DOOR_STATE_LOCKED:
            self.of_wall(wall, "locked doors are closed, not locked")

    def of_door_kind(self, wall: Wall, *known: DoorKind) -> None:
        """Add a loss if a wall is a door of a kind that is not known."""
        if wall.door.kind not in (*_PLAIN_DOORS, *known):
            secret = wall.door.kind == DoorKind.DOOR_KIND_SECRET
            self.of_wall(wall, "secret doors are not secret" if secret else "doors have no kind")

    def all(self) -> list[SceneLoss]:
        """Return each loss once, with all that it concerns."""
        return list(self._losses.values())

    def _loss(self, description: str) -> SceneLoss:
        return self._losses.setdefault(description, SceneLoss(description=description))


def restrictions(wall: Wall) -> Restrictions:
    """Return what a wall restricts, a door when it is closed. For movement, limited is the same as normal."""
    if is_door(wall):
        wall = clone(wall)
        wall.door.state = DoorState.DOOR_STATE_CLOSED
    values = {sense: restriction(wall, sense) for sense in Sense}
    if values[Sense.MOVE] == _LIMITED:
        values[Sense.MOVE] = _NORMAL
    return values
