"""Backgrounds of portraits, simple because they are out of focus."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import fractal
from getimg_standin.art.pixels import Color, blurred, enlarged, mix, ramp, rgb, smoothstep
from getimg_standin.art.portrait.tones import blended, darker, lighter
from getimg_standin.art.themes import Theme


def backdrop(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Sky, clouds and silhouettes, drawn at half the resolution because they are blurred."""
    small = frame.reduced(2)
    clouds = fractal(small, chance.of("clouds"), 380, 5)
    height = np.linspace(0, 1, small.height, dtype=np.float32)[:, None]
    layer = ramp(theme.sky, height * np.float32(0.92) + (clouds - np.float32(0.5)) * np.float32(0.3))
    mix(layer, rgb(theme.light), smoothstep(0.55, 0.95, clouds) * np.float32(0.22))
    rng = chance.of("backdrop")
    body = _SCENERY.get(theme.name, _castle)(theme, rng, frame)
    svg.render(small, body, [svg.glow("orb", theme.light, 0.8), svg.glow("lamp", theme.glow, 0.8)]).over(layer)
    return np.stack([enlarged(blurred(plane, 3.0 * small.scale), frame.shape) for plane in layer])


def _ridge(rng: np.random.Generator, frame: Frame, base: float, rise: float, fill: str) -> str:
    points = [(0.0, frame.down)]
    points += [(frame.across * step / 14, base - float(rng.uniform(0, rise))) for step in range(15)]
    return svg.shape(svg.path([*points, (frame.across, frame.down)]), fill)


