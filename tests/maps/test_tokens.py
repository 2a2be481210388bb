"""Creatures on maps: portraits, rings, facing, conditions, health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import pyvips
from tabletop.image.v1.overlay_pb2 import CreatureSize, Health, Overlay, TokenRing

from image_grpc.maps.drawing_context import PortraitKey
from image_grpc.pictures import Portrait, portrait
from tests.maps.builders import (
    a_portrait,
    a_tactical_map,
    map_svg,
    overlay_svg,
    pixels,
    rectangles,
    tactical,
    tags,
    texts,
)
from tests.maps.elements import HERO, a_token
from tests.pictures.samples import decoded

X, Y, RADIUS = 100, 80, 9
"""The token of the tests, in pixels: at (5, 4) cells of 20."""
HUGE = CreatureSize.CREATURE_SIZE_GARGANTUAN
HUGE_RADIUS = 37


def a_creature(**fields: Any) -> Overlay:
    """Return an overlay with a creature that is large enough to look at."""
    element = a_token(image_id=fields.pop("image_id", ""), size=HUGE, label=fields.pop("label", ""))
    for name, value in fields.items():
        field = getattr(element.token, name, None)
        if isinstance(value, Health):
            element.token.health.CopyFrom(value)
        elif isinstance(value, list):
            field.extend(value)  # type: ignore[union-attr]
        else:
            setattr(element.token, name, value)
    return tactical(element)


def drawn(overlay: Overlay, portraits: dict[PortraitKey, Portrait] | None = None) -> np.ndarray:
    return pixels(overlay_svg(a_tactical_map(), overlay, portraits))


def figure(width: int, height: int, *, ground: Sequence[int], head: int) -> bytes:
    """Return a picture with a red head at a row, and a blue body below it."""
    image = np.zeros((height, width, len(ground)), dtype=np.uint8)
    image[:] = ground
    opaque = (255,) * (len(ground) - 3)
    middle = slice(width // 2 - width // 8, width // 2 + width // 8)
    image[head : head + width // 4, middle] = (230, 20, 20, *opaque)
    image[head + width // 4 :, middle] = (20, 20, 230, *opaque)
    data: bytes = pyvips.Image.new_from_array(image).copy(interpretation="srgb").write_to_buffer(".png")
    return data


def share_of(color: int, data: bytes) -> float:
    """Return how much of a picture is mostly of a channel."""
    seen = decoded(data).colourspace("srgb").numpy().astype(int)[..., :3]
    others = [channel for channel in range(3) if channel != color]
    return float(np.mean((seen[..., color] > 150) & (seen[..., others].max(axis=-1) < 100)))


# Portraits


@pytest.mark.parametrize("head", [0, 60, 140])
def test_a_full_length_portrait_shows_the_head(head: int) -> None:
    shown = portrait(figure(400, 1000, ground=(255, 255, 255), head=head), 128)
    assert share_of(0, shown.data) == pytest.approx(1 / 16, rel=0.1)
    assert shown.is_opaque


@pytest.mark.parametrize("ground", [(0, 0, 0, 0), (250, 250, 250)], ids=["transparent", "plain"])
@pytest.mark.parametrize("head", [300, 500, 700])
def test_empty_space_above_a_figure_is_skipped(ground: tuple[int, ...], head: int) -> None:
    shown = portrait(figure(400, 1000, ground=ground, head=head), 128)
    assert share_of(0, shown.data) == pytest.approx(1 / 16, rel=0.2)
    assert shown.is_opaque is (len(ground) == 3)


@pytest.mark.parametrize(("focus", "channel"), [((0.5, 0.05), 0), ((0.5, 0.9), 2), ((0, 0), 0), ((1, 1), 2)])
def test_a_portrait_shows_the_focus(focus: tuple[float, float], channel: int) -> None:
    shown = portrait(figure(400, 1000, ground=(255, 255, 255), head=0), 128, focus)
    assert share_of(channel, shown.data) > 1 / 20


def test_the_focus_of_a_wide_picture_is_to_the_side() -> None:
    tall = pyvips.Image.new_from_buffer(figure(400, 1000, ground=(255, 255, 255), head=0), "")
    wide = tall.rot90().write_to_buffer(".png")  # the head is on the right
    assert share_of(0, portrait(wide, 128, (0.95, 0.5)).data) == pytest.approx(1 / 16, rel=0.1)
    assert share_of(0, portrait(wide, 128, (0.2, 0.5)).data) == 0


@pytest.mark.parametrize("size", [(300, 300), (301, 40), (33, 900), (1, 1)])
@pytest.mark.parametrize("focus", [None, (0.3, 0.7)])
def test_portraits_are_square(size: tuple[int, int], focus: tuple[float, float] | None) -> None:
    data = pyvips.Image.black(*size, bands=3).copy(interpretation="srgb").write_to_buffer(".png")
    picture = decoded(portrait(data, 64, focus).data)
    assert (picture.width, picture.height) == (64, 64)


def test_the_map_shows_through_a_transparent_portrait() -> None:
    art = portrait(figure(256, 256, ground=(0, 0, 0, 0), head=64), 128)
    alpha = drawn(a_creature(image_id=HERO), {(HERO, None): art})[:, :, 3]
    assert alpha[Y, X] == 255, "the figure"
    assert alpha[Y, X - 20] == 0, "beside it"
    assert alpha[Y, X - HUGE_RADIUS + 5] > 200, "the ring"
    alpha = drawn(a_creature(image_id=HERO, ring=TokenRing.TOKEN_RING_NONE), {(HERO, None): art})[:, :, 3]
    assert alpha[Y, X] == 255
    assert not alpha[:, : X - 15].any()


def test_a_picture_without_a_ring_has_its_own_shape() -> None:
    overlay = a_creature(image_id=HERO, ring=TokenRing.TOKEN_RING_NONE)
    svg = overlay_svg(a_tactical_map(), overlay, a_portrait(HERO, 250, 10, 10))
    assert "clipPath" not in tags(svg)
    assert pixels(svg)[Y - 30, X - 30, 3] == 255, "the corner"


def test_a_creature_without_a_ring_is_a_disc() -> None:
    color = drawn(a_creature(ring=TokenRing.TOKEN_RING_NONE))
    assert (color[Y, X - HUGE_RADIUS + 3, :3] == color[Y, X, :3]).all()


# Facing


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, -90, 270, 360])
def test_a_mark_shows_where_a_creature_looks(degrees: float) -> None:
    alpha = drawn(a_creature(facing_degrees=degrees))[:, :, 3]

    def at(turn: float) -> int:
        angle = np.radians(degrees + turn)
        return int(alpha[round(Y + np.sin(angle) * HUGE_RADIUS * 1.12), round(X + np.cos(angle) * HUGE_RADIUS * 1.12)])

    assert at(0) > 200
    assert at(180) == at(90) == at(-90) == 0


def test_a_creature_without_a_facing_has_no_mark() -> None:
    assert "path" not in tags(overlay_svg(a_tactical_map(), a_creature()))


# Conditions and health


def test_conditions_are_badges() -> None:
    svg = map_svg(a_tactical_map(), a_creature(conditions=["prone", "stunned"]))
    assert {"prone", "stunned"} <= set(texts(svg))


@pytest.mark.parametrize("count", [1, 3, 6])
def test_badges_are_inside_of_the_picture_and_apart(count: int) -> None:
    conditions = [f"condition {index}" for index in range(count)]
    for x, y in ((0.2, 0.2), (9.8, 0.2), (5, 7.9), (0.2, 7.9)):
        element = a_token(size=CreatureSize.CREATURE_SIZE_TINY)
        element.position.x, element.position.y = x, y
        element.token.conditions.extend(conditions)
        boxes = [
            tuple(float(each[key]) for key in ("x", "y", "width", "height"))
            for each in rectangles(overlay_svg(a_tactical_map(), tactical(element)))
        ]
        assert len(boxes) == count
        for index, (left, top, width, height) in enumerate(boxes):
            assert left >= 0
            assert left + width <= 200.01
            assert top >= 0
            for other in boxes[:index]:
                assert (
                    left >= other[0] + other[2]
                    or other[0] >= left + width
                    or top >= other[1] + other[3]
                    or (other[1] >= top + height)
                )


@pytest.mark.parametrize(
    ("current", "maximum", "share"), [(10, 10, 1), (5, 10, 0.5), (1, 100, 0.01), (0, 8, 0), (30, 10, 1)]
)
def test_the_bar_shows_the_share_of_health(current: float, maximum: float, share: float) -> None:
    health = Health(current=current, maximum=maximum)
    bars = rectangles(overlay_svg(a_tactical_map(), a_creature(health=health)))
    assert len(bars) == (2 if share else 1)
    if share:
        frame, bar = (float(each["width"]) for each in bars)
        edge = float(bars[0]["height"]) / 3
        assert bar == pytest.approx(max(1, (frame - edge) * share), abs=0.1)


def test_the_color_of_the_bar_says_how_bad_it_is() -> None:
    colors = {}
    for current in (100, 51, 50, 26, 25, 1):
        bars = rectangles(overlay_svg(a_tactical_map(), a_creature(health=Health(current=current, maximum=100))))
        colors[current] = bars[1]["fill"]
    assert colors[100] == colors[51]
    assert colors[50] == colors[26]
    assert colors[25] == colors[1]
    assert len(set(colors.values())) == 3


def test_an_invisible_creature_draws_nothing() -> None:
    overlay = a_creature(
        image_id=HERO, facing_degrees=10, conditions=["prone"], health=Health(current=1, maximum=2), label="Ghost"
    )
    overlay.tactical.elements[0].properties.opacity = 0
    assert not drawn(overlay, a_portrait(HERO))[:, :, 3].any()
