"""Armor: SVG around the origin, about 620 units high."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.item.materials import EDGE, gem, sparkle
from getimg_standin.art.themes import Theme

_SHIELD_RIVETS = ((-240, -276), (240, -276), (0, -306), (-246, -98), (246, -98), (-170, 156), (170, 156), (0, 312))


def shield(theme: Theme, rng: np.random.Generator) -> str:
    """A heater or a round shield with an emblem."""
    if rng.random() < 0.4:
        return _round_shield(theme)
    outer = (
        "M0 -330C90 -300 190 -290 262 -300C280 -60 220 190 0 340C-220 190 -280 -60 -262 -300C-190 -290 -90 -300 0 -330Z"
    )
    field = svg.at(0, -2, svg.shape(outer, "url(#cloth)"), size=0.87)
    half = svg.at(
        0,
        -2,
        svg.shape("M0 -330C90 -300 190 -290 262 -300C280 -60 220 190 0 340Z", "#000", 'opacity="0.22"'),
        size=0.87,
    )
    cross = svg.shape("M-22 -300L22 -300L22 292L0 308L-22 292Z", "url(#gold)", EDGE) + svg.shape(
        "M-232 -120L232 -120L228 -76L-228 -76Z", "url(#gold)", EDGE
    )
    rivets = "".join(svg.circle(x, y, 11, "url(#goldball)", EDGE) for x, y in _SHIELD_RIVETS)
    gloss = svg.shape(
        "M-220 -270C-150 -262 -90 -272 -40 -286C-120 -120 -170 40 -150 130C-210 20 -236 -130 -220 -270Z",
        "#ffffff",
        'opacity="0.16"',
    )
    return (
        svg.shape(outer, "url(#iron)", EDGE)
        + field
        + half
        + cross
        + gloss
        + rivets
        + gem(0, -98, 46)
        + sparkle(-190, -270, 36)
    )


def helmet(_theme: Theme, rng: np.random.Generator) -> str:
    """A great helm with a plume."""
    plume = svg.shape(
        "M-30 -250C-60 -380 60 -420 240 -330C330 -270 320 -150 270 -80C260 -190 180 -250 30 -256Z", "url(#cloth)", EDGE
    ) + "".join(
        svg.stroke(f"M{x} -262C{x + 60} -330 {x + 150} -310 {x + 190} -220", "#000", 4, 'opacity="0.2"')
        for x in (-10, 20, 46)
    )
    dome = svg.shape(
        "M-210 60C-230 -140 -150 -270 0 -276C150 -270 230 -140 210 60L190 250C110 300 -110 300 -190 250Z",
        "url(#iron)",
        EDGE,
    )
    shade = svg.shape("M40 -274C180 -250 230 -130 210 60L190 250C140 280 90 286 40 288Z", "#000", 'opacity="0.2"')
    slit = svg.shape("M-186 10C-120 -16 -60 -10 -22 14L-22 46C-70 34 -120 36 -182 52Z", "#08080c") + svg.shape(
        "M186 10C120 -16 60 -10 22 14L22 46C70 34 120 36 182 52Z", "#08080c"
    )
    band = (
        svg.shape("M-24 -276L24 -276L24 284L-24 284Z", "url(#gold)", EDGE)
        + svg.stroke("M-206 -20C-110 -60 110 -60 206 -20", "url(#gold)", 22)
        + svg.stroke("M-190 250C-110 300 110 300 190 250", "url(#gold)", 24)
    )
    holes = "".join(
        svg.circle(side * (60 + column * 34), 120 + row * 34, 8, "#08080c")
        for side in (-1, 1)
        for row in range(3)
        for column in range(3 if row < 2 else 2)
    )
    eyes = (
        svg.circle(-100, 26, 40, "url(#ember)", 'opacity="0.7"')
        + svg.circle(100, 26, 40, "url(#ember)", 'opacity="0.7"')
        if rng.random() < 0.35
        else ""
    )
    return plume + dome + shade + slit + eyes + holes + band + gem(0, -60, 30) + sparkle(-120, -190, 40)


def breastplate(_theme: Theme, rng: np.random.Generator) -> str:
    """A cuirass with shoulder plates and faulds."""
    plate = svg.shape(
        "M-150 -280C-90 -220 90 -220 150 -280C220 -250 240 -190 232 -110C216 -20 206 60 170 130"
        "C90 170 -90 170 -170 130C-206 60 -216 -20 -232 -110C-240 -190 -220 -250 -150 -280Z",
        "url(#iron)",
        EDGE,
    )
    shade = svg.shape(
        "M0 -236C50 -236 110 -246 150 -280C220 -250 240 -190 232 -110C216 -20 206 60 170 130C120 158 60 162 0 162Z",
        "#000",
        'opacity="0.2"',
    )
    muscles = svg.stroke(
        "M0 -236L0 160M-190 -90C-120 -10 -50 -30 0 -60C50 -30 120 -10 190 -90", "#000", 5, 'opacity="0.28"'
    ) + svg.stroke("M-180 -100C-120 -26 -50 -46 0 -74", "#fff", 6, 'opacity="0.35"')
    trim = svg.stroke("M-150 -280C-90 -220 90 -220 150 -280", "url(#gold)", 20) + svg.stroke(
        "M-170 130C-90 170 90 170 170 130", "url(#gold)", 20
    )
    return (
        _faulds()
        + plate
        + shade
        + muscles
        + _shoulder_plates()
        + trim
        + gem(0, -120 + float(rng.uniform(-10, 10)), 44)
        + sparkle(-130, -200, 40)
    )


def _faulds() -> str:
    return "".join(
        svg.shape(
            f"M{-176 - row * 12} {126 + row * 54}C-90 {170 + row * 54} 90 {170 + row * 54} "
            f"{176 + row * 12} {126 + row * 54}L{190 + row * 12} {186 + row * 54}"
            f"C90 {232 + row * 54} -90 {232 + row * 54} {-190 - row * 12} {186 + row * 54}Z",
            "url(#iron)",
            EDGE,
        )
        for row in (2, 1, 0)
    )


def _shoulder_plates() -> str:
    return "".join(
        svg.shape(
            f"M{side * 130} {-290 + row * 40}C{side * 210} {-340 + row * 40} "
            f"{side * (290 + row * 22)} {-270 + row * 44} {side * (300 + row * 22)} "
            f"{-170 + row * 44}C{side * 260} {-190 + row * 44} {side * 200} {-180 + row * 40} "
            f"{side * 160} {-210 + row * 40}Z",
            "url(#iron)",
            EDGE,
        )
        for side in (-1, 1)
        for row in (2, 1, 0)
    )


def _round_shield(theme: Theme) -> str:
    boards = "".join(
        svg.box(-270 + step * 60, -300, 60, 600, "url(#wood)", 'stroke="#000" stroke-opacity="0.35" stroke-width="2"')
        for step in range(9)
    )
    clip = '<clipPath id="disc"><circle cx="0" cy="0" r="262"/></clipPath>'
    rays = "".join(
        svg.shape(
            svg.path([(0, 0), (280 * cos(t - 0.2), 280 * sin(t - 0.2)), (280 * cos(t + 0.2), 280 * sin(t + 0.2))]),
            theme.carpet,
            'opacity="0.85"',
        )
        for t in np.arange(0, 2 * pi, pi / 4)
    )
    rim = '<circle cx="0" cy="0" r="274" fill="none" stroke="url(#iron)" stroke-width="40"/>'
    rivets = "".join(
        svg.circle(274 * cos(t), 274 * sin(t), 10, "url(#goldball)", EDGE) for t in np.arange(0, 2 * pi, pi / 8)
    )
    boss = svg.circle(0, 0, 96, "url(#ironball)", EDGE) + svg.circle(
        0, 0, 76, "none", 'stroke="url(#gold)" stroke-width="9"'
    )
    return (
        clip
        + svg.group([boards, rays], 'clip-path="url(#disc)"')
        + rim
        + rivets
        + boss
        + gem(0, 0, 34)
        + sparkle(-180, -190, 40)
    )
