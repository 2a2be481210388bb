"""Drawing of campaign maps: territories and routes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import PointOfInterest
from tabletop.image.v1.overlay_pb2 import (
    CampaignElement,
    CampaignElementProperties,
    LineStyle,
    Party,
    Route,
    Territory,
    TerritoryKind,
)
from tabletop.image.v1.types_pb2 import Location

from tests.maps.builders import a_map, campaign, differing, map_svg, pixels, shapes
from tests.maps.elements import a_route

coordinates = st.floats(allow_nan=False, allow_infinity=False)
any_location = st.builds(Location, x=coordinates, y=coordinates)
styles = st.sampled_from([0, LineStyle.LINE_STYLE_SOLID, LineStyle.LINE_STYLE_DASHED, LineStyle.LINE_STYLE_DOTTED])


@settings(deadline=None, max_examples=60)
@given(st.lists(any_location, min_size=3, max_size=5), styles)
def test_campaign_elements_at_any_location_have_finite_coordinates(locations: list[Location], style: LineStyle) -> None:
    look = CampaignElementProperties(style=style, label="there")
    svg = map_svg(
        a_map(points_of_interest=[PointOfInterest(location=locations[0], name="here")]),
        campaign(
            CampaignElement(id="a", coordinates=locations[0], properties=look, territory=Territory(boundary=locations)),
            CampaignElement(id="b", coordinates=locations[1], properties=look, route=Route(waypoints=locations)),
            CampaignElement(id="c", coordinates=locations[2], properties=look, party=Party()),
        ),
    )
    assert not re.search(r"nan|inf|e[+-]?\d", svg, re.IGNORECASE)
    assert pixels(svg).shape == (160, 200, 4)


def test_a_line_is_drawn_at_the_same_place_if_it_extends_far_beyond_the_map() -> None:
    # The same straight line through the map, from 100 and from 100,000 pixels outside.
    near = pixels(map_svg(a_map(), campaign(a_route((-100, 80), (300, 80)))))
    far = pixels(map_svg(a_map(), campaign(a_route((-100_000, 80), (100_000, 80)))))
    assert differing(near, far) == 0
    assert near[80, 100, 3] > 0


@pytest.mark.parametrize("style", [LineStyle.LINE_STYLE_DASHED, LineStyle.LINE_STYLE_DOTTED])
def test_lines_outside_of_the_map_are_clipped_before_they_are_dashed(style: LineStyle) -> None:
    # Rendering all dashes would take minutes: 100 legs of 2,000,000 pixels.
    points = [((-1) ** count * 1e6, count) for count in range(100)]
    corners = [Location(x=x, y=y) for x, y in points]
    border = Territory(kind=TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, boundary=corners)
    look = CampaignElementProperties(style=style)
    land = CampaignElement(id="b", coordinates=Location(), properties=look, territory=border)
    for element in (a_route(*points, style=style), land):
        dashed = [each for each in shapes(map_svg(a_map(), campaign(element))) if "stroke-dasharray" in each]
        assert dashed
        for each in dashed:
            xs = [float(x) for x in re.findall(r"[ML](\S+) ", each["d"])]
            assert -50 < min(xs) <= max(xs) < 250


@pytest.mark.parametrize(("style", "gaps"), [(LineStyle.LINE_STYLE_SOLID, False), (LineStyle.LINE_STYLE_DOTTED, True)])
def test_lines_have_their_style(style: LineStyle, gaps: bool) -> None:
    line = shapes(map_svg(a_map(), campaign(a_route((10, 80), (190, 80), style=style))))[1]
    assert ("stroke-dasharray" in line) is gaps


def test_a_route_without_distinct_waypoints_has_a_start_and_no_arrow() -> None:
    svg = map_svg(a_map(), campaign(a_route((50, 50), (50, 50))))
    assert len(shapes(svg, "circle")) == 1
    assert pixels(svg).any()


@pytest.mark.parametrize(
    ("kind", "filled"),
    [(TerritoryKind.TERRITORY_KIND_CONTROL, True), (TerritoryKind.TERRITORY_KIND_POLITICAL_BORDER, False)],
)
def test_land_under_control_is_tinted_and_a_border_is_only_a_line(kind: TerritoryKind, filled: bool) -> None:
    corners = [Location(x=x, y=y) for x, y in ((20, 20), (100, 20), (100, 100), (20, 100))]
    land = CampaignElement(id="land", coordinates=Location(), territory=Territory(kind=kind, boundary=corners))
    assert bool(pixels(map_svg(a_map(), campaign(land)))[60, 60].any()) is filled
