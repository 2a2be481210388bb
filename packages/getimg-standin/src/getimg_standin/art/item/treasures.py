"""Potions, books, jewels and other treasures: SVG around the origin, about 560 units high."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.item.materials import EDGE, gem, sparkle
from getimg_standin.art.themes import Theme


def potion(theme: Theme, rng: np.random.Generator) -> str:
    """A flask with a glowing liquid."""
    round_bottle = rng.random() < 0.6
    body = (
        "M-56 -150L56 -150L56 -70C160 -30 216 60 210 150C200 260 100 310 0 310"
        "C-100 310 -200 260 -210 150C-216 60 -160 -30 -56 -70Z"
        if round_bottle
        else "M-56 -150L56 -150L56 -80L200 250C214 290 190 310 150 310L-150 310C-190 310 -214 290 -200 250L-56 -80Z"
    )
    liquid = _liquid(theme, rng, body, 40 if round_bottle else 60)
    glass = svg.shape(body, "#ffffff", 'fill-opacity="0.12" stroke="#eafcff" stroke-opacity="0.75" stroke-width="7"')
    gloss = svg.stroke(
        "M-150 110C-150 180 -120 240 -70 268" if round_bottle else "M-90 60L-158 240", "#ffffff", 17, 'opacity="0.55"'
    )
    collar = svg.box(-72, -176, 144, 36, "url(#gold)", f'rx="12" {EDGE}')
    cork = svg.shape("M-52 -250L52 -250L46 -172L-46 -172Z", "url(#wood)", EDGE)
    tag = (
        svg.stroke("M60 -140Q120 -120 130 -60", theme.leather, 5)
        + svg.shape("M108 -66L160 -54L146 26L94 14Z", "url(#page)", EDGE)
        + svg.circle(127, -20, 15, theme.carpet)
    )
    return svg.circle(0, 140, 330, "url(#aura)") + liquid + glass + gloss + cork + collar + tag + sparkle(-110, -10, 40)


def _liquid(theme: Theme, rng: np.random.Generator, flask: str, level: float) -> str:
    elements = [
        svg.box(-240, level, 480, 300, "url(#gem)"),
        svg.ellipse(0, level, 190, 20, theme.light, 'opacity="0.55"'),
        svg.circle(0, 220, 200, "url(#aura)"),
    ]
    elements += [
        svg.circle(float(x), float(y), float(r), "#ffffff", 'opacity="0.4"')
        for x, y, r in rng.uniform((-130, 80, 4), (130, 280, 14), (16, 3))
    ]
    clip = f'<clipPath id="flask"><path d="{flask}"/></clipPath>'
    return clip + svg.group(elements, 'clip-path="url(#flask)"')


def ring(_theme: Theme, rng: np.random.Generator) -> str:
    """An upright ring with its stone on top."""
    band = (
        '<circle cx="0" cy="90" r="178" fill="none" stroke="#20140a" stroke-width="66"/>'
        '<circle cx="0" cy="90" r="178" fill="none" stroke="url(#gold)" stroke-width="58"/>'
    )
    inner = '<circle cx="0" cy="90" r="150" fill="none" stroke="#000" stroke-opacity="0.35" stroke-width="9"/>'
    light = svg.stroke("M-176 40C-170 -20 -130 -70 -80 -92", "#ffffff", 12, 'opacity="0.7"')
    marks = "".join(
        svg.circle(178 * cos(t), 90 + 178 * sin(t), 8, "#3a2408", 'opacity="0.6"') for t in np.arange(0.2, pi, 0.31)
    )
    half = float(rng.uniform(92, 116))
    facets = [(-half, -150), (-half * 0.6, -226), (half * 0.6, -226), (half, -150), (0, -30)]
    stone = svg.shape(svg.path(facets), "url(#gem)", EDGE)
    cuts = svg.stroke(
        f"M{-half} -150L{half} -150M{-half * 0.6:.0f} -226L{-half * 0.35:.0f} -150L0 -30"
        f"L{half * 0.35:.0f} -150L{half * 0.6:.0f} -226M{-half * 0.35:.0f} -150L0 -226"
        f"L{half * 0.35:.0f} -150",
        "#ffffff",
        3,
        'opacity="0.5"',
    )
    prongs = "".join(svg.stroke(f"M{s * 60} -60L{s * (half + 6)} -154", "url(#gold)", 17) for s in (-1, 1)) + svg.shape(
        "M-70 -80Q0 -20 70 -80L50 -44Q0 -8 -50 -44Z", "url(#gold)", EDGE
    )
    return (
        svg.circle(0, -130, 300, "url(#aura)")
        + band
        + inner
        + light
        + marks
        + stone
        + cuts
        + prongs
        + sparkle(-half * 0.5, -200, 54)
    )


def book(theme: Theme, _rng: np.random.Generator) -> str:
    """A heavy tome with clasps."""
    pages = svg.shape("M-196 -268L214 -268L214 286L-196 286Z", "url(#page)", EDGE) + "".join(
        svg.stroke(f"M206 {y}L214 {y}", "#8a7448", 2) for y in range(-260, 284, 9)
    )
    cover = svg.shape("M-226 -290Q-240 0 -226 290L180 290L180 -290Z", "url(#cloth)", EDGE)
    spine = svg.shape("M-226 -290Q-240 0 -226 290L-166 290Q-178 0 -166 -290Z", "#000", 'opacity="0.3"') + "".join(
        svg.box(-236, y, 72, 22, "url(#gold)", EDGE) for y in (-220, -90, 60, 190)
    )
    frame = (
        '<rect x="-136" y="-258" width="284" height="516" rx="14" fill="none" stroke="url(#gold)" '
        'stroke-width="9"/><rect x="-116" y="-238" width="244" height="476" rx="10" fill="none" '
        'stroke="url(#gold)" stroke-width="3"/>'
    )
    corners = "".join(
        svg.shape(f"M{x} {y}L{x - sx * 76} {y}Q{x - sx * 50} {y - sy * 50} {x} {y - sy * 76}Z", "url(#gold)", EDGE)
        for x, sx in ((180, 1), (-150, -1))
        for y, sy in ((-290, -1), (290, 1))
    )
    clasps = "".join(svg.box(140, y, 92, 34, "url(#gold)", f'rx="8" {EDGE}') for y in (-150, 120))
    star = "".join(
        svg.at(6, 0, svg.shape("M0 -120L16 -16L0 0L-16 -16Z", "url(#gold)", EDGE), turn=turn)
        for turn in range(0, 360, 45)
    )
    circle = (
        '<circle cx="6" cy="0" r="134" fill="none" stroke="url(#gold)" stroke-width="6"/>'
        f'<circle cx="6" cy="0" r="116" fill="none" stroke="{theme.magic}" stroke-opacity="0.7" '
        'stroke-width="3"/>'
    )
    return svg.at(
        0,
        0,
        pages + cover + spine + frame + corners + clasps + circle + star + gem(6, 0, 42) + sparkle(-80, -210, 34),
        turn=-7,
    )


def scroll(theme: Theme, rng: np.random.Generator) -> str:
    """An unrolled scroll with strange symbols and a seal."""
    sheet = svg.shape("M-200 -250C-180 -120 -216 60 -196 250L196 250C176 80 214 -110 200 -250Z", "url(#page)", EDGE)
    lines = "".join(
        svg.stroke(
            svg.curve([(x, y + float(rng.uniform(-6, 6))) for x in range(-140, 150, 14)], closed=False),
            "#5a3f22",
            5,
            f'opacity="0.75" stroke-dasharray="{rng.uniform(14, 40):.0f} {rng.uniform(7, 15):.0f}"',
        )
        for y in range(-180, 60, 32)
    )
    sigil = (
        f'<circle cx="0" cy="140" r="62" fill="none" stroke="{theme.magic}" stroke-width="6"/>'
        + svg.circle(0, 140, 110, "url(#aura)", 'opacity="0.7"')
        + svg.shape("M0 84L50 168L-50 168Z", "none", f'stroke="{theme.magic}" stroke-width="6"')
    )
    rolls = "".join(
        svg.box(-226, y - 30, 452, 60, "url(#page)", f'rx="30" {EDGE}')
        + svg.box(-272, y - 14, 50, 28, "url(#wood)", f'rx="8" {EDGE}')
        + svg.box(222, y - 14, 50, 28, "url(#wood)", f'rx="8" {EDGE}')
        + svg.circle(-276, y, 20, "url(#goldball)", EDGE)
        + svg.circle(276, y, 20, "url(#goldball)", EDGE)
        for y in (-260, 260)
    )
    seal = (
        svg.shape("M140 150L120 290L150 268L176 292L176 150Z", "url(#cloth)", EDGE)
        + svg.circle(152, 152, 44, theme.carpet, EDGE)
        + svg.circle(152, 152, 29, "none", 'stroke="#000" stroke-opacity="0.3" stroke-width="5"')
    )
    return sheet + lines + sigil + rolls + seal + sparkle(-150, -220, 28)


def amulet(_theme: Theme, rng: np.random.Generator) -> str:
    """A pendant on a chain."""
    links = []
    for side in (-1, 1):
        for step in range(13):
            part = step / 12
            x, y = side * (40 + 170 * sin(part * pi * 0.55)), -60 - 270 * part
            links.append(
                svg.at(
                    x,
                    y,
                    '<ellipse cx="0" cy="0" rx="9" ry="15" fill="none" stroke="url(#gold)" stroke-width="6.5"/>',
                    turn=side * (40 - 40 * part),
                )
            )
    points = 8 if rng.random() < 0.5 else 6
    rays = "".join(
        svg.at(0, 110, svg.shape("M0 -206L26 -110L-26 -110Z", "url(#gold)", EDGE), turn=360 * index / points)
        for index in range(points)
    )
    disc = svg.circle(0, 110, 142, "url(#goldball)", EDGE) + svg.circle(
        0, 110, 112, "none", 'stroke="#3a2408" stroke-opacity="0.6" stroke-width="5"'
    )
    studs = "".join(svg.circle(126 * cos(t), 110 + 126 * sin(t), 7, "url(#gem)") for t in np.arange(0, 2 * pi, pi / 8))
    bail = '<circle cx="0" cy="-62" r="28" fill="none" stroke="url(#gold)" stroke-width="14"/>'
    return "".join(links) + rays + disc + studs + bail + gem(0, 110, 72) + sparkle(-80, 30, 40)


def crystal(theme: Theme, rng: np.random.Generator) -> str:
    """A cluster of crystals, or an orb on a stand."""
    if rng.random() < 0.4:
        stand = svg.shape("M-150 300L150 300L110 230Q0 180 -110 230Z", "url(#gold)", EDGE) + "".join(
            svg.stroke(f"M{s * 100} 240Q{s * 200} 190 {s * 168} 90", "url(#gold)", 20) for s in (-1, 1)
        )
        orb = svg.circle(0, 30, 400, "url(#aura)") + svg.circle(0, 30, 206, "url(#gem)", EDGE)
        mist = "".join(
            svg.ellipse(float(x), float(y), float(r), float(r) * 0.4, theme.light, 'opacity="0.18"')
            for x, y, r in rng.uniform((-90, -60, 40), (90, 130, 110), (9, 3))
        )
        return orb + mist + svg.ellipse(-70, -60, 66, 40, "#ffffff", 'opacity="0.6"') + stand + sparkle(-100, -96, 44)
    shards = [svg.circle(0, 60, 380, "url(#aura)")]
    for turn, usual, half in ((-38, 330, 52), (36, 350, 56), (-18, 450, 66), (17, 470, 62), (0, 560, 80)):
        height = round(usual * float(rng.uniform(0.9, 1.08)))
        tip = f"M{-half} 0L{-half} {-height * 0.72:.0f}L0 {-height:.0f}L{half} {-height * 0.72:.0f}L{half} 0Z"
        facets = svg.shape(
            f"M{-half} 0L{-half} {-height * 0.72:.0f}L0 {-height:.0f}"
            f"L{-half * 0.2:.0f} {-height * 0.68:.0f}L{-half * 0.2:.0f} 0Z",
            "#ffffff",
            'opacity="0.38"',
        ) + svg.shape(
            f"M{half} 0L{half} {-height * 0.72:.0f}L0 {-height:.0f}"
            f"L{half * 0.4:.0f} {-height * 0.66:.0f}L{half * 0.4:.0f} 0Z",
            "#000000",
            'opacity="0.25"',
        )
        shards.append(svg.at(0, 290, svg.shape(tip, "url(#gem)", EDGE) + facets, turn=turn))
    base = "".join(
        svg.circle(x, 296, r, "url(#ironball)", EDGE) for x, r in ((-150, 44), (-84, 56), (0, 62), (86, 54), (150, 42))
    )
    return "".join(shards) + base + sparkle(-26, -210, 50)


def chest(theme: Theme, _rng: np.random.Generator) -> str:
    """A treasure chest, slightly open."""
    inside = svg.circle(0, -30, 330, "url(#ember)") + svg.shape("M-250 -60L250 -60L230 30L-230 30Z", theme.glow)
    gold = "".join(svg.circle(x, -50 - abs(x) * -0.08, 24, "url(#goldball)", EDGE) for x in range(-210, 211, 36))
    lid = svg.shape(
        "M-270 -120C-270 -270 -180 -310 0 -310C180 -310 270 -270 270 -120Z", "url(#wood)", EDGE
    ) + svg.stroke("M-270 -122L270 -122", "url(#gold)", 24)
    box = svg.shape("M-262 -20L262 -20L240 260L-240 260Z", "url(#wood)", EDGE) + "".join(
        svg.stroke(f"M-254 {y}L254 {y}", "#000", 4, 'opacity="0.35"') for y in (70, 160)
    )
    bands = "".join(
        svg.shape(f"M{x} -20L{x + 46} -20L{x + 46 - x * 0.06:.0f} 260L{x - x * 0.06:.0f} 260Z", "url(#gold)", EDGE)
        + svg.box(x, -296 + abs(x + 23) * 0.3, 46, 176 - abs(x + 23) * 0.3, "url(#gold)", EDGE)
        for x in (-200, 154)
    )
    lock = (
        svg.box(-44, -34, 88, 100, "url(#iron)", f'rx="12" {EDGE}')
        + svg.circle(0, 6, 14, "#0a0a0c")
        + svg.box(-6, 6, 12, 34, "#0a0a0c")
    )
    return (
        lid
        + inside
        + gold
        + box
        + bands
        + svg.stroke("M-262 -22L262 -22", "url(#gold)", 22)
        + lock
        + sparkle(60, -70, 44)
    )
