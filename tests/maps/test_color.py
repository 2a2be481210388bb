"""Colors are accepted in the forms of the contract only, because they are written into SVG."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.maps.color import Color, is_color, parse


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
def test_hexadecimal_forms_and_css_names_are_parsed(text: str, expected: Color) -> None:
    assert parse(text) == expected
    assert is_color(text)


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
def test_other_texts_are_rejected(text: str) -> None:
    assert not is_color(text)


@given(st.text(max_size=12) | st.from_regex(r"#[0-9a-f]{1,9}"))
def test_accepted_colors_become_six_digits_and_an_opacity(text: str) -> None:
    if is_color(text):
        color = parse(text)
        assert len(color.hex) == 7
        assert int(color.hex[1:], 16) >= 0
        assert 0 <= color.opacity <= 1
