"""Text is measured as it is drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.maps import fonts
from image_grpc.maps.initials import initials
from image_grpc.maps.text import direction, for_xml, measure
from tests.maps.builders import pixels
from tests.maps.scripts import SCRIPTS

SIZE = 100
RARE = "\U00012000\U00012001\U00012002"
"""Cuneiform, which no shipped font has."""


def ink(text: str) -> tuple[float, float, float, float]:
    """Return the extents of what is drawn of text: its left and right end, above and below the baseline."""
    look = f'font-family="{fonts.FONT_FAMILY}" font-weight="bold" font-size="{SIZE}"'
    label = f'<text x="100" y="200" {look}>{text}</text>'
    drawn = pixels(f'<svg xmlns="http://www.w3.org/2000/svg" width="2400" height="400">{label}</svg>')[:, :, 3] > 0
    rows, columns = drawn.any(axis=1).nonzero()[0], drawn.any(axis=0).nonzero()[0]
    return columns[0] - 100, columns[-1] + 1 - 100, 200 - rows[0], rows[-1] + 1 - 200


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_text_in_any_script_has_the_measured_extents(text: str) -> None:
    left, right, above, below = ink(text)
    measured = measure(text)
    # The space on both sides of a character is part of its width: at Chinese ones, up to a fifth of a font size.
    assert left > -0.05 * SIZE
    assert -0.08 * SIZE < measured.width * SIZE - right < 0.35 * SIZE
    assert above <= measured.ascent * SIZE + 4
    assert below <= measured.descent * SIZE + 4


def test_text_that_no_shipped_font_has_is_measured_as_it_is_drawn() -> None:
    left, right, _, _ = ink(RARE)
    # Boxes with the numbers of characters are relatively wider at small sizes.
    assert 0.97 * (right - left) <= measure(RARE).width * SIZE <= 1.4 * (right - left)


@given(st.text(max_size=100))
def test_any_text_has_extents(text: str) -> None:
    extents = measure(text)
    assert extents.width >= 0
    assert extents.ascent > 0.5
    assert extents.descent > 0.2


@pytest.mark.parametrize("separator", ["\r", "\u2028", "\u2029"])
def test_lines_are_measured_as_they_are_drawn(separator: str) -> None:
    text = f"one{separator}three{separator}two"
    _, right, _, below = ink(text.replace("\r", "&#13;"))
    measured = measure(text)
    assert 0 <= measured.width * SIZE - right < 0.1 * SIZE
    assert below <= measured.descent * SIZE


def test_white_space_is_measured_as_it_is_drawn() -> None:
    assert measure("  a \n  b\t\tc ") == measure("a b c")
    assert measure(" ").width == measure("").width == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Dragon", "ltr"), ("5 דרקון", "rtl"), ("التنين", "rtl"), ("🐉 12", "ltr"), ("", "ltr"), ("a דרקון", "ltr")],
)
def test_text_has_the_direction_of_its_first_letter(text: str, expected: str) -> None:
    assert direction(text) == expected


@given(st.text())
def test_only_characters_that_xml_cannot_contain_are_replaced(text: str) -> None:
    replaced = for_xml(text)
    assert len(replaced) == len(text)
    for before, after in zip(text, replaced, strict=True):
        assert after == before or (after == " " and (before < " " or before in "\ufffe\uffff"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ørnulf the Red", "ØT"),
        ("goblin", "G"),
        ("", ""),
        ("🐉 dragon", "🐉D"),
        ("🧙‍♂️ Merlin", "🧙‍♂️M"),
        ("🇩🇪 army", "🇩🇪A"),
        ("👍🏽 ok", "👍🏽O"),
        ("e\u0301tienne", "E\u0301"),
        ("한국 용사", "한용"),
        ("क्षत्रिय", "क"),
        ("\u200d", ""),
    ],
)
def test_initials_are_whole_letters(name: str, expected: str) -> None:
    assert initials(name) == expected
