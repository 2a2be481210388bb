"""Weapons: SVG around the origin, about 700 units long, upright."""

from __future__ import annotations

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.item.materials import EDGE, gem, sparkle
from getimg_standin.art.themes import Theme


def sword(theme: Theme, rng: np.random.Generator) -> str:
    """A blade with its point up."""
    half, tip = float(rng.uniform(26, 38)), -360
    blade = svg.shape(
        f"M{-half} 130L{-half * 0.86} {tip + 70}L0 {tip}L{half * 0.86} {tip + 70}L{half} 130Z", "url(#blade)", EDGE
    )
    shade = svg.shape(f"M0 {tip}L{half * 0.86} {tip + 70}L{half} 130L0 130Z", "#10131c", 'opacity="0.22"')
    fuller = svg.shape(f"M-6 130L-4 {tip + 130}L4 {tip + 130}L6 130Z", "#10131c", 'opacity="0.35"')
    runes = "".join(_rune(0, y, rng, theme.magic) for y in range(-180, 110, 46))
    return blade + shade + fuller + runes + _hilt(rng) + sparkle(-half * 0.4, tip + 84, 34)


def dagger(theme: Theme, rng: np.random.Generator) -> str:
    """A short, broad blade."""
    blade = svg.shape("M-44 120C-60 -40 -40 -160 0 -250C40 -160 60 -40 44 120Z", "url(#blade)", EDGE)
    shade = svg.shape("M0 -250C40 -160 60 -40 44 120L0 120Z", "#10131c", 'opacity="0.25"')
    return blade + shade + _rune(0, 0, rng, theme.magic) + _hilt(rng) + sparkle(-16, -170, 30)


def axe(_theme: Theme, rng: np.random.Generator) -> str:
    """A double-bitted axe."""
    shaft = _shaft(-330, 380, 17)
    sweep = float(rng.uniform(0.9, 1.1))
    bits = "".join(
        svg.shape(
            f"M{s * 16} -250C{s * 90} -262 {s * 120 * sweep} -330 {s * 170 * sweep} -372"
            f"C{s * 246 * sweep} -270 {s * 246 * sweep} -120 {s * 170 * sweep} -20"
            f"C{s * 120 * sweep} -60 {s * 90} -130 {s * 16} -142Z",
            "url(#iron)",
            EDGE,
        )
        + svg.stroke(
            f"M{s * 166 * sweep} -362C{s * 230 * sweep} -268 {s * 230 * sweep} -124 {s * 166 * sweep} -32",
            "#ffffff",
            6,
            'opacity="0.5"',
        )
        + svg.stroke(
            f"M{s * 140 * sweep} -326C{s * 190 * sweep} -258 {s * 190 * sweep} -134 {s * 140 * sweep} -66",
            "#000000",
            3,
            'opacity="0.3"',
        )
        for s in (-1, 1)
    )
    socket = svg.box(-28, -262, 56, 132, "url(#gold)", f'rx="8" {EDGE}')
    return shaft + bits + socket + gem(0, -196, 20) + sparkle(-150 * sweep, -300, 34)


def hammer(_theme: Theme, rng: np.random.Generator) -> str:
    """A war hammer."""
    half = float(rng.uniform(150, 180))
    head = svg.shape(
        f"M{-half} -330L{-half + 34} -350L{half - 34} -350L{half} -330L{half} -190"
        f"L{half - 34} -170L{-half + 34} -170L{-half} -190Z",
        "url(#iron)",
        EDGE,
    )
    bands = "".join(svg.box(x, -352, 30, 184, "url(#gold)", EDGE) for x in (-half + 34, half - 64))
    face = svg.box(-half + 4, -326, 24, 132, "#ffffff", 'opacity="0.16"')
    return _shaft(-360, 370, 19) + head + face + bands + gem(0, -260, 38) + sparkle(-half * 0.6, -332, 34)


def bow(_theme: Theme, _rng: np.random.Generator) -> str:
    """A recurved bow with an arrow across."""
    line = "M-70 -360C20 -330 130 -200 110 -60C104 -30 104 30 110 60C130 200 20 330 -70 360"
    limbs = (
        svg.stroke(line, "#120c08", 34)
        + svg.stroke(line, "url(#wood)", 27)
        + svg.stroke(line, "#ffffff", 5, 'opacity="0.22" transform="translate(-6 -4)"')
    )
    string = svg.stroke("M-70 -360L-66 0L-70 360", "#efe6d0", 4)
    grip = svg.shape("M88 -66C112 -40 112 40 88 66L124 66C136 30 136 -30 124 -66Z", "url(#leather)", EDGE)
    tips = "".join(svg.circle(-70, y, 15, "url(#goldball)", EDGE) for y in (-360, 360))
    arrow = svg.box(-250, -5, 470, 10, "url(#wood)", EDGE) + svg.shape(
        "M310 0L214 -30L234 0L214 30Z", "url(#iron)", EDGE
    )
    fletching = "".join(
        svg.shape(f"M-250 {s * 4}L-290 {s * 42}L-200 {s * 42}L-168 {s * 4}Z", "url(#cloth)", EDGE) for s in (-1, 1)
    )
    return string + arrow + fletching + limbs + grip + tips + sparkle(270, -8, 28)


