"""Scale bar of a map."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Grid, Scale

from tests.maps.builders import a_map, a_tactical_map, map_svg, texts


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        # A fifth of 200 pixels is 40: at 4 pixels per foot (20 pixels per cell of 5 ft), 10 ft.
        (a_tactical_map(), "10 ft"),
        # A fifth of 1000 pixels at 100 pixels per 30 miles is 60 miles; 50 is the next lower round number.
        (a_map(width=1000, scale=Scale(unit="miles", value=30)), "50 miles"),
        (a_map(width=1000, scale=Scale(unit="days of travel", value=0.5)), "1 days of travel"),
        # 0.002 leagues per 100 pixels are 0.004 leagues for a fifth of the map.
        (a_map(width=1000, scale=Scale(unit="leagues", value=0.002)), "0.002 leagues"),
        (a_map(width=1000, scale=Scale(unit="ft", value=1)), "2 ft"),
        (a_map(width=1000, scale=Scale(unit="ft", value=3e6)), "5000000 ft"),
    ],
)
def test_the_scale_bar_has_a_round_length(image: object, expected: str) -> None:
    assert texts(map_svg(image)) == [expected]  # type: ignore[arg-type]


def test_the_scale_bar_has_the_length_of_its_label() -> None:
    # 50 miles at 100 pixels per 30 miles: 166.67 pixels, in four parts.
    svg = map_svg(a_map(width=1000, scale=Scale(unit="miles", value=30)))
    panels = ElementTree.fromstring(svg)[-1]
    parts = [each.get("d", "") for each in panels if each.tag.endswith("path")]
    xs = [float(x) for part in parts for x in re.findall(r"[ML](\S+) ", part)]
    assert max(xs) - min(xs) == pytest.approx(50 / 30 * 100, abs=0.02)


# A square of 1,100 pixels, where labels of panels are 17 pixels high (1,100 / 55 * 0.85). A fifth of it is 55 miles, so
# the bar has 50 miles, which are 200 pixels.
ON_1100_PIXELS = a_map(width=1100, height=1100, scale=Scale(unit="miles", value=25))
RIGHT, BOTTOM = 1100 - 1.5 * 17, 1100 - 1.6 * 17


def drawn(image: Image, tag: str) -> list[dict[str, str]]:
    """Return the attributes of each part of the scale bar with this tag."""
    return [dict(each.attrib) for each in ElementTree.fromstring(map_svg(image))[-1] if each.tag.endswith(tag)]


def test_the_scale_bar_has_four_equal_parts_in_the_lower_right_corner() -> None:
    parts = [[float(number) for number in re.findall(r"[\d.]+", part["d"])] for part in drawn(ON_1100_PIXELS, "path")]
    lower = BOTTOM + 0.45 * 17
    starts = [RIGHT - 200, RIGHT - 150, RIGHT - 100, RIGHT - 50]
    expected = [[x, BOTTOM, x + 50, BOTTOM, x + 50, lower, x, lower] for x in starts]
    assert np.array(parts) == pytest.approx(np.array(expected), abs=0.01)


def test_the_parts_of_the_scale_bar_alternate_between_dark_and_light() -> None:
    parts = drawn(ON_1100_PIXELS, "path")
    assert [part["fill"] for part in parts] == ["#1b1b1f", "#fffaf0", "#1b1b1f", "#fffaf0"]
    assert {(part["stroke"], float(part["stroke-width"])) for part in parts} == {("#1b1b1f", round(17 / 14, 2))}


def test_the_label_of_the_scale_bar_is_centered_above_it() -> None:
    (label,) = drawn(ON_1100_PIXELS, "text")
    assert (float(label["x"]), float(label["y"])) == pytest.approx((RIGHT - 100, BOTTOM - 0.5 * 17), abs=0.01)
    assert (float(label["font-size"]), label["text-anchor"]) == (17, "middle")


def test_the_panel_of_the_scale_bar_surrounds_it() -> None:
    (panel,) = drawn(ON_1100_PIXELS, "rect")
    box = [float(panel[side]) for side in ("x", "y", "width", "height")]
    assert box == pytest.approx([RIGHT - 200 - 0.6 * 17, BOTTOM - 2.1 * 17, 200 + 1.2 * 17, 3.1 * 17], abs=0.01)
    assert (panel["fill"], panel["fill-opacity"], panel["stroke-opacity"]) == ("#fffaf0", "0.88", "0.5")


@pytest.mark.parametrize(("value", "expected"), [(25, ["1 miles"]), (25.1, [])])
def test_a_scale_bar_of_less_than_4_pixels_is_not_drawn(value: float, expected: list[str]) -> None:
    # A fifth of 32 pixels is 1.6 miles at 25 miles per 100 pixels, so the bar has 1 mile, which is 4 pixels.
    assert texts(map_svg(a_map(width=32, scale=Scale(unit="miles", value=value)))) == expected


@pytest.mark.parametrize(("cell_size", "expected"), [(180, ["5 ft"]), (180.1, [])])
def test_a_scale_bar_of_more_than_nine_tenths_of_the_width_is_not_drawn(cell_size: float, expected: list[str]) -> None:
    # A fifth of the width is less than a cell, and no bar is shorter than a cell.
    assert texts(map_svg(a_map(width=200, grid=Grid(size=cell_size)))) == expected


def test_a_map_with_a_scale_and_a_grid_shows_the_scale() -> None:
    assert texts(map_svg(a_tactical_map(scale=Scale(unit="miles", value=30)))) == ["10 miles"]


def test_there_is_no_scale_bar_without_a_scale_or_a_grid() -> None:
    assert texts(map_svg(a_map())) == []


@settings(deadline=None, max_examples=200)
@given(st.integers(32, 4096), st.floats(0, exclude_min=True, allow_infinity=False))
def test_any_scale_can_be_drawn(width: int, value: float) -> None:
    svg = map_svg(a_map(width=width, scale=Scale(unit="miles", value=value)))
    assert all(not label.startswith("0 ") for label in texts(svg))


@pytest.mark.parametrize("value", [1.0, 10.0, 1000.0, 0.1, 1e-5, 1e22])
def test_a_scale_just_below_a_power_of_ten_can_be_drawn(value: float) -> None:
    # A fifth of 2500 pixels is 500 pixels, five times the scale's value.
    just_below = math.nextafter(value / 5, 0)
    assert len(texts(map_svg(a_map(width=2500, scale=Scale(unit="miles", value=just_below))))) == 1
