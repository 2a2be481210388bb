"""The panel behind an item: ground, halo, ornament and border."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import fractal
from getimg_standin.art.pixels import Color, ramp, relief, smoothstep
from getimg_standin.art.portrait.tones import blended, darker
from getimg_standin.art.themes import Theme


def ground(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """A ground of velvet, stone or metal, brighter in the center."""
    folds = fractal(frame, chance.of("folds"), 300, 6, gain=0.56)
    x = np.linspace(-1, 1, frame.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, frame.height, dtype=np.float32)[:, None]
    middle = smoothstep(1.25, 0.0, np.sqrt(x * x + y * y))
    layer = ramp(
        (theme.night, theme.deep, theme.main), middle * np.float32(0.62) + (folds - np.float32(0.5)) * np.float32(0.5)
    )
    layer *= relief(folds, 7 * frame.scale)
    return layer


def ornament(theme: Theme, chance: Chance) -> str:
    """Rings and engraving around the origin, 960 units across."""
    rng = chance.of("ornament")
    gold = 'stroke="url(#gold)"'
    fine = f'stroke="{theme.trim[1]}" stroke-opacity="0.75"'
    parts = [svg.circle(0, 0, 560, "url(#aura)", 'opacity="0.5"')]
    parts.append(svg.circle(0, 0, 452, darker(theme.deep, 0.35), f'fill-opacity="0.55" {gold} stroke-width="13"'))
    parts += [
        svg.circle(0, 0, radius, "none", f'{fine} stroke-width="{width}"')
        for radius, width in ((431, 2.5), (392, 2.5), (384, 1.2))
    ]
    parts += _engraving(theme, rng, fine)
    if theme.name in ("cyberpunk", "space_fantasy"):
        parts += _circuit(theme, rng)
    elif theme.name == "steampunk":
        parts += _cogs(theme)
    parts.append(svg.circle(0, 0, 376, "url(#spot)"))
    return "".join(parts)


def definitions(theme: Theme) -> list[str]:
    """The gradients of the ornament."""
    return [svg.glow("spot", blended(theme.light, theme.accent, 0.4), 0.5)]


def corners(theme: Theme, frame: Frame) -> str:
    """A thin border with engraved corners."""
    inset = 26.0
    line = f'stroke="{theme.trim[1]}" stroke-opacity="0.8" fill-opacity="0"'
    parts = [
        svg.box(inset, inset, frame.across - 2 * inset, frame.down - 2 * inset, "#000", f'{line} stroke-width="4"')
    ]
    parts.append(
        svg.box(
            inset + 11,
            inset + 11,
            frame.across - 2 * inset - 22,
            frame.down - 2 * inset - 22,
            "#000",
            f'{line} stroke-width="1.4"',
        )
    )
    flourish = (
        svg.stroke("M0 0L120 0M0 0L0 120", theme.trim[1], 7)
        + svg.stroke("M18 96C20 50 50 20 96 18C70 30 64 54 48 48C54 64 30 70 18 96Z", theme.trim[1], 4)
        + svg.circle(22, 22, 10, theme.magic)
    )
    for x, y, turn in (
        (inset, inset, 0),
        (frame.across - inset, inset, 90),
        (frame.across - inset, frame.down - inset, 180),
        (inset, frame.down - inset, 270),
    ):
        parts.append(svg.at(x, y, flourish, turn=turn))
    return "".join(parts)


def _engraving(theme: Theme, rng: np.random.Generator, fine: str) -> list[str]:
    """A random number of leaves between the rings, and studs at the quarters."""
    count = int(rng.choice((24, 32, 36, 40)))
    style = int(rng.integers(3))
    signs = ("M0 -14Q9 0 0 14Q-9 0 0 -14Z", "M-12 8Q-10 -12 0 -12Q10 -12 12 8M-5 8Q0 -6 5 8", "M-13 0L0 -12L13 0L0 12Z")
    leaf = f'<path d="{signs[style]}" fill="{theme.trim[1]}" fill-opacity="0.25" {fine} stroke-width="2"/>'
    parts = []
    for index in range(count):
        turn = 2 * pi * index / count
        parts.append(svg.at(411 * cos(turn), 411 * sin(turn), leaf, turn=360 * index / count + 90))
    for turn in np.arange(0, 2 * pi, pi / 2):
        x, y = 452 * cos(turn), 452 * sin(turn)
        parts.append(
            svg.circle(x, y, 24, "url(#goldball)", 'stroke="#000" stroke-opacity="0.5" stroke-width="2"')
            + svg.circle(x, y, 13, "url(#gem)")
        )
    return parts


def _circuit(theme: Theme, rng: np.random.Generator) -> list[str]:
    parts = []
    for turn in rng.uniform(0, 2 * pi, 18):
        inner, bend, outer = rng.uniform(200, 280), rng.uniform(300, 340), 376
        side = turn + float(rng.uniform(-0.2, 0.2))
        line = svg.path(
            [
                (inner * cos(turn), inner * sin(turn)),
                (bend * cos(turn), bend * sin(turn)),
                (outer * cos(side), outer * sin(side)),
            ],
            closed=False,
        )
        parts.append(svg.stroke(line, theme.glow, 2.4, 'opacity="0.5"'))
        parts.append(svg.circle(inner * cos(turn), inner * sin(turn), 5, theme.glow, 'opacity="0.8"'))
    return parts


def _cogs(theme: Theme) -> list[str]:
    points = []
    for step in range(48 * 4):
        reach = 376 if step % 4 in (0, 1) else 352
        turn = 2 * pi * step / (48 * 4)
        points.append((reach * cos(turn), reach * sin(turn)))
    return [svg.shape(svg.path(points), "none", f'stroke="{theme.metal[1]}" stroke-opacity="0.5" stroke-width="4"')]
