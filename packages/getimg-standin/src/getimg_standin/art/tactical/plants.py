"""Plants, rocks and crystals: SVG definitions that are used many times."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.tactical.furniture import rock
from getimg_standin.art.themes import Theme

VARIANTS = 5


def definitions(theme: Theme, rng: np.random.Generator) -> list[str]:
    """Return VARIANTS definitions of each kind of plant, rock and crystal."""
    makers = {
        "broad": _broad,
        "pine": _pine,
        "dead": _dead,
        "cactus": _cactus,
        "bush": _bush,
        "rock": _rock,
        "crystal": _crystal,
    }
    return [
        f'<g id="{name}{index}">{maker(theme, rng)}</g>' for name, maker in makers.items() for index in range(VARIANTS)
    ]


def placed(kind: str, variant: int, x: float, y: float, *, size: float, turn: float = 0.0) -> str:
    """Use one of the definitions."""
    place = f"translate({x:.1f} {y:.1f}) rotate({turn:.0f}) scale({size:.3f})"
    return f'<use xlink:href="#{kind}{variant % VARIANTS}" transform="{place}"/>'


def _blob(rng: np.random.Generator, radius: float, lobes: int) -> str:
    points = []
    for step in range(lobes * 2):
        reach = radius * (rng.uniform(0.94, 1.08) if step % 2 == 0 else rng.uniform(0.76, 0.86))
        turn = pi * step / lobes
        points.append((float(reach * cos(turn)), float(reach * sin(turn))))
    return svg.curve(points)


def _broad(theme: Theme, rng: np.random.Generator) -> str:
    dark, middle, light = theme.foliage
    crown = [svg.shape(_blob(rng, 40, 9), dark, 'stroke="#000" stroke-opacity="0.45" stroke-width="1.5"')]
    for count, reach, radius, color in ((7, 21, 16, middle), (5, 13, 11, light), (3, 11, 6, light)):
        for turn in rng.uniform(0, 2 * pi) + np.arange(count) * 2 * pi / count:
            x, y = reach * cos(turn) - reach * 0.18, reach * sin(turn) - reach * 0.18
            opacity = 0.85 if color == middle else 0.42
            crown.append(svg.at(x, y, svg.shape(_blob(rng, radius, 6), color, f'opacity="{opacity}"')))
    return "".join(crown)


def _pine(theme: Theme, rng: np.random.Generator) -> str:
    dark, middle, light = theme.foliage
    layers = []
    for radius, color, opacity in ((38, dark, 1.0), (28, middle, 0.8), (18, light, 0.55), (8, "#ffffff", 0.3)):
        turn = rng.uniform(0, 1)
        points = []
        for step in range(22):
            reach = radius * (1.0 if step % 2 == 0 else 0.62)
            points.append((float(reach * cos(turn + pi * step / 11)), float(reach * sin(turn + pi * step / 11))))
        layers.append(svg.shape(svg.path(points), color, f'opacity="{opacity}"'))
    return "".join(layers)


def _dead(_theme: Theme, rng: np.random.Generator) -> str:
    branches = []
    for turn in rng.uniform(0, 1) + np.arange(6) * 2 * pi / 6:
        reach = rng.uniform(24, 38)
        bend = turn + rng.uniform(-0.5, 0.5)
        middle = (reach * 0.5 * cos(turn), reach * 0.5 * sin(turn))
        end = (reach * cos(bend), reach * sin(bend))
        twig = (middle[0] + 12 * cos(bend + 1.1), middle[1] + 12 * sin(bend + 1.1))
        branches.append(svg.stroke(svg.path([(0, 0), middle, end], closed=False), "#3a2f28", 4))
        branches.append(svg.stroke(svg.path([middle, twig], closed=False), "#4a3d33", 2.4))
    return "".join(branches) + svg.circle(0, 0, 7, "#2d241f")


def _cactus(theme: Theme, rng: np.random.Generator) -> str:
    dark, middle, light = theme.foliage
    ribs = "".join(
        svg.stroke(svg.path([(4 * cos(t), 4 * sin(t)), (14 * cos(t), 14 * sin(t))]), light, 1.6)
        for t in rng.uniform(0, 1) + np.arange(9) * 2 * pi / 9
    )
    arms = svg.ellipse(19, -4, 9, 7, middle, 'stroke="#000" stroke-opacity="0.4"') + svg.ellipse(-15, 12, 8, 6, middle)
    return arms + svg.circle(0, 0, 16, middle, f'stroke="{dark}" stroke-width="2.5"') + ribs


def _bush(theme: Theme, rng: np.random.Generator) -> str:
    dark, middle, light = theme.foliage
    return (
        svg.shape(_blob(rng, 15, 6), dark, 'opacity="0.9"')
        + svg.at(-2, -2, svg.shape(_blob(rng, 10, 6), middle))
        + svg.at(-4, -4, svg.shape(_blob(rng, 5, 5), light, 'opacity="0.7"'))
    )


def _rock(theme: Theme, rng: np.random.Generator) -> str:
    side = svg.at(14, 6, rock(theme.wall[1], 9, rng))
    return side + rock(theme.wall[2], 18, rng)


def _crystal(theme: Theme, rng: np.random.Generator) -> str:
    shards = [svg.circle(0, 0, 42, "url(#spell)", 'opacity="0.7"')]
    for turn in rng.uniform(0, 1) + np.arange(5) * 2 * pi / 5:
        reach = float(rng.uniform(16, 28))
        tip = (reach * cos(turn), reach * sin(turn))
        left = (7 * cos(turn + 1.2), 7 * sin(turn + 1.2))
        right = (7 * cos(turn - 1.2), 7 * sin(turn - 1.2))
        shards.append(svg.shape(svg.path([(0, 0), left, tip]), theme.magic))
        shards.append(svg.shape(svg.path([(0, 0), right, tip]), theme.light, 'opacity="0.9"'))
    return "".join(shards)
