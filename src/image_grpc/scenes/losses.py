"""What a format cannot express of a map."""

from tabletop.image.v1.map_pb2 import Light, Wall
from tabletop.image.v1.map_service_pb2 import SceneLoss


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

    def all(self) -> list[SceneLoss]:
        """Return each loss once, with all that it concerns."""
        return list(self._losses.values())

    def _loss(self, description: str) -> SceneLoss:
        return self._losses.setdefault(description, SceneLoss(description=description))
