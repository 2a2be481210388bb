"""Furniture from above: SVG around the origin, in units."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.themes import Theme

_EDGE = 'stroke="#000" stroke-opacity="0.55" stroke-width="1.6"'


def gradients(theme: Theme) -> list[str]:
    """The gradients that the furniture uses."""
    round_light = 'cx="0.4" cy="0.35" r="0.75"'
    return [
        svg.linear("wood", [theme.wood[1], theme.wood[0]]),
        svg.linear("metal", [theme.metal[1], theme.metal[0]], 'x1="0" y1="0" x2="1" y2="1"'),
        svg.radial("roundwood", [theme.wood[1], theme.wood[0]], round_light),
        svg.radial("roundmetal", [theme.metal[1], theme.metal[0]], round_light),
        svg.radial("stone", [theme.wall[2], theme.wall[1]], round_light),
        svg.glow("fire", theme.glow, 0.9),
        svg.glow("spell", theme.magic, 0.9),
    ]


def table(theme: Theme, width: float, height: float) -> str:
    """A table of boards."""
    boards = [
        svg.stroke(svg.path([(-width / 2, y), (width / 2, y)]), theme.wood[0], 1.2, 'opacity="0.7"')
        for y in np.arange(-height / 2 + 8, height / 2 - 2, 8)
    ]
    top = svg.box(-width / 2, -height / 2, width, height, "url(#wood)", f'rx="4" {_EDGE}')
    return top + "".join(boards)


def round_table(theme: Theme) -> str:
    """A round table with mugs and stools."""
    stools = [
        svg.circle(36 * cos(turn), 36 * sin(turn), 8.5, "url(#roundwood)", _EDGE)
        for turn in np.arange(0.3, 2 * pi, 2 * pi / 5)
    ]
    mugs = [svg.circle(x, y, 3.6, theme.metal[1], _EDGE) for x, y in ((-9, -8), (10, 3), (-4, 11))]
    return "".join(stools) + svg.circle(0, 0, 24, "url(#roundwood)", _EDGE) + "".join(mugs)


def round_stool(_theme: Theme) -> str:
    """A stool."""
    return svg.circle(0, 0, 9, "url(#roundwood)", _EDGE)


def barrel(theme: Theme) -> str:
    """A barrel on its end."""
    hoop = f'stroke="{theme.metal[0]}" stroke-width="3"'
    boards = [svg.stroke(svg.path([(-11, y), (11, y)]), theme.wood[0], 1.1) for y in (-5, 0, 5)]
    return svg.circle(0, 0, 15, "url(#roundwood)", hoop) + svg.circle(0, 0, 12, "url(#roundwood)") + "".join(boards)


def crate(theme: Theme) -> str:
    """A wooden crate."""
    brace = svg.stroke("M-13 -13L13 13M-13 13L13 -13", theme.wood[0], 3.4)
    frame = f'fill-opacity="0" stroke="{theme.wood[0]}" stroke-width="4"'
    return svg.box(-15, -15, 30, 30, "url(#wood)", _EDGE) + brace + svg.box(-13, -13, 26, 26, "none", frame)


def bed(theme: Theme) -> str:
    """A bed with its head at the top."""
    return (
        svg.box(-19, -32, 38, 64, "url(#wood)", f'rx="3" {_EDGE}')
        + svg.box(-15, -28, 30, 56, "#ddd6c6", 'rx="3"')
        + svg.box(-12, -26, 24, 13, "#f6f1e6", 'rx="5"')
        + svg.box(-15, -8, 30, 36, theme.carpet, 'rx="3"')
        + svg.box(-15, -8, 30, 6, theme.light, 'rx="2" opacity="0.65"')
    )


def chest(theme: Theme) -> str:
    """A chest with fittings."""
    bands = svg.box(-13, -11, 4, 22, "url(#metal)") + svg.box(9, -11, 4, 22, "url(#metal)")
    return (
        svg.box(-18, -11, 36, 22, "url(#wood)", f'rx="4" {_EDGE}') + bands + svg.box(-3, 3, 6, 7, theme.accent, _EDGE)
    )


def shelf(theme: Theme, width: float, rng: np.random.Generator) -> str:
    """A shelf of books, jars or screens along a wall above it."""
    things = []
    colors = (*theme.cloth, theme.light)
    x = -width / 2 + 4
    while x < width / 2 - 8:
        thick = float(rng.uniform(4, 8))
        things.append(svg.box(x, -6, thick - 0.8, rng.uniform(9, 13), colors[int(rng.integers(len(colors)))]))
        x += thick
    return svg.box(-width / 2, -10, width, 20, "url(#wood)", f'rx="2" {_EDGE}') + "".join(things)


def pillar(_theme: Theme) -> str:
    """A stone pillar on a square base."""
    return svg.box(-19, -19, 38, 38, "url(#stone)", f'rx="3" {_EDGE}') + svg.circle(0, 0, 14.5, "url(#stone)", _EDGE)


def brazier(theme: Theme) -> str:
    """A bowl of fire, or a lamp."""
    legs = "".join(svg.circle(13 * cos(turn), 13 * sin(turn), 3.5, theme.metal[0]) for turn in (0.5, 2.6, 4.7))
    bowl = svg.circle(0, 0, 13, "url(#roundmetal)", _EDGE)
    return legs + bowl + svg.circle(0, 0, 9, theme.glow) + svg.circle(0, 0, 5, "#ffffff", 'opacity="0.85"')


def altar(theme: Theme) -> str:
    """A stone block with a cloth and a glowing object."""
    cloth = svg.box(-12, -18, 24, 36, theme.carpet, 'opacity="0.9"')
    gem = svg.circle(0, 0, 6.5, theme.magic) + svg.circle(-1.5, -1.5, 2.4, "#ffffff")
    return svg.box(-38, -19, 76, 38, "url(#stone)", f'rx="3" {_EDGE}') + cloth + gem


def rune_circle(theme: Theme, radius: float) -> str:
    """A rune circle on the floor."""
    line = f'stroke="{theme.magic}" stroke-opacity="0.85"'
    corners = [(radius * cos(turn), radius * sin(turn)) for turn in np.arange(0, 2 * pi, 2 * pi / 5) - pi / 2]
    star = svg.path([corners[index] for index in (0, 2, 4, 1, 3)])
    dots = "".join(svg.circle(x * 1.13, y * 1.13, 4, theme.magic) for x, y in corners)
    return (
        svg.circle(0, 0, radius * 1.5, "url(#spell)", 'opacity="0.45"')
        + svg.circle(0, 0, radius, "none", f'{line} stroke-width="3.2"')
        + svg.circle(0, 0, radius * 1.25, "none", f'{line} stroke-width="2"')
        + f'<path d="{star}" fill="none" {line} stroke-width="2.4"/>'
        + dots
    )


def sarcophagus(theme: Theme) -> str:
    """A stone coffin."""
    outline = svg.path([(-12, -34), (12, -34), (19, -16), (13, 34), (-13, 34), (-19, -16)])
    inner = svg.path([(-8, -29), (8, -29), (14, -15), (9, 29), (-9, 29), (-14, -15)])
    figure = svg.circle(0, -17, 6, theme.wall[1]) + svg.box(-6, -9, 12, 30, theme.wall[1], 'rx="5"')
    lid = f'<path d="{inner}" fill="{theme.wall[2]}" fill-opacity="0.5" {_EDGE}/>'
    return f'<path d="{outline}" fill="url(#stone)" {_EDGE}/>{lid}{figure}'


def console(theme: Theme, width: float) -> str:
    """A desk of screens along a wall above it."""
    screens = [
        svg.box(x, -9, 17, 11, theme.magic if index % 3 == 1 else theme.glow, 'rx="1.5" opacity="0.9"')
        for index, x in enumerate(np.arange(-width / 2 + 5, width / 2 - 18, 22))
    ]
    keys = svg.box(-width / 2 + 5, 6, width - 10, 5, theme.metal[0], 'rx="2"')
    return svg.box(-width / 2, -14, width, 28, "url(#metal)", f'rx="4" {_EDGE}') + "".join(screens) + keys


def tank(theme: Theme) -> str:
    """A round tank with a luminous liquid."""
    glass = svg.circle(0, 0, 15, theme.magic, 'opacity="0.85"')
    bubbles = "".join(
        svg.circle(x, y, r, "#ffffff", 'opacity="0.55"') for x, y, r in ((-5, -4, 3), (5, 3, 2), (1, -8, 1.6))
    )
    return svg.circle(0, 0, 22, "url(#roundmetal)", _EDGE) + glass + bubbles


def gear(theme: Theme, radius: float, teeth: int = 12) -> str:
    """A cogwheel lying flat."""
    points = []
    for step in range(teeth * 4):
        reach = radius if step % 4 in (0, 1) else radius * 0.8
        turn = 2 * pi * step / (teeth * 4)
        points.append((reach * cos(turn), reach * sin(turn)))
    hub = svg.circle(0, 0, radius * 0.48, theme.metal[0]) + svg.circle(0, 0, radius * 0.2, "url(#roundmetal)", _EDGE)
    return svg.shape(svg.path(points), "url(#roundmetal)", _EDGE) + hub


def rug(theme: Theme, width: float, height: float) -> str:
    """A carpet with a border."""
    border = f'stroke="{theme.accent}" stroke-width="3" fill-opacity="0"'
    return svg.box(-width / 2, -height / 2, width, height, theme.carpet, 'rx="2" opacity="0.92"') + svg.box(
        -width / 2 + 6, -height / 2 + 6, width - 12, height - 12, "#000", border
    )


def coins(theme: Theme, rng: np.random.Generator) -> str:
    """A heap of coins."""
    spots = rng.normal(0, 10, (26, 2))
    return "".join(svg.circle(x, y, 2.6, theme.accent, 'stroke="#000" stroke-opacity="0.4"') for x, y in spots)


def bones(rng: np.random.Generator) -> str:
    """A skull and a few bones."""
    pieces = []
    for _ in range(4):
        x, y, turn = rng.uniform(-16, 16), rng.uniform(-12, 12), rng.uniform(0, 180)
        bone = (
            svg.stroke("M-7 0L7 0", "#d8d0bb", 2.6)
            + svg.circle(-8, 0, 2.4, "#d8d0bb")
            + svg.circle(8, 0, 2.4, "#d8d0bb")
        )
        pieces.append(svg.at(x, y, bone, turn=turn))
    skull = (
        svg.ellipse(0, 0, 6, 7, "#e6dfcc", _EDGE) + svg.circle(-2.2, 1, 1.5, "#222") + svg.circle(2.2, 1, 1.5, "#222")
    )
    return "".join(pieces) + skull


def rubble(colors: tuple[str, ...], rng: np.random.Generator) -> str:
    """A scatter of broken stones."""
    stones = []
    for _ in range(int(rng.integers(5, 10))):
        x, y, size = rng.normal(0, 13), rng.normal(0, 13), rng.uniform(2.5, 7)
        stones.append(svg.at(x, y, rock(colors[int(rng.integers(len(colors)))], size, rng)))
    return "".join(stones)


def rock(color: str, size: float, rng: np.random.Generator) -> str:
    """A stone with a lit side."""
    turns = np.arange(0, 2 * pi, 2 * pi / 7)
    reach = size * rng.uniform(0.75, 1.1, 7)
    points = [(float(r * cos(t)), float(r * sin(t))) for r, t in zip(reach, turns, strict=True)]
    lit = [(x * 0.62 - size * 0.14, y * 0.62 - size * 0.16) for x, y in points]
    return svg.shape(svg.path(points), color, _EDGE) + svg.shape(svg.path(lit), "#ffffff", 'opacity="0.22"')


def stairs(theme: Theme, width: float, height: float) -> str:
    """Stairs down."""
    count = 7
    steps = []
    for index in range(count):
        y = -height / 2 + index * height / count
        steps.append(
            svg.box(-width / 2, y, width, height / count, theme.wall[2], f'{_EDGE} opacity="{1 - index * 0.11:.2f}"')
        )
    return svg.box(-width / 2, -height / 2, width, height, "#0a0a0c") + "".join(steps)


def door(theme: Theme) -> str:
    """A door in a wall that runs from left to right."""
    frame = svg.box(-31, -9, 10, 18, "url(#stone)", _EDGE) + svg.box(21, -9, 10, 18, "url(#stone)", _EDGE)
    leaf = svg.box(-22, -5.5, 44, 11, "url(#wood)", _EDGE)
    bands = svg.box(-15, -5.5, 4, 11, "url(#metal)") + svg.box(11, -5.5, 4, 11, "url(#metal)")
    return svg.box(-24, -8, 48, 16, theme.floor[0]) + leaf + bands + frame
