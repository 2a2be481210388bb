"""Abstract pictures in the theme's colors, for prompts that name no kind of picture."""

from __future__ import annotations

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal, normalized
from getimg_standin.art.pixels import Color, mix, ramp, relief, rgb, vignette
from getimg_standin.art.themes import Theme


def draw_abstract(_brief: Brief, theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw folded noise, lit like cloth, with a few luminous rings."""
    rng = chance.of("veils")
    base = fractal(frame, rng, 420, 6)
    fold = fractal(frame, rng, 300, 6)
    phase = rng.uniform(0, 6)
    veins: Field = 1 - np.abs(np.sin(base * np.float32(11) + fold * np.float32(8) + np.float32(phase)))
    tone = normalized(base * np.float32(0.6) + veins**3 * np.float32(0.4))
    layer = ramp([theme.night, theme.deep, theme.main, theme.accent, theme.light], tone)
    layer *= relief(tone, 20 * frame.scale)
    mix(layer, rgb(theme.glow), veins**12 * np.float32(0.55))
    defs, rings = _rings(theme, chance, frame)
    svg.render(frame, rings, defs).over(layer)
    layer *= vignette(frame, 0.6)
    return layer


def _rings(theme: Theme, chance: Chance, frame: Frame) -> tuple[list[str], list[str]]:
    rng = chance.of("rings")
    x, y = frame.across * rng.uniform(0.3, 0.7), frame.down * rng.uniform(0.3, 0.7)
    body = [svg.circle(x, y, 330, "url(#halo)")]
    for _ in range(7):
        radius = rng.uniform(60, 420)
        dash = f'stroke-dasharray="{rng.uniform(20, 400):.0f} {rng.uniform(10, 90):.0f}"'
        width = rng.uniform(1, 5)
        extra = f'stroke="{theme.light}" stroke-opacity="0.55" stroke-width="{width:.1f}" {dash}'
        body.append(svg.circle(x, y, radius, "none", extra))
    return [svg.glow("halo", theme.light, 0.7)], body
