"""Symbols of campaign maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from image_grpc.maps import symbols
from image_grpc.maps.symbols import symbol
from tests.maps.builders import a_map, campaign, overlay_svg, pixels
from tests.maps.elements import a_place

SYMBOLS = json.loads(Path(symbols.__file__).with_name("symbols.json").read_text())["symbols"]


@pytest.mark.parametrize("name", SYMBOLS)
def test_every_symbol_renders(name: str) -> None:
    alpha = pixels(overlay_svg(a_map(64, 64), campaign(a_place(32, 32, icon=name))))[:, :, 3]
    rows, columns = np.nonzero(alpha)
    assert len(rows) > 50
    assert abs(rows.mean() - 32) < 5
    assert abs(columns.mean() - 32) < 5


def test_symbols_are_distinct() -> None:
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("icon", "type_", "name"),
    [
        ("tower", "town", "tower"),
        ("", "Sea Port", "harbor"),
        ("harbour", "", "harbor"),
        ("Harbor", "", "harbor"),
        ("no-such-icon", "old_ruins", "ruin"),
        ("", "", "pin"),
        ("url(#x)", "no such type", "pin"),
    ],
)
def test_a_symbol_is_selected_by_icon_then_by_type(icon: str, type_: str, name: str) -> None:
    assert symbol(icon, type_) == SYMBOLS[name]
