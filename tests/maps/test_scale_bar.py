"""Scale bar of a map."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabletop.image.v1.map_pb2 import Scale

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
    labels = ElementTree.fromstring(svg)[1]
    parts = [each.get("d", "") for each in labels if each.tag.endswith("path")]
    xs = [float(x) for part in parts for x in re.findall(r"[ML](\S+) ", part)]
    assert max(xs) - min(xs) == pytest.approx(50 / 30 * 100, abs=0.02)


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
