"""Pictures that follow a layout."""

from __future__ import annotations

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from getimg_standin.art import Brief, Following, draw, draw_over, is_layout
from getimg_standin.behavior import Behavior, apply_changes
from getimg_standin.picture import Picture, from_token, to_token

WALL, FLOOR, ROCK = (0x1C, 0x1A, 0x1E), (0xD8, 0xCC, 0xB6), (0x3A, 0x38, 0x40)
BRIEF = Brief.from_prompt("Tactical battle map in fantasy style")
SIDE = 200


def layout() -> bytes:
    """Return a room with a wall around it, in rock."""
    pixels = np.empty((SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:] = ROCK
    pixels[48:152, 48:152] = WALL
    pixels[52:148, 52:148] = FLOOR
    data: bytes = pyvips.Image.new_from_array(pixels).write_to_buffer(".png")
    return data


def painted(**following: object) -> NDArray[np.float64]:
    """Return the brightness of a painting over the layout."""
    data = draw_over(layout(), Following(layout="digest", **following), BRIEF, 1, SIDE, SIDE, "png")
    return np.asarray(pyvips.Image.new_from_buffer(data, "").numpy().max(axis=2), dtype=float)


def test_a_layout_is_recognized_and_a_painting_is_not() -> None:
    assert is_layout(layout())
    painting = draw_over(layout(), Following(layout="digest"), BRIEF, 1, SIDE, SIDE, "png")
    for other in (painting, draw(BRIEF, 1, SIDE, SIDE, "png"), b"no picture"):
        assert not is_layout(other)


def test_walls_stay_where_they_are() -> None:
    picture = painted()
    assert picture[100, 50] < 60 < 120 < picture[100, 100]
    assert np.all(picture[60:140, 50] < 60)


def test_a_painting_can_be_shifted_and_enlarged() -> None:
    shifted, enlarged = painted(shift_x=0.1), painted(scale=1.2)
    assert shifted[100, 70] < 60 < 120 < shifted[100, 100]
    assert enlarged[100, 40] < 60 < 120 < enlarged[100, 100]


def test_the_walls_of_a_part_can_be_left_out() -> None:
    picture = painted(missing=(0.2, 0.4, 0.3, 0.6))
    assert picture[100, 50] > 120
    assert picture[60, 50] < 60


def test_the_token_of_a_picture_says_how_it_follows_a_layout() -> None:
    following = Following(layout="digest", shift_x=0.1, missing=(0, 0, 0.5, 0.5))
    picture = Picture(brief=BRIEF, seed=7, width=64, height=64, format="png", following=following)
    assert from_token(to_token(picture)) == picture


def test_the_controls_are_settings_of_the_behavior() -> None:
    changes = {"layout_shift_x": 0.1, "layout_shift_y": -0.1, "layout_scale": 1.1, "layout_missing": [0, 0, 1, 1]}
    behavior = apply_changes(Behavior(), changes)
    assert (behavior.layout_shift_x, behavior.layout_missing) == (0.1, (0, 0, 1, 1))
    assert apply_changes(behavior, {"layout_missing": None}).layout_missing is None
    for wrong in ({"layout_scale": 0}, {"layout_missing": [1, 2]}, {"layout_missing": "all"}, {"layout_shift_x": "1"}):
        with pytest.raises(ValueError, match="layout"):
            apply_changes(Behavior(), wrong)