def _castle(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    far, near = blended(theme.sky[1], theme.deep, 0.45), blended(theme.sky[1], theme.deep, 0.85)
    body = [
        svg.circle(frame.across * rng.uniform(0.15, 0.85), frame.down * 0.3, 260, "url(#orb)"),
        _ridge(rng, frame, frame.down * 0.66, 170, far),
    ]
    for start in (frame.across * 0.06, frame.across * 0.76):
        for step in range(4):
            x, height = start + step * 56, float(rng.uniform(170, 330))
            top = frame.down * 0.72 - height
            body.append(svg.box(x, top, 44, height + 200, near))
            body.append(svg.shape(svg.path([(x - 8, top), (x + 22, top - 84), (x + 52, top)]), darker(theme.seal, 0.3)))
            body.append(svg.box(x + 16, top + 34, 10, 22, theme.glow, 'rx="5"'))
    body.append(_ridge(rng, frame, frame.down * 0.8, 60, darker(theme.main, 0.45)))
    return body


def _mesas(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    sun_x = frame.across * float(rng.uniform(0.2, 0.8))
    body = [
        svg.circle(sun_x, frame.down * 0.42, 330, "url(#orb)"),
        svg.circle(sun_x, frame.down * 0.42, 104, theme.light),
    ]
    for layer in range(2):
        fill = blended(theme.sky[1], theme.deep, 0.3 + 0.35 * layer)
        for _ in range(3):
            x, width, height = rng.uniform(-60, frame.across), rng.uniform(140, 300), rng.uniform(110, 300)
            ground = frame.down * (0.66 + 0.07 * layer)
            body.append(
                svg.shape(
                    svg.path(
                        [(x - 40, ground), (x, ground - height), (x + width, ground - height), (x + width + 40, ground)]
                    ),
                    fill,
                )
            )
        body.append(svg.box(0, frame.down * (0.66 + 0.07 * layer) - 2, frame.across, frame.down, fill))
    return body


def _skyline(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    body = []
    for layer in range(3):
        fill = blended(theme.sky[1], theme.night, 0.35 + 0.28 * layer)
        x = -20.0
        while x < frame.across:
            width, height = float(rng.uniform(54, 120)), float(rng.uniform(180, 620 - 120 * layer))
            top = frame.down * 0.95 - height
            body.append(svg.box(x, top, width, height + 200, fill))
            for row in np.arange(top + 14, frame.down * 0.9, 26):
                for column in np.arange(x + 9, x + width - 10, 17):
                    if rng.random() < 0.3:
                        color = (theme.glow, theme.magic, theme.light)[int(rng.integers(3))]
                        body.append(
                            svg.box(float(column), float(row), 8, 12, color, f'opacity="{rng.uniform(0.35, 0.9):.2f}"')
                        )
            x += width + float(rng.uniform(0, 16))
    for _ in range(4):
        x, y = rng.uniform(0, frame.across), rng.uniform(frame.down * 0.25, frame.down * 0.7)
        sign = theme.magic if rng.random() < 0.5 else theme.glow
        body.append(svg.box(x, y, 22, rng.uniform(80, 170), sign, 'rx="5"'))
    return body


def _works(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    body = []
    for _ in range(6):
        x, y, radius = (
            rng.uniform(0, frame.across),
            rng.uniform(frame.down * 0.08, frame.down * 0.75),
            rng.uniform(70, 190),
        )
        fill = blended(theme.metal[0], theme.sky[1], float(rng.uniform(0.2, 0.6)))
        teeth, points = 18, []
        for step in range(teeth * 4):
            reach = radius if step % 4 in (0, 1) else radius * 0.86
            turn = 2 * pi * step / (teeth * 4)
            points.append((x + reach * cos(turn), y + reach * sin(turn)))
        body.append(svg.shape(svg.path(points), fill))
        body.append(svg.circle(x, y, radius * 0.62, blended(fill, theme.sky[0], 0.5)))
        body += [svg.at(x, y, svg.box(-radius * 0.64, -8, radius * 1.28, 16, fill), turn=turn) for turn in (0, 60, 120)]
        body.append(svg.circle(x, y, radius * 0.16, fill))
    for x in np.arange(40, frame.across, 190):
        height = float(rng.uniform(160, 330))
        body.append(svg.box(float(x), frame.down * 0.9 - height, 50, height + 200, darker(theme.deep, 0.35)))
        body.append(svg.circle(float(x) + 60, frame.down * 0.9 - height - 70, 120, "url(#orb)", 'opacity="0.4"'))
    return body


def _moonlit_trees(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    x, y = frame.across * float(rng.uniform(0.18, 0.82)), frame.down * 0.2
    body = [
        svg.circle(x, y, 300, "url(#orb)"),
        svg.circle(x, y, 92, "#eef0dc"),
        svg.circle(x - 24, y - 16, 20, "#cfd3bc"),
        svg.circle(x + 30, y + 26, 13, "#cfd3bc"),
    ]
    body.append(_ridge(rng, frame, frame.down * 0.8, 90, blended(theme.sky[2], theme.sky[1], 0.4)))
    for layer in range(2):
        fill = blended(theme.sky[1], theme.night, 0.35 + 0.4 * layer)
        for trunk in np.arange(30, frame.across, 150):
            foot = float(trunk + rng.uniform(-50, 50))
            _branch(
                body,
                foot,
                frame.down * 0.96,
                -pi / 2 + float(rng.uniform(-0.12, 0.12)),
                210 + 70 * layer,
                24,
                fill,
                rng,
                5,
            )
    return body


def _branch(
    body: list[str],
    x: float,
    y: float,
    turn: float,
    length: float,
    width: float,
    fill: str,
    rng: np.random.Generator,
    depth: int,
) -> None:
    end_x, end_y = x + length * cos(turn), y + length * sin(turn)
    body.append(svg.stroke(f"M{x:.0f} {y:.0f}L{end_x:.0f} {end_y:.0f}", fill, width))
    if depth > 0:
        for side in (-1, 1):
            bend = turn + side * float(rng.uniform(0.25, 0.62))
            _branch(
                body, end_x, end_y, bend, length * float(rng.uniform(0.55, 0.75)), width * 0.6, fill, rng, depth - 1
            )


def _planets(theme: Theme, rng: np.random.Generator, frame: Frame) -> list[str]:
    body = [
        svg.circle(frame.across * u, frame.down * v, 0.8 + 2.6 * w**4, theme.light, f'opacity="{0.4 + 0.6 * w:.2f}"')
        for u, v, w in rng.random((240, 3))
    ]
    for part, low, radius in (
        (rng.uniform(0.08, 0.2), 0.24, 130),
        (rng.uniform(0.8, 0.92), 0.4, 76),
        (rng.uniform(0.7, 0.86), 0.12, 34),
    ):
        x, y = frame.across * float(part), frame.down * low
        fill = (theme.accent, theme.magic, theme.glow)[int(rng.integers(3))]
        body.append(svg.circle(x, y, radius * 2, "url(#orb)", 'opacity="0.45"'))
        body.append(svg.circle(x, y, radius, darker(fill, 0.25)))
        body += [
            svg.ellipse(
                x,
                y + shift * radius,
                radius * (1 - shift * shift) ** 0.5,
                radius * 0.1,
                lighter(fill, 0.25),
                'opacity="0.4"',
            )
            for shift in (-0.6, -0.2, 0.25, 0.6)
        ]
        body.append(svg.circle(x + radius * 0.3, y + radius * 0.2, radius * 0.96, theme.night, 'opacity="0.35"'))
        if radius > 100:
            ring = (
                f'stroke="{theme.light}" stroke-opacity="0.75" stroke-width="9" transform="rotate(-18 {x:.0f} {y:.0f})"'
            )
            body.append(svg.ellipse(x, y, radius * 1.7, radius * 0.34, "none", ring))
    body.append(_ridge(rng, frame, frame.down * 0.84, 130, blended(theme.deep, theme.sky[2], 0.3)))
    return body


_SCENERY = {
    "fantasy": _castle,
    "western": _mesas,
    "cyberpunk": _skyline,
    "steampunk": _works,
    "horror": _moonlit_trees,
    "space_fantasy": _planets,
}
