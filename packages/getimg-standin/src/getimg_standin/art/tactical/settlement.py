"""Streets between roofs, and ships."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import fractal
from getimg_standin.art.pixels import Color, cast_shadow, light_map, mix, ramp, relief, rgb, smoothstep, vignette
from getimg_standin.art.tactical import furniture, outdoors
from getimg_standin.art.tactical.furnishing import Furnishing
from getimg_standin.art.tactical.plan import SQUARE, Room, grid_size
from getimg_standin.art.tactical.surfaces import floor
from getimg_standin.art.themes import Theme

_NIGHT_CITIES = ("cyberpunk", "horror", "space_fantasy")


def draw_street(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw a crossing with a market, surrounded by roofs."""
    layer = floor(frame, theme, chance.of("floor"), "earth" if theme.name == "western" else "flagstone")
    place = Furnishing(theme)
    roofs = _roofs(place, chance.of("houses"), frame)
    defs = furniture.gradients(theme)
    low = svg.render(frame, place.standing, defs)
    cast_shadow(layer, low.alpha, frame, offset=6, blur=4, strength=0.5)
    low.over(layer)
    high = svg.render(frame, roofs, defs)
    cast_shadow(layer, high.alpha, frame, offset=20, blur=9, strength=0.6)
    high.over(layer)
    ambient = theme.ambient if theme.name in _NIGHT_CITIES else theme.daylight
    layer *= light_map(frame, ambient, place.lights, warmth=0.55 if theme.name in _NIGHT_CITIES else 0.12)
    layer *= vignette(frame, 0.35)
    return layer


