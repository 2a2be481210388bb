"""What elements of overlays must be besides the rules that their contract states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabletop.image.v1.map_pb2 import Grid

from image_grpc.errors import Violation
from image_grpc.maps.color import is_color

NO_COLOR = "must be #rgb, #rgba, #rrggbb, #rrggbbaa or a CSS colour name"


def element_violations(elements: Iterable[Any], path: str) -> list[Violation]:
    """What is wrong with elements that a caller gives: ids that come twice, colours that are none."""
    found = []
    seen: set[str] = set()
    for index, element in enumerate(elements):
        at = f"{path}[{index}]"
        if element.id in seen:
            found.append(Violation(f"{at}.id", "comes twice"))
        seen.add(element.id)
        if element.properties.color and not is_color(element.properties.color):
            found.append(Violation(f"{at}.properties.color", NO_COLOR))
    return found


def grid_violations(grid: Grid, path: str) -> list[Violation]:
    """What is wrong with a grid."""
    return [Violation(f"{path}.color", NO_COLOR)] if grid.color and not is_color(grid.color) else []
