"""Gradients of the materials of items."""

from __future__ import annotations

from getimg_standin.art import svg
from getimg_standin.art.portrait.tones import darker, lighter
from getimg_standin.art.themes import Theme

EDGE = 'stroke="#000" stroke-opacity="0.55" stroke-width="2.5" stroke-linejoin="round"'


def definitions(theme: Theme) -> list[str]:
    """Return gradients of all materials and glows, lit from the upper left."""
    low, high = theme.metal
    gold_low, gold, gold_high = theme.trim
    side = 'x1="0" y1="0" x2="1" y2="0"'
    slant = 'x1="0" y1="0" x2="1" y2="1"'
    ball = 'cx="0.36" cy="0.3" r="0.8"'
    return [
        svg.linear("blade", [lighter(high, 0.1), lighter(high, 0.75), low, darker(low, 0.35), lighter(low, 0.3)], side),
        svg.linear("iron", [lighter(high, 0.55), high, low, darker(low, 0.5)], slant),
        svg.linear("gold", [gold_high, gold, gold_low, gold, gold_low], slant),
        svg.linear(
            "wood", [lighter(theme.wood[1], 0.2), theme.wood[1], theme.wood[0], darker(theme.wood[0], 0.35)], side
        ),
        svg.linear("leather", [lighter(theme.leather, 0.3), theme.leather, darker(theme.leather, 0.5)], slant),
        svg.linear("cloth", [lighter(theme.carpet, 0.25), theme.carpet, darker(theme.carpet, 0.5)], slant),
        svg.linear("page", ["#fbf3dc", "#e6d3a6", "#c9b07c"], slant),
        svg.radial("goldball", [gold_high, gold, gold_low, darker(gold_low, 0.4)], ball),
        svg.radial("ironball", [lighter(high, 0.6), high, low, darker(low, 0.5)], ball),
        svg.radial(
            "gem", [lighter(theme.magic, 0.75), theme.magic, darker(theme.magic, 0.35), darker(theme.magic, 0.65)], ball
        ),
        svg.radial(
            "glass",
            ["#ffffff", lighter(theme.magic, 0.6), theme.magic, darker(theme.magic, 0.3)],
            'cx="0.35" cy="0.35" r="0.75"',
        ),
        svg.glow("aura", theme.magic, 0.85),
        svg.glow("ember", theme.glow, 0.8),
        svg.glow("shine", "#ffffff", 0.95),
    ]


def sparkle(x: float, y: float, size: float) -> str:
    """A glint of light."""
    star = "M0 -1Q0.1 -0.1 1 0Q0.1 0.1 0 1Q-0.1 0.1 -1 0Q-0.1 -0.1 0 -1Z"
    return svg.at(x, y, svg.circle(0, 0, 0.9, "url(#shine)", 'opacity="0.5"') + svg.shape(star, "#ffffff"), size=size)


def gem(x: float, y: float, radius: float) -> str:
    """A round gem in a golden setting."""
    return (
        svg.circle(x, y, radius * 2.6, "url(#aura)", 'opacity="0.6"')
        + svg.circle(x, y, radius * 1.28, "url(#gold)", EDGE)
        + svg.circle(x, y, radius, "url(#gem)")
        + svg.ellipse(x - radius * 0.3, y - radius * 0.38, radius * 0.34, radius * 0.22, "#ffffff", 'opacity="0.8"')
    )
