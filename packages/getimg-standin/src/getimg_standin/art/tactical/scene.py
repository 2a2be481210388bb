"""Selects the kind of place for a prompt."""

from __future__ import annotations

from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.pixels import Color
from getimg_standin.art.tactical.interior import draw_cave, draw_house, draw_rooms
from getimg_standin.art.tactical.settlement import draw_ship, draw_street
from getimg_standin.art.tactical.wilderness import draw_wilderness
from getimg_standin.art.themes import Theme

_INTERIORS = ("dungeon", "cave", "tavern", "crypt", "ship", "station", "street")
_WILDS = ("forest", "river", "swamp", "desert", "snow", "camp", "road", "meadow", "lake", "island", "sea", "mountain")


def draw_tactical(brief: Brief, theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw the first place that the prompt names, by default a dungeon."""
    place = brief.first(*_INTERIORS, *_WILDS) or "dungeon"
    match place:
        case "cave":
            return draw_cave(theme, chance, frame)
        case "tavern":
            return draw_house(theme, chance, frame)
        case "street":
            return draw_street(theme, chance, frame)
        case "ship":
            return draw_ship(theme, chance, frame)
        case "dungeon" | "crypt" | "station":
            return draw_rooms(theme, chance, frame, place)
    return draw_wilderness(brief, theme, chance, frame, place)