def staff(_theme: Theme, rng: np.random.Generator) -> str:
    """A staff whose head holds a crystal."""
    claws = "".join(
        svg.stroke(f"M0 -180C{s * 70} -210 {s * 112} -270 {s * 60} -366", "#140d08", 27)
        + svg.stroke(f"M0 -180C{s * 70} -210 {s * 112} -270 {s * 60} -366", "url(#wood)", 20)
        for s in (-1, 1)
    )
    half = float(rng.uniform(38, 52))
    crystal = (
        svg.shape(f"M0 -392L{half} -300L0 -206L{-half} -300Z", "url(#gem)", EDGE)
        + svg.shape(f"M0 -392L{half} -300L0 -300Z", "#ffffff", 'opacity="0.35"')
        + svg.shape(f"M0 -206L{half} -300L0 -300Z", "#000000", 'opacity="0.2"')
    )
    bands = "".join(svg.box(-19, y, 38, 20, "url(#gold)", f'rx="5" {EDGE}') for y in (-172, 20, 330))
    wrap = "".join(svg.stroke(f"M-16 {y}L16 {y + 16}", "#2a1a10", 6, 'opacity="0.7"') for y in range(50, 150, 22))
    return (
        svg.circle(0, -300, 210, "url(#aura)")
        + _shaft(-190, 390, 15)
        + claws
        + crystal
        + bands
        + wrap
        + sparkle(-12, -344, 40)
    )


def gun(theme: Theme, _rng: np.random.Generator) -> str:
    """A long-barreled revolver on its side, in the materials of the theme."""
    barrel = (
        svg.box(-70, -112, 420, 52, "url(#iron)", f'rx="8" {EDGE}')
        + svg.box(-70, -104, 410, 9, "#ffffff", 'opacity="0.35"')
        + svg.box(330, -130, 18, 22, "url(#iron)", EDGE)
    )
    under = svg.box(-40, -62, 300, 24, "url(#iron)", EDGE)
    frame = svg.shape(
        "M-260 -118C-190 -130 -120 -124 -60 -122L-60 -20L-190 -14C-230 -20 -262 -60 -260 -118Z", "url(#iron)", EDGE
    )
    drum = svg.box(-190, -112, 116, 98, "url(#gold)", f'rx="16" {EDGE}') + "".join(
        svg.box(-182 + step * 28, -100, 13, 74, "#000", 'rx="6" opacity="0.35"') for step in range(4)
    )
    grip = svg.shape(
        "M-250 -90C-190 -70 -180 -30 -196 -14C-236 60 -250 130 -246 196"
        "C-280 226 -350 214 -366 180C-360 90 -330 -20 -250 -90Z",
        "url(#wood)",
        EDGE,
    )
    checks = "".join(svg.stroke(f"M{-320 + step * 16} 60l40 90", "#1a0f08", 3, 'opacity="0.45"') for step in range(4))
    guard = (
        '<path d="M-180 -14C-176 60 -96 70 -70 -20" fill="none" stroke="url(#gold)" stroke-width="14"/>'
        + svg.stroke("M-130 -12Q-140 20 -120 38", "#2a2a30", 10)
    )
    hammer_part = svg.shape("M-250 -118L-292 -166L-262 -172L-222 -122Z", "url(#iron)", EDGE)
    core = svg.circle(-132, -63, 60, "url(#aura)") + svg.circle(-132, -63, 13, theme.magic)
    pommel = svg.circle(-300, 176, 15, "url(#goldball)", EDGE)
    parts = (under, barrel, hammer_part, guard, frame, drum, core, grip, checks, pommel, sparkle(300, -100, 30))
    return svg.at(0, 10, "".join(parts), turn=-20)


def _shaft(top: float, bottom: float, half: float) -> str:
    wraps = "".join(
        svg.box(-half - 2, y, half * 2 + 4, 13, "url(#leather)", 'stroke="#000" stroke-opacity="0.4"')
        for y in range(int(bottom) - 190, int(bottom) - 40, 15)
    )
    return (
        svg.box(-half, top, half * 2, bottom - top, "url(#wood)", f'rx="{half * 0.6:.0f}" {EDGE}')
        + wraps
        + svg.circle(0, bottom, half * 1.5, "url(#goldball)", EDGE)
    )


def _hilt(rng: np.random.Generator) -> str:
    reach, droop = float(rng.uniform(118, 160)), float(rng.uniform(-40, 40))
    guard = svg.shape(
        f"M-30 122C-80 122 -{reach - 20:.0f} {118 + droop:.0f} -{reach:.0f} {126 + droop:.0f}"
        f"C-{reach + 10:.0f} {160 + droop:.0f} -80 160 0 164"
        f"C80 160 {reach + 10:.0f} {160 + droop:.0f} {reach:.0f} {126 + droop:.0f}"
        f"C{reach - 20:.0f} {118 + droop:.0f} 80 122 30 122Z",
        "url(#gold)",
        EDGE,
    )
    grip = svg.box(-21, 160, 42, 150, "url(#leather)", f'rx="10" {EDGE}') + "".join(
        svg.stroke(f"M-20 {y}L20 {y + 14}", "url(#gold)", 4, 'opacity="0.8"') for y in range(174, 300, 26)
    )
    return grip + guard + gem(0, 142, 22) + svg.circle(0, 330, 36, "url(#goldball)", EDGE)


def _rune(x: float, y: float, rng: np.random.Generator, color: str) -> str:
    points = rng.uniform(-11, 11, (4, 2))
    data = svg.path([(x + float(u) * 0.7, y + float(v)) for u, v in points], closed=False)
    return svg.stroke(data, color, 8, 'opacity="0.3"') + svg.stroke(data, color, 3)
