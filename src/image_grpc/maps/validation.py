"""Rules for overlay elements and grids beyond those that the contract states."""

from collections.abc import Iterable

from tabletop.image.v1.map_pb2 import Grid
from tabletop.image.v1.overlay_pb2 import CampaignElement, TacticalElement

from image_grpc.errors import Violation
from image_grpc.maps.color import is_color

INVALID_COLOR = "must be #rgb, #rgba, #rrggbb, #rrggbbaa or a CSS color name"


def element_violations(elements: Iterable[TacticalElement | CampaignElement], path: str) -> list[Violation]:
    """Return the violations of elements at a field path: duplicate ids and invalid colors."""
    violations = []
    ids: set[str] = set()
    for index, element in enumerate(elements):
        if element.id in ids:
            violations.append(Violation(f"{path}[{index}].id", "must be unique within the overlay"))
        ids.add(element.id)
        if element.properties.color and not is_color(element.properties.color):
            violations.append(Violation(f"{path}[{index}].properties.color", INVALID_COLOR))
    return violations


def grid_violations(grid: Grid, path: str) -> list[Violation]:
    """Return the violations of a grid at a field path: an invalid color."""
    return [Violation(f"{path}.color", INVALID_COLOR)] if grid.color and not is_color(grid.color) else []