def draw_ship(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw a ship's deck on water or in space."""
    layer = _open_sea(theme, chance, frame)
    length, beam = frame.across * 0.9, min(frame.down * 0.5, frame.across * 0.36)
    x, y = frame.across / 2, frame.down / 2
    outline = outdoors.hull(length, beam)
    defs = furniture.gradients(theme)
    whole = svg.render(frame, [svg.at(x, y, svg.shape(outline, "#fff"))])
    cast_shadow(layer, whole.alpha, frame, offset=18, blur=16, strength=0.6)
    deck = floor(frame, theme, chance.of("deck"), "planks" if theme.floor_kind == "flagstone" else theme.floor_kind)
    mix(layer, deck, whole.alpha)
    rail = [
        svg.at(x, y, svg.stroke(outline, theme.wood[0], 19)),
        svg.at(x, y, svg.stroke(outline, theme.wood[1], 12)),
        svg.at(x, y, svg.stroke(outline, "#000", 1.2, 'opacity="0.4"')),
    ]
    place = Furnishing(theme)
    _rig(place, x, y, length, beam, chance.of("rig"))
    standing = svg.render(frame, [*rail, *place.standing], defs)
    cast_shadow(layer, standing.alpha, frame, offset=7, blur=5, strength=0.5)
    standing.over(layer)
    layer *= light_map(frame, theme.daylight, place.lights, warmth=0.3)
    layer *= vignette(frame, 0.4)
    return layer


def _roofs(place: Furnishing, rng: np.random.Generator, frame: Frame) -> list[str]:
    """Add the market and return the roofs around it."""
    columns, rows = grid_size(frame)
    middle_x, middle_y = columns // 2 + int(rng.integers(-2, 2)), rows // 2 + int(rng.integers(-2, 2))
    market_x, market_y = middle_x * SQUARE, middle_y * SQUARE
    theme = place.theme
    colors = (theme.carpet, theme.wood[1], theme.wood[0], theme.cloth[1])
    roofs = []
    for left, right in ((0, middle_x - 1), (middle_x + 1, columns)):
        for top, bottom in ((0, middle_y - 1), (middle_y + 1, rows)):
            for room in _blocks(Room(left, top, right - left, bottom - top), rng):
                x, y = room.middle
                gap, yard = rng.uniform(14, 30, 2)
                color = colors[int(rng.integers(4))]
                if abs(x - market_x) + abs(y - market_y) > 3.2 * SQUARE:
                    width, depth = room.width * SQUARE - float(gap), room.height * SQUARE - float(yard)
                    roofs.append(svg.at(x, y, outdoors.roof(color, width, depth, rng)))
    _market(place, rng, market_x, market_y)
    return roofs


def _market(place: Furnishing, rng: np.random.Generator, x: float, y: float) -> None:
    theme = place.theme
    place.stand(x, y, outdoors.fountain(theme))
    place.shine(x, y, 260, theme.magic)
    for index, turn in enumerate((0.5, 2.07, 3.64, 5.21)):
        color = theme.cloth[(index * 2) % len(theme.cloth)]
        place.stand(x + 132 * cos(turn), y + 118 * sin(turn), outdoors.stall(theme, color))
    kerb = 0.8 * SQUARE
    for step in (-6, -3, 3, 6):
        along = step * SQUARE
        for lamp_x, lamp_y in ((x + along, y - kerb), (x - kerb, y + along)):
            place.stand(lamp_x, lamp_y, outdoors.lamp(theme))
            place.shine(lamp_x, lamp_y, 170, theme.glow)
        for goods_x, goods_y in ((x + along * 0.9, y + kerb * 0.9), (x + kerb * 0.9, y + along * 0.9)):
            goods = furniture.crate if rng.random() < 0.5 else furniture.barrel
            place.stand(goods_x, goods_y, goods(theme))


def _blocks(room: Room, rng: np.random.Generator) -> list[Room]:
    if room.width < 2 or room.height < 2:
        return []
    if max(room.width, room.height) < 5:
        return [room]
    if room.width >= room.height:
        cut = int(rng.integers(2, room.width - 1))
        first = Room(room.left, room.top, cut, room.height)
        second = Room(room.left + cut, room.top, room.width - cut, room.height)
    else:
        cut = int(rng.integers(2, room.height - 1))
        first = Room(room.left, room.top, room.width, cut)
        second = Room(room.left, room.top + cut, room.width, room.height - cut)
    return [*_blocks(first, rng), *_blocks(second, rng)]


def _open_sea(theme: Theme, chance: Chance, frame: Frame) -> Color:
    swell = fractal(frame, chance.of("swell"), 150, 4)
    if theme.name != "space_fantasy":
        layer = ramp(theme.water, swell * np.float32(0.8))
        waves = np.sin(fractal(frame, chance.of("waves"), 70, 3) * np.float32(26))
        layer *= relief(waves, 0.35 * frame.scale)
        return mix(layer, rgb("#ffffff"), smoothstep(0.94, 1.0, waves) * np.float32(0.2))
    layer = ramp((theme.night, theme.deep, theme.main, theme.magic), smoothstep(0.3, 1.3, swell))
    rng = chance.of("stars")
    stars = [
        svg.circle(frame.across * u, frame.down * v, 0.5 + 1.6 * w**4, theme.light) for u, v, w in rng.random((420, 3))
    ]
    return svg.render(frame, stars).over(layer)


def _rig(place: Furnishing, x: float, y: float, length: float, beam: float, rng: np.random.Generator) -> None:
    theme = place.theme
    for part in (-0.24, 0.06, 0.3):
        place.stand(x + part * length, y, outdoors.lamp(theme) if part > 0.2 else furniture.pillar(theme))
        place.shine(x + part * length, y, 150, theme.glow)
    place.stand(x - 0.09 * length, y, furniture.crate(theme))
    place.stand(x - 0.09 * length + 34, y + 4, furniture.crate(theme), 8)
    place.stand(x + 0.18 * length, y, furniture.stairs(theme, 62, 70), -90)
    place.stand(x - 0.4 * length, y, furniture.table(theme, 46, 90))
    place.stand(x - 0.35 * length, y, furniture.gear(theme, 24, 8))
    place.stand(x - 0.445 * length, y, furniture.console(theme, beam * 0.5), -90)
    for part in np.arange(-0.26, 0.16, 0.1):
        for side in (-1, 1):
            place.stand(
                x + part * length,
                y + side * beam * 0.4,
                furniture.barrel(theme) if rng.random() < 0.4 else _gun(theme),
                90 - 90 * side,
            )


def _gun(theme: Theme) -> str:
    barrel = svg.box(-6, -4, 12, 40, "url(#metal)", 'rx="5" stroke="#000" stroke-opacity="0.5"')
    return svg.box(-13, -14, 26, 26, "url(#wood)", 'rx="2"') + barrel + svg.box(-8, 10, 16, 4, theme.metal[0])
