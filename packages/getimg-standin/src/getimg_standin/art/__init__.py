"""Procedural pictures: the subject of a prompt, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from getimg_standin.art.abstract import draw_abstract
from getimg_standin.art.brief import KINDS, Brief
from getimg_standin.art.campaign import draw_campaign
from getimg_standin.art.chance import Chance
from getimg_standin.art.encoding import encode
from getimg_standin.art.frame import Frame
from getimg_standin.art.item import draw_item
from getimg_standin.art.layouts import Layouts
from getimg_standin.art.pixels import Color
from getimg_standin.art.planned import Following, draw_over_sketch, draw_planned, is_layout
from getimg_standin.art.portrait import draw_portrait
from getimg_standin.art.tactical import draw_tactical
from getimg_standin.art.themes import Theme, choose_theme

__all__ = ["KINDS", "Brief", "Following", "Layouts", "draw", "draw_over", "is_layout"]

_SCENES: Mapping[str, Callable[[Brief, Theme, Chance, Frame], Color]] = {
    "tactical": draw_tactical,
    "campaign": draw_campaign,
    "portrait": draw_portrait,
    "item": draw_item,
    "abstract": draw_abstract,
}


def draw_over(
    layout: bytes, following: Following, brief: Brief, seed: int, width: int, height: int, image_format: str
) -> bytes:
    """Return a picture like those of `draw` that follows a layout."""
    theme, chance, frame = choose_theme(brief), Chance(seed), Frame(width, height)
    if brief.kind == "campaign":
        layer = draw_over_sketch(layout, following, brief, theme, chance, frame)
    else:
        layer = draw_planned(layout, following, theme, chance, frame)
    return encode(layer, image_format, seed)


def draw(brief: Brief, seed: int, width: int, height: int, image_format: str) -> bytes:
    """Return a picture of `width` x `height` pixels as a png, jpeg or webp file.

    Deterministic. Takes hundreds of milliseconds, so it must not run on an event loop.
    """
    frame = Frame(width, height)
    scene = _SCENES.get(brief.kind, draw_abstract)
    layer = scene(brief, choose_theme(brief), Chance(seed), frame)
    return encode(layer, image_format, seed)
