"""Outdoor objects: bridges, tents, fires, roofs, stalls, ships."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.tactical import furniture
from getimg_standin.art.themes import Theme

_EDGE = 'stroke="#000" stroke-opacity="0.5" stroke-width="1.6"'


def bridge(theme: Theme, length: float) -> str:
    """A bridge of planks with rails, from left to right."""
    planks = [
        svg.box(x, -27, 10.4, 54, theme.wood[1] if index % 2 else theme.wood[0], 'stroke="#000" stroke-opacity="0.35"')
        for index, x in enumerate(np.arange(-length / 2, length / 2, 10.4))
    ]
    rails = [svg.box(-length / 2 - 4, y, length + 8, 7, "url(#wood)", f'rx="2" {_EDGE}') for y in (-31, 24)]
    posts = [svg.circle(x, y, 5.5, theme.wood[0], _EDGE) for x in (-length / 2, 0, length / 2) for y in (-27.5, 27.5)]
    return "".join([*planks, *rails, *posts])


def tent(theme: Theme, color: str) -> str:
    """A ridge tent whose entrance is at the bottom."""
    return (
        svg.shape(svg.path([(-40, -34), (0, -40), (0, 44), (-44, 36)]), color, _EDGE)
        + svg.shape(svg.path([(40, -34), (0, -40), (0, 44), (44, 36)]), color, _EDGE)
        + svg.shape(svg.path([(40, -34), (0, -40), (0, 44), (44, 36)]), "#000", 'opacity="0.28"')
        + svg.shape(svg.path([(-9, 41), (0, 14), (9, 41)]), "#1a1410")
        + svg.stroke("M0 -44L0 46", theme.wood[0], 3)
    )


def campfire(theme: Theme, rng: np.random.Generator) -> str:
    """A fire in a ring of stones."""
    stones = [
        svg.at(20 * cos(turn), 20 * sin(turn), furniture.rock(theme.wall[2], 6.5, rng))
        for turn in np.arange(0, 6.2, 0.57)
    ]
    logs = [svg.at(0, 0, svg.box(-15, -3, 30, 6, theme.wood[0], 'rx="3"'), turn=turn) for turn in (20, 80, 140)]
    flames = svg.circle(0, 0, 12, theme.glow) + svg.circle(0, 0, 7, theme.light) + svg.circle(0, 0, 3.5, "#ffffff")
    return "".join([*stones, *logs]) + flames


def gravestone(theme: Theme) -> str:
    """A grave."""
    mound = svg.ellipse(0, 22, 15, 24, theme.path, 'opacity="0.7"')
    return mound + svg.box(-14, -10, 28, 10, "url(#stone)", f'rx="4" {_EDGE}')


def lamp(theme: Theme) -> str:
    """A lamp on a post."""
    return (
        svg.circle(0, 0, 44, "url(#fire)")
        + svg.circle(0, 0, 6, theme.metal[0], _EDGE)
        + svg.circle(0, 0, 3.5, "#ffffff")
    )


def roof(color: str, width: float, height: float, rng: np.random.Generator) -> str:
    """A ridged roof of tiles, its ridge along the longer side, with a chimney."""
    if height > width:
        return svg.at(0, 0, roof(color, height, width, rng), turn=90)
    courses = [
        svg.stroke(svg.path([(-width / 2, y), (width / 2, y)]), "#000", 1.3, 'opacity="0.28"')
        for y in np.arange(-height / 2 + 8, height / 2, 8)
    ]
    chimney_x = float(rng.uniform(-width * 0.35, width * 0.35))
    chimney = svg.box(chimney_x, -height * 0.3, 18, 18, "#6a6058", _EDGE) + svg.box(
        chimney_x + 5, -height * 0.3 + 5, 8, 8, "#111"
    )
    return (
        svg.box(-width / 2, -height / 2, width, height, color, _EDGE)
        + svg.box(-width / 2, 0, width, height / 2, "#000", 'opacity="0.25"')
        + svg.box(-width / 2, -height / 2, width, height / 4, "#fff", 'opacity="0.08"')
        + "".join(courses)
        + svg.box(-width / 2 - 3, -4, width + 6, 8, color, _EDGE)
        + chimney
    )


def stall(theme: Theme, color: str) -> str:
    """A market stall under a striped awning."""
    stripes = [svg.box(x, -24, 10, 48, theme.light, 'opacity="0.75"') for x in (-30, -10, 10)]
    return svg.box(-40, -24, 80, 48, color, f'rx="2" {_EDGE}') + "".join(stripes)


def fountain(theme: Theme) -> str:
    """A round fountain."""
    rim = f'stroke="{theme.wall[2]}" stroke-width="12"'
    drops = "".join(
        svg.circle(30 * cos(turn), 30 * sin(turn), 6, "#ffffff", 'opacity="0.35"')
        for turn in np.arange(0, 2 * pi, pi / 4)
    )
    return (
        svg.circle(0, 0, 58, theme.water[0], rim)
        + svg.circle(0, 0, 42, theme.water[1], 'opacity="0.8"')
        + drops
        + svg.circle(0, 0, 16, "url(#stone)", _EDGE)
        + svg.circle(0, 0, 7, theme.water[1])
    )


def hull(length: float, beam: float) -> str:
    """Path data of a ship's outline with its bow to the right."""
    half, side = length / 2, beam / 2
    return (
        f"M{-half:.0f} {-side * 0.74:.0f}C{-half * 0.5:.0f} {-side * 1.08:.0f} {half * 0.4:.0f} "
        f"{-side * 1.06:.0f} {half:.0f} 0"
        f"C{half * 0.4:.0f} {side * 1.06:.0f} {-half * 0.5:.0f} {side * 1.08:.0f} {-half:.0f} "
        f"{side * 0.74:.0f}Z"
    )
