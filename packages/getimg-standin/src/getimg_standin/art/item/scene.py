"""Composes an item illustration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.item import armor, materials, plate, treasures, weapons
from getimg_standin.art.noise import Field
from getimg_standin.art.pixels import Color, blurred, cast_shadow, relief, rgb, shifted, vignette
from getimg_standin.art.themes import Theme

_ITEMS: Mapping[str, Callable[[Theme, np.random.Generator], str]] = {
    "sword": weapons.sword,
    "dagger": weapons.dagger,
    "axe": weapons.axe,
    "hammer": weapons.hammer,
    "bow": weapons.bow,
    "staff": weapons.staff,
    "gun": weapons.gun,
    "shield": armor.shield,
    "helmet": armor.helmet,
    "breastplate": armor.breastplate,
    "potion": treasures.potion,
    "ring": treasures.ring,
    "book": treasures.book,
    "scroll": treasures.scroll,
    "amulet": treasures.amulet,
    "gem": treasures.crystal,
    "chest": treasures.chest,
}

_TILTS = {"sword": 38.0, "dagger": 34.0, "axe": 24.0, "hammer": 24.0, "staff": 28.0}

_THEME_WEAPONS = {"western": "gun", "cyberpunk": "gun", "horror": "dagger", "space_fantasy": "staff"}


def draw_item(brief: Brief, theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw the first item that the prompt names, else a random one."""
    rng = chance.of("item")
    item_name = brief.first(*_ITEMS) or _default_item(brief, theme, rng)
    layer = plate.ground(theme, chance, frame)
    definitions = [*materials.definitions(theme), *plate.definitions(theme)]
    size = min(frame.across, frame.down) / 1024
    x, y = frame.across / 2, frame.down / 2
    backing = [svg.at(x, y, plate.ornament(theme, chance), size=size), plate.corners(theme, frame)]
    back = svg.render(frame, backing, definitions)
    back.over(layer)
    drawing = svg.at(x, y, _ITEMS[item_name](theme, rng), turn=_TILTS.get(item_name, 0.0), size=size)
    item = svg.render(frame, [drawing], definitions)
    cast_shadow(layer, item.alpha, frame, offset=22, blur=18, strength=0.6)
    _add_volume(item.color, item.alpha, frame)
    item.over(layer)
    _add_rim_light(layer, item.alpha, theme, frame)
    _add_dust(layer, theme, chance, frame)
    layer *= vignette(frame, 0.6)
    return layer


def _default_item(brief: Brief, theme: Theme, rng: np.random.Generator) -> str:
    if "weapon" in brief.words:
        return _THEME_WEAPONS.get(theme.name, "sword")
    return str(rng.choice(("potion", "amulet", "book", "gem", "ring", "chest", "scroll")))


def _add_volume(color: Color, alpha: Field, frame: Frame) -> None:
    """Shade the flat drawing with rounded edges and a brighter center."""
    tone = color.mean(axis=0) * alpha
    bulge = blurred(alpha, 9 * frame.scale) * np.float32(0.4) + blurred(tone, 3 * frame.scale) * np.float32(0.4)
    color *= relief(bulge, 7 * frame.scale)


def _add_rim_light(layer: Color, alpha: Field, theme: Theme, frame: Frame) -> None:
    """Add a rim of light from the halo behind the item."""
    step = round(5 * frame.scale)
    rim = blurred(np.clip(alpha - shifted(alpha, step, step), 0, 1), 2.5 * frame.scale)
    layer += rgb(theme.light)[:, None, None] * (rim * np.float32(0.4))
    layer += rgb(theme.magic)[:, None, None] * (blurred(alpha, 46 * frame.scale) * np.float32(0.12))


def _add_dust(layer: Color, theme: Theme, chance: Chance, frame: Frame) -> None:
    rng = chance.of("dust")
    spots = rng.normal((0.5, 0.5, 0.5), (0.2, 0.2, 0.25), (60, 3))
    body = [
        svg.circle(
            frame.across * u,
            frame.down * v,
            2 + 8 * abs(w) ** 3,
            "url(#mote)",
            f'opacity="{min(0.9, 0.2 + abs(w) * 0.6):.2f}"',
        )
        for u, v, w in spots
    ]
    svg.render(frame, body, [svg.glow("mote", theme.light, 1.0)]).over(layer)
