"""Colours: the forms of the contract, and nothing else that would get into an SVG."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Grid
from tabletop.image.v1.overlay_pb2 import TacticalElement, TacticalElementProperties

from image_grpc.maps.color import Color, is_color, parse
from image_grpc.maps.elements import element_violations, grid_violations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#f80", Color("#ff8800", 1.0)),
        ("#F80", Color("#ff8800", 1.0)),
        ("#f803", Color("#ff8800", 0x33 / 255)),
        ("#12aBcD", Color("#12abcd", 1.0)),
        ("#12abcd00", Color("#12abcd", 0.0)),
        ("#00000080", Color("#000000", 128 / 255)),
        ("red", Color("#ff0000", 1.0)),
        ("RebeccaPurple", Color("#663399", 1.0)),
    ],
)
def test_the_four_hexadecimal_forms_and_the_names_of_css_are_colours(text: str, expected: Color) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#12345",
        "#1234567",
        "#123456789",
        "#ggg",
        "#123\n",
        "#١٢٣",
        "red; url(x)",
        "url(x)",
        "url(#a)",
        "rgb(1,2,3)",
        "none",
        "inherit",
        "currentColor",
        "notacolor",
        'red"/><script>',
        " red",
        "red ",
    ],
)
def test_what_is_no_colour(text: str) -> None:
    assert not is_color(text)


@given(st.text(max_size=12) | st.from_regex(r"#[0-9a-f]{1,9}"))
def test_whatever_is_taken_is_written_as_six_digits(text: str) -> None:
    if is_color(text):
        color = parse(text)
        assert len(color.hex) == 7
        assert int(color.hex[1:], 16) >= 0
        assert 0 <= color.opacity <= 1


def test_an_element_with_a_colour_that_is_none_is_told_where() -> None:
    elements = [TacticalElement(id="a"), TacticalElement(id="b", properties=TacticalElementProperties(color="nay"))]
    assert [each.field for each in element_violations(elements, "elements")] == ["elements[1].properties.color"]


def test_an_id_that_comes_twice_is_told_where() -> None:
    elements = [TacticalElement(id="a"), TacticalElement(id="a")]
    assert [each.field for each in element_violations(elements, "elements")] == ["elements[1].id"]


def test_a_grid_may_have_no_colour_but_none_that_is_none() -> None:
    assert grid_violations(Grid(), "grid") == []
    assert [each.field for each in grid_violations(Grid(color="nay"), "grid")] == ["grid.color"]
