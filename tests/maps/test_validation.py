"""Violations of elements and grids."""

from __future__ import annotations

from tabletop.image.v1.map_pb2 import Grid
from tabletop.image.v1.overlay_pb2 import (
    CampaignElement,
    CampaignElementProperties,
    TacticalElement,
    TacticalElementProperties,
)

from image_grpc.errors import Violation
from image_grpc.maps.validation import INVALID_COLOR, element_violations, grid_violations


def test_distinct_ids_and_valid_colors_have_no_violations() -> None:
    elements = [
        TacticalElement(id="a", properties=TacticalElementProperties(color="#123")),
        CampaignElement(id="b", properties=CampaignElementProperties(color="red")),
        TacticalElement(id="c"),
    ]
    assert element_violations(elements, "elements") == []


def test_an_invalid_color_is_reported_with_its_path() -> None:
    elements = [TacticalElement(id="a"), TacticalElement(id="b", properties=TacticalElementProperties(color="nay"))]
    violation = Violation("elements[1].properties.color", INVALID_COLOR)
    assert element_violations(elements, "elements") == [violation]


def test_each_repetition_of_an_id_is_reported_with_its_path() -> None:
    elements = [CampaignElement(id="a"), CampaignElement(id="b"), CampaignElement(id="a"), CampaignElement(id="a")]
    fields = [violation.field for violation in element_violations(elements, "elements")]
    assert fields == ["elements[2].id", "elements[3].id"]


def test_the_color_of_a_grid_is_optional_and_validated() -> None:
    assert grid_violations(Grid(), "grid") == []
    assert grid_violations(Grid(color="#00000080"), "grid") == []
    assert grid_violations(Grid(color="nay"), "grid") == [Violation("grid.color", INVALID_COLOR)]
