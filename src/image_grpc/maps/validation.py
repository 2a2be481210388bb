"""Rules for overlay elements and grids beyond those that the contract states."""

from collections.abc import Iterable, Sequence

from tabletop.image.v1.map_pb2 import Grid, GridKind, Light, PlanObject, Room, Stairs, Wall
from tabletop.image.v1.overlay_pb2 import CampaignElement, TacticalElement
from tabletop.image.v1.viewer_pb2 import Viewer

from image_grpc.errors import Violation
from image_grpc.maps.color import is_color

INVALID_COLOR = "must be #rgb, #rgba, #rrggbb, #rrggbbaa or a CSS color name"


Identified = Wall | Light | Stairs | Room | PlanObject | Viewer | TacticalElement | CampaignElement


def duplicates(parts: Iterable[Identified]) -> list[int]:
    """Return the indices of the parts whose id an earlier one has. Parts without an id are all different."""
    found, ids = [], set[str]()
    for index, part in enumerate(parts):
        if part.id and part.id in ids:
            found.append(index)
        ids.add(part.id)
    return found


def element_violations(elements: Sequence[TacticalElement | CampaignElement], path: str) -> list[Violation]:
    """Return the violations of elements at a field path: duplicate ids and invalid colors."""
    violations, repeated = [], set(duplicates(elements))
    for index, element in enumerate(elements):
        if index in repeated:
            violations.append(Violation(f"{path}[{index}].id", "must be unique within the overlay"))
        if element.properties.color and not is_color(element.properties.color):
            violations.append(Violation(f"{path}[{index}].properties.color", INVALID_COLOR))
    return violations


def grid_violations(grid: Grid, path: str) -> list[Violation]:
    """Return the violations of a grid at a field path: an invalid color."""
    return [Violation(f"{path}.color", INVALID_COLOR)] if grid.color and not is_color(grid.color) else []


def plan_grid_violations(grid: Grid, path: str) -> list[Violation]:
    """Return the violation of the grid of a map with a floor plan at a field path: cells that are not squares."""
    if grid.kind in (GridKind.GRID_KIND_UNSPECIFIED, GridKind.GRID_KIND_SQUARE):
        return []
    return [Violation(f"{path}.kind", "must be squares for a map with a floor plan")]
