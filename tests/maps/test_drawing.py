"""Drawings contain everything that a map shows, and are well-formed for any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import PointOfInterest, Scale
from tabletop.image.v1.types_pb2 import Location

from image_grpc import pictures
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, portrait_keys
from tests.maps.builders import (
    HEX_COLUMNS,
    a_map,
    a_picture,
    a_portrait,
    a_tactical_map,
    campaign,
    map_svg,
    overlay_svg,
    pixels,
    shapes,
    tactical,
    tags,
    texts,
)
from tests.maps.elements import HERO, a_place, a_token, one_of_each

NASTY = "<script>&\"'"
TAGS = {"svg", "g", "path", "circle", "rect", "text", "clipPath"}
SCRIPT = "</text><script>alert(1)</script>"


@pytest.mark.parametrize("text", [NASTY, SCRIPT, "竜の巣", "]]>", "<!--", "&lt;", "Ørnulf Åse"])
def test_text_is_escaped(text: str) -> None:
    place = PointOfInterest(name=text, type=text, icon=text, location=Location(x=50, y=50))
    image = a_tactical_map(points_of_interest=[place], scale=Scale(unit=text[:40], value=1))
    svg = map_svg(image, *one_of_each(text))
    assert texts(svg).count(text) == 5 + 5 + 1
    assert any(label.endswith(f" {text}") for label in texts(svg)), "the unit of the scale bar"
    assert set(tags(svg)) <= TAGS
    assert pixels(svg).any()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=100))
def test_any_text_results_in_a_well_formed_document_without_injected_elements(text: str) -> None:
    svg = map_svg(a_tactical_map(), *one_of_each(text))
    assert set(tags(svg)) <= TAGS


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\x00b\x0bc\ufffed", "a b c d"), ("a\x7fb\x9fc", "a\x7fb\x9fc"), ("a\tb\nc\rd", "a\tb\nc\rd")],
)
def test_only_characters_that_xml_cannot_contain_become_blanks(text: str, expected: str) -> None:
    assert expected in texts(map_svg(a_map(), campaign(a_place(50, 50, text))))


def test_color_names_are_written_as_hexadecimal_digits() -> None:
    element = a_token(color="RebeccaPurple")
    assert "#663399" in {each.get("fill") for each in shapes(map_svg(a_tactical_map(), tactical(element)), "circle")}


def test_an_overlay_alone_has_no_grid_no_legend_and_no_scale_bar() -> None:
    image = a_tactical_map(enabled=True, scale=Scale(unit="miles", value=10))
    svg = overlay_svg(image, campaign(a_place(50, 50, "Oakvale")))
    assert texts(svg) == ["Oakvale"]
    assert len(shapes(svg)) == 2, "the symbol and its halo"


def test_an_element_with_opacity_zero_is_invisible() -> None:
    overlay = one_of_each("")[0]
    for element in overlay.tactical.elements:
        element.properties.opacity = 0
    overlay.tactical.elements[0].token.image_id = HERO
    svg = overlay_svg(a_tactical_map(), overlay, a_portrait(HERO))
    assert not pixels(svg)[:, :, 3].any()


def test_an_element_with_half_the_opacity_is_translucent() -> None:
    portraits = a_portrait(HERO, 250, 10, 10)
    svg = overlay_svg(a_tactical_map(), tactical(a_token(image_id=HERO, opacity=0.5)), portraits)
    assert 100 < pixels(svg)[80, 100, 3] < 250


def test_elements_are_drawn_in_their_order() -> None:
    red, blue = a_token(color="red"), a_token(color="blue")
    over = pixels(map_svg(a_tactical_map(), tactical(red), tactical(blue)))[80, 93]
    under = pixels(map_svg(a_tactical_map(), tactical(blue, red)))[80, 93]
    assert over[2] > over[0]
    assert under[0] > under[2]


def test_portraits_are_distinct() -> None:
    overlay = tactical(a_token(image_id=HERO), a_token(image_id=HERO), a_token(), a_token(image_id=HERO))
    overlay.tactical.elements[3].token.focus.x = 0.25
    assert portrait_keys([overlay]) == [(HERO, None), (HERO, (0.25, 0))]


def test_a_drawing_can_be_rendered_over_a_picture_of_the_map_size() -> None:
    image = a_tactical_map(HEX_COLUMNS, enabled=True)
    drawing = draw_map(image, [*one_of_each("竜")], Coverage(), {})
    composed = pictures.render(a_picture(), pictures.View(format=1), pictures.Composition(drawing=drawing))
    assert pictures.size_of(composed) == (200, 160)
