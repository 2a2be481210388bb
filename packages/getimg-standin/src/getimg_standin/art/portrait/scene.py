"""Composes a portrait."""

from __future__ import annotations

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal
from getimg_standin.art.pixels import Color, blurred, light_map, relief, rgb, shifted, vignette
from getimg_standin.art.portrait import dress, hair, head, headgear
from getimg_standin.art.portrait.backdrop import backdrop
from getimg_standin.art.portrait.traits import Traits, choose_traits
from getimg_standin.art.themes import Theme

# Enlarged and lowered: a small head on a long neck looks like a puppet.
_HEAD_PLACE = 'transform="translate(0 88) scale(1.1)"'


def draw_portrait(brief: Brief, theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw head and shoulders of one person, lit from the left and from behind."""
    traits = choose_traits(brief, theme, chance)
    layer = backdrop(theme, chance, frame)
    layer *= light_map(frame, "#a6a6ae", [(frame.across / 2, frame.down * 0.42, 460, theme.light)], warmth=0.55)
    size = min(frame.across / 960, frame.down / 1040)
    parts = [
        svg.group([headgear.behind(traits, theme), hair.behind(traits)], _HEAD_PLACE),
        dress.dress(traits, theme),
        head.neck(traits),
        svg.group(_head(traits, theme), _HEAD_PLACE),
    ]
    defs = [*head.definitions(traits, theme), *hair.definitions(traits), *dress.definitions(traits, theme)]
    place = f'transform="translate({frame.across / 2:.1f} {frame.down + 4:.1f}) scale({size:.4f})"'
    figure = svg.render(frame, [svg.group(parts, place)], defs)
    _add_volume(figure.color, figure.alpha, theme, chance, frame)
    layer *= 1 - np.float32(0.45) * blurred(figure.alpha, 26 * frame.scale)
    figure.over(layer)
    _add_sparks(layer, theme, chance, frame)
    layer *= vignette(frame, 0.5)
    return layer


def _head(traits: Traits, theme: Theme) -> list[str]:
    return [head.head(traits, theme), hair.front(traits), hair.beard(traits), headgear.front(traits, theme)]


def _add_volume(color: Color, alpha: Field, theme: Theme, chance: Chance, frame: Frame) -> None:
    """Shade the flat figure with rounded edges, brush strokes and rim light on both sides."""
    tone = color.mean(axis=0)
    bulge = blurred(alpha, 20 * frame.scale) * np.float32(0.5) + blurred(tone * alpha, 5 * frame.scale) * np.float32(
        0.35
    )
    color *= relief(bulge, 11 * frame.scale)
    strokes = fractal(frame, chance.of("brush"), 44, 4, gain=0.6)
    color *= np.float32(0.93) + np.float32(0.14) * strokes
    step = round(9 * frame.scale)
    for right, code, strength in ((step, theme.glow, 0.5), (-step, theme.magic, 0.32)):
        rim = blurred(np.clip(alpha - shifted(alpha, right, step // 2), 0, 1), 3.5 * frame.scale)
        color += rgb(code)[:, None, None] * (rim * np.float32(strength))


def _add_sparks(layer: Color, theme: Theme, chance: Chance, frame: Frame) -> None:
    """Add sparks in the foreground."""
    rng = chance.of("motes")
    body = [
        svg.circle(frame.across * u, frame.down * v, 3 + 9 * w**3, "url(#mote)", f'opacity="{0.25 + 0.6 * w:.2f}"')
        for u, v, w in rng.random((46, 3))
    ]
    svg.render(frame, body, [svg.glow("mote", theme.glow, 1.0)]).over(layer)
