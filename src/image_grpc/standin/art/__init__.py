"""Procedural pictures: what a prompt asks for, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from image_grpc.standin.art.abstract import draw_abstract
from image_grpc.standin.art.brief import KINDS, Brief
from image_grpc.standin.art.campaign import draw_campaign
from image_grpc.standin.art.chance import Chance
from image_grpc.standin.art.encoding import encode
from image_grpc.standin.art.frame import Frame
from image_grpc.standin.art.item import draw_item
from image_grpc.standin.art.layouts import Layouts
from image_grpc.standin.art.pixels import Colour
from image_grpc.standin.art.portrait import draw_portrait
from image_grpc.standin.art.tactical import draw_tactical
from image_grpc.standin.art.themes import Theme, theme_of

__all__ = ["KINDS", "Brief", "Layouts", "draw"]

_SCENES: Mapping[str, Callable[[Brief, Theme, Chance, Frame], Colour]] = {
    "tactical": draw_tactical,
    "campaign": draw_campaign,
    "portrait": draw_portrait,
    "item": draw_item,
    "abstract": draw_abstract,
}


def draw(brief: Brief, seed: int, width: int, height: int, image_format: str) -> bytes:
    """A picture of `width` x `height` pixels as a png, jpeg or webp file.

    The same arguments give the same pixels. Takes some hundred milliseconds: not for an event loop.
    """
    frame = Frame(width, height)
    scene = _SCENES.get(brief.kind, draw_abstract)
    layer = scene(brief, theme_of(brief), Chance(seed), frame)
    return encode(layer, image_format, seed)
