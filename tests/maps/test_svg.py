"""Numbers in SVG."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.maps.svg import number


@given(st.floats(allow_nan=False))
def test_numbers_are_rounded_to_a_hundredth(value: float) -> None:
    assert re.fullmatch(r"-?\d+(\.\d{1,2})?", number(value))
    assert float(number(value)) == pytest.approx(min(max(value, -1e6), 1e6), abs=0.0051)
