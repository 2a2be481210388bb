"""Symbols of a campaign map: SVG with the origin at the base, in units."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.themes import Theme

TREES = 4


def definitions(theme: Theme, rng: np.random.Generator) -> list[str]:
    """Return TREES variants of two kinds of trees, and the glows."""
    dark, middle, light = theme.foliage
    trees = []
    for index in range(TREES):
        reach = 7 + float(rng.uniform(-1, 1.5))
        ink = f'stroke="{theme.ink}" stroke-width="1.1"'
        leafy = (
            svg.stroke("M0 0L0 -5", theme.ink, 1.6)
            + svg.ellipse(0, -10, reach * 0.8, reach, middle, ink)
            + svg.ellipse(reach * 0.25, -9, reach * 0.45, reach * 0.8, dark, 'opacity="0.6"')
            + svg.ellipse(-reach * 0.3, -12, reach * 0.25, reach * 0.35, light, 'opacity="0.8"')
        )
        fir = svg.shape(f"M0 {-17 - index}L6 -2L-6 -2Z", middle, ink) + svg.shape(f"M0 {-17 - index}L6 -2L1 -2Z", dark)
        trees += [f'<g id="leafy{index}">{leafy}</g>', f'<g id="fir{index}">{fir}</g>']
    return [*trees, svg.glow("lamp", theme.glow, 0.9), svg.glow("halo", theme.magic, 0.5)]


def mountain(theme: Theme, size: float, rng: np.random.Generator, *, snow: bool) -> str:
    """Draw a peak with a lit and a shaded side and a few strokes down its slopes."""
    width, height = size * rng.uniform(0.85, 1.05), size * rng.uniform(1.0, 1.25)
    lean = width * float(rng.uniform(-0.12, 0.12))
    left = [(-width * 0.45, -height * 0.42), (-width * 0.2, -height * 0.66)]
    right = [(width * 0.22, -height * 0.6), (width * 0.5, -height * 0.34)]
    peak, foot_left, foot_right = (lean, -height), (-width * 0.85, 2.0), (width * 0.85, 2.0)
    ridge = [(lean * 0.3 + width * 0.1, -height * 0.62), (lean - width * 0.06, -height * 0.34), (width * 0.12, 2.0)]
    lit, shade = theme.paper[0], theme.paper[-1]
    parts = [
        svg.shape(svg.path([foot_left, *left, peak, *right, foot_right]), lit),
        svg.shape(svg.path([peak, *right, foot_right, *ridge[::-1]]), shade),
        svg.shape(svg.path([peak, *right, foot_right, *ridge[::-1]]), theme.ink, 'opacity="0.3"'),
    ]
    if snow:
        cap = [peak, (width * 0.14, -height * 0.74), (lean, -height * 0.66), (-width * 0.1, -height * 0.72)]
        parts.append(svg.shape(svg.path(cap), theme.light, 'opacity="0.9"'))
    for part in (0.25, 0.5, 0.75):
        x, y = width * 0.12 + part * width * 0.55, -height * (0.62 - part * 0.5)
        parts.append(
            svg.stroke(f"M{x:.1f} {y:.1f}l{width * 0.1:.1f} {height * 0.22:.1f}", theme.ink, 1.1, 'opacity="0.7"')
        )
    outline = svg.path([foot_left, *left, peak, *right, foot_right], closed=False)
    return (
        "".join(parts)
        + svg.stroke(outline, theme.ink, 1.9)
        + svg.stroke(svg.path([peak, *ridge[:2]], closed=False), theme.ink, 1.1)
    )


def hill(theme: Theme, size: float) -> str:
    """Draw a rounded hill."""
    arc = (
        f"M{-size:.1f} 0Q{-size * 0.5:.1f} {-size * 1.1:.1f} 0 {-size:.1f}"
        f"Q{size * 0.6:.1f} {-size * 0.9:.1f} {size:.1f} 0"
    )
    shade = f"M{size * 0.2:.1f} {-size * 0.7:.1f}q{size * 0.3:.1f} {size * 0.3:.1f} {size * 0.25:.1f} {size * 0.6:.1f}"
    return (
        svg.shape(arc, theme.paper[1])
        + svg.stroke(arc, theme.ink, 1.5)
        + svg.stroke(shade, theme.ink, 1, 'opacity="0.6"')
    )


def dune(theme: Theme, size: float) -> str:
    """Draw a dune."""
    arc = f"M{-size:.1f} 0Q{-size * 0.3:.1f} {-size * 0.6:.1f} {size * 0.1:.1f} {-size * 0.25:.1f}T{size:.1f} 0"
    return svg.stroke(arc, theme.ink, 1.4, 'opacity="0.7"')


def town(theme: Theme, rng: np.random.Generator) -> str:
    """Draw a few houses around a tower."""
    ink = f'stroke="{theme.ink}" stroke-width="1.4"'
    houses = []
    for x, y in ((-15, -1), (13, 0), (-5, 3), (6, 6)):
        width, height = float(rng.uniform(9, 12)), float(rng.uniform(6, 8))
        houses.append(svg.box(x - width / 2, y - height, width, height, theme.paper[0], ink))
        roof = [(x - width / 2 - 2, y - height), (x, y - height - 7), (x + width / 2 + 2, y - height)]
        houses.append(svg.shape(svg.path(roof), theme.seal, ink))
    tower = svg.box(-4, -24, 8, 22, theme.paper[0], ink) + svg.shape("M-6 -24L0 -36L6 -24Z", theme.seal, ink)
    return svg.circle(0, -6, 34, "url(#lamp)", 'opacity="0.35"') + tower + "".join(houses)


def castle(theme: Theme) -> str:
    """Draw the castle of the capital."""
    ink = f'stroke="{theme.ink}" stroke-width="1.7"'
    parts = [svg.circle(0, -16, 58, "url(#lamp)", 'opacity="0.45"'), svg.box(-26, -22, 52, 24, theme.paper[0], ink)]
    for x, height in ((-26, 36), (26, 36), (-9, 46), (10, 42)):
        parts.append(svg.box(x - 6, -height, 12, height + 2, theme.paper[0], ink))
        parts.append(svg.shape(svg.path([(x - 9, -height), (x, -height - 17), (x + 9, -height)]), theme.seal, ink))
    parts.append(svg.shape("M-6 2L-6 -7Q0 -14 6 -7L6 2Z", theme.ink))
    parts.append(svg.stroke("M-9 -63L-9 -76", theme.ink, 1.5) + svg.shape("M-9 -76L5 -72L-9 -67Z", theme.seal))
    return "".join(parts)


def ruin(theme: Theme) -> str:
    """Draw standing stones."""
    ink = f'stroke="{theme.ink}" stroke-width="1.4"'
    stones = ((-12, 14), (-4, 20), (5, 17), (13, 12))
    return "".join(svg.box(x - 3, -height, 6, height, theme.paper[2], ink) for x, height in stones)


def compass(theme: Theme, radius: float) -> str:
    """Draw a compass rose without letters."""
    parts = [
        svg.circle(0, 0, radius * 0.78, "none", f'stroke="{theme.ink}" stroke-width="1.6"'),
        svg.circle(0, 0, radius * 0.7, "none", f'stroke="{theme.ink}" stroke-width="0.8"'),
    ]
    for index in range(16):
        reach = radius * (1.0 if index % 4 == 0 else 0.74 if index % 2 == 0 else 0.5)
        turn = index * pi / 8 - pi / 2
        waist = radius * 0.16
        tip = (reach * cos(turn), reach * sin(turn))
        left = (waist * cos(turn - pi / 8), waist * sin(turn - pi / 8))
        right = (waist * cos(turn + pi / 8), waist * sin(turn + pi / 8))
        ink = f'stroke="{theme.ink}" stroke-width="0.8"'
        parts.append(svg.shape(svg.path([(0, 0), left, tip]), theme.seal if index % 4 == 0 else theme.ink, ink))
        parts.append(svg.shape(svg.path([(0, 0), right, tip]), theme.paper[0], ink))
    return "".join(parts) + svg.circle(0, 0, radius * 0.07, theme.seal)


def ship(theme: Theme) -> str:
    """Draw a small sailing ship."""
    ink = f'stroke="{theme.ink}" stroke-width="1.4"'
    return (
        svg.shape("M-20 0Q-16 10 -8 10L12 10Q20 8 24 -2Q2 4 -20 0Z", theme.paper[2], ink)
        + svg.stroke("M-5 2L-5 -30M10 2L10 -24", theme.ink, 1.6)
        + svg.shape("M-5 -28Q-22 -16 -16 -3L-5 -3Z", theme.paper[0], ink)
        + svg.shape("M10 -22Q-4 -12 0 -2L10 -3Z", theme.paper[0], ink)
        + svg.shape("M-5 -30L6 -27L-5 -24Z", theme.seal)
        + svg.stroke("M-34 14q6 -5 12 0t12 0t12 0t12 0", theme.ink, 1, 'opacity="0.6"')
    )


def border(theme: Theme, across: float, down: float) -> str:
    """Draw a frame of lines with an ornament in each corner."""
    parts = []
    for inset, width in ((14, 3.2), (21, 1.2), (34, 1.2)):
        line = f'stroke="{theme.ink}" stroke-width="{width}" fill-opacity="0"'
        parts.append(svg.box(inset, inset, across - 2 * inset, down - 2 * inset, "#000", line))
    dark = 'opacity="0.45"'
    for x in np.arange(21, across - 21 - 28, 56):
        parts += [svg.box(float(x), y - 6.5, 28, 13, theme.ink, dark) for y in (27.5, down - 27.5)]
    for y in np.arange(21, down - 21 - 28, 56):
        parts += [svg.box(x - 6.5, float(y), 13, 28, theme.ink, dark) for x in (27.5, across - 27.5)]
    for x in (27.5, across - 27.5):
        for y in (27.5, down - 27.5):
            parts.append(
                svg.at(
                    x, y, svg.box(-13, -13, 26, 26, theme.paper[1], f'stroke="{theme.ink}" stroke-width="1.6"'), turn=45
                )
            )
            parts.append(svg.circle(x, y, 6, theme.seal))
    return "".join(parts)
