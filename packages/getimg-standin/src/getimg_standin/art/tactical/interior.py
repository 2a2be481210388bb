"""Buildings and caves, lit from inside."""

from __future__ import annotations

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal
from getimg_standin.art.pixels import (
    Color,
    blurred,
    cast_shadow,
    enlarged,
    light_map,
    mix,
    ramp,
    relief,
    shifted,
    smoothstep,
    vignette,
)
from getimg_standin.art.tactical import furniture
from getimg_standin.art.tactical.furnishing import Furnishing, furnish
from getimg_standin.art.tactical.plan import SQUARE, Plan, one_building, rooms_and_corridors
from getimg_standin.art.tactical.surfaces import earth, floor
from getimg_standin.art.themes import Theme

_WALL_WIDTH = 17.0


def draw_rooms(theme: Theme, chance: Chance, frame: Frame, setting: str) -> Color:
    """Draw rooms and corridors in rock or in a station."""
    plan = rooms_and_corridors(frame, chance.of("plan"))
    inside = _open_squares(plan, frame)
    kind = {"crypt": "flagstone", "station": "plates"}.get(setting, theme.floor_kind)
    layer = _rock(frame, theme, chance, inside)
    mix(layer, floor(frame, theme, chance.of("floor"), kind), inside)
    return _finish(layer, theme, chance, frame, plan, inside, setting)


def draw_cave(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw rooms and corridors with the ragged outline of a cave."""
    plan = rooms_and_corridors(frame, chance.of("plan"))
    small = frame.reduced(2)
    soft = blurred(_open_squares(plan, small), SQUARE * 0.42 * small.scale)
    ragged = soft + (fractal(small, chance.of("outline"), 80, 4, gain=0.6) - np.float32(0.5)) * np.float32(0.55)
    outline = enlarged(ragged, frame.shape)
    inside = smoothstep(0.36, 0.40, outline)
    layer = _rock(frame, theme, chance, inside)
    face = smoothstep(0.22, 0.30, outline) * (1 - inside)
    mix(layer, ramp((theme.wall[0], theme.wall[1], theme.wall[2]), _height_on_wall(outline)), face * np.float32(0.85))
    mix(layer, earth(frame, theme.floor, chance.of("floor")), inside)
    bare = Plan(plan.squares, plan.rooms)
    return _finish(layer, theme, chance, frame, bare, inside, "cave")


def _height_on_wall(field: Field) -> Field:
    """Return the tone of a cave's wall from bottom to top."""
    result: Field = np.clip((field - np.float32(0.2)) * np.float32(6), 0, 1)
    return result


def draw_house(theme: Theme, chance: Chance, frame: Frame) -> Color:
    """Draw a house without its roof on open ground."""
    plan = one_building(frame, chance.of("plan"))
    inside = _open_squares(plan, frame)
    layer = earth(frame, theme.ground, chance.of("ground"))
    layer *= 1 - np.float32(0.5) * blurred(inside, 26 * frame.scale)
    mix(layer, floor(frame, theme, chance.of("floor"), "plates" if theme.floor_kind == "plates" else "planks"), inside)
    return _finish(layer, theme, chance, frame, plan, inside, "tavern")


def _open_squares(plan: Plan, frame: Frame) -> Field:
    rows, columns = plan.squares.shape
    x = np.minimum((np.arange(frame.width) / (SQUARE * frame.scale)).astype(int), columns - 1)
    y = np.minimum((np.arange(frame.height) / (SQUARE * frame.scale)).astype(int), rows - 1)
    mask: Field = (plan.squares > 0).astype(np.float32)[y][:, x]
    return mask


def _rock(frame: Frame, theme: Theme, chance: Chance, inside: Field) -> Color:
    # At half the resolution: rock is dark and rough, so the difference is invisible.
    small = frame.reduced(2)
    rough = fractal(small, chance.of("rock"), 90, 4, gain=0.6)
    layer = ramp(theme.rock, rough)
    layer *= relief(rough, 9 * small.scale)
    near = enlarged(blurred(inside, 70 * frame.scale), small.shape)
    layer *= np.float32(1.0) + np.float32(1.2) * np.minimum(near, 0.6)
    return np.stack([enlarged(plane, frame.shape) for plane in layer])


def _finish(layer: Color, theme: Theme, chance: Chance, frame: Frame, plan: Plan, inside: Field, setting: str) -> Color:
    place = furnish(plan, theme, chance.of("furniture"), setting)
    _scatter(place, plan, chance)
    _fill_pools(layer, place, theme, chance, frame)
    definitions = furniture.gradients(theme)
    svg.render(frame, place.flat, definitions).over(layer)
    step = round(9 * frame.scale)
    under_walls = blurred(shifted(1 - inside, step, step), 9 * frame.scale)
    layer *= 1 - np.float32(0.62) * under_walls * inside
    walls = _walls(plan, theme) if plan.doors or plan.inner_walls else []
    standing = svg.render(frame, [*walls, *place.standing], definitions)
    cast_shadow(layer, standing.alpha, frame, offset=5, blur=5, strength=0.55)
    standing.over(layer)
    layer *= light_map(frame, theme.ambient, place.lights, warmth=0.62)
    _bloom(layer, place, frame)
    layer *= vignette(frame, 0.45)
    return layer


def _walls(plan: Plan, theme: Theme) -> list[str]:
    data = "".join(f"M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}" for ax, ay, bx, by in plan.walls)
    joints, face, edge = theme.wall
    square = 'stroke-linecap="square" fill="none"'
    block = SQUARE / 3
    return [
        f'<path d="{data}" stroke="{joints}" stroke-width="{_WALL_WIDTH + 5}" {square}/>',
        f'<path d="{data}" stroke="{face}" stroke-width="{_WALL_WIDTH}" {square}/>',
        f'<path d="{data}" stroke="{edge}" stroke-width="{_WALL_WIDTH - 8}" {square} stroke-opacity="0.5"/>',
        f'<path d="{data}" stroke="{joints}" stroke-width="{_WALL_WIDTH}" fill="none" stroke-opacity="0.75" '
        f'stroke-dasharray="2 {block - 2:.2f}"/>',
        f'<path d="{data}" stroke="{edge}" stroke-width="2.2" fill="none" stroke-opacity="0.8" '
        f'transform="translate(-4.5 -4.5)"/>',
    ]


def _scatter(place: Furnishing, plan: Plan, chance: Chance) -> None:
    """Add rubble and lights to the corridors."""
    rng = chance.of("rubble")
    rows, columns = np.nonzero(plan.squares == 2)
    for row, column in zip(rows, columns, strict=True):
        if rng.random() < 0.16:
            x, y = (column + rng.uniform(0.25, 0.75)) * SQUARE, (row + rng.uniform(0.25, 0.75)) * SQUARE
            place.stand(float(x), float(y), furniture.rubble(place.theme.floor, rng))
        elif rng.random() < 0.12:
            x, y = (column + 0.5) * SQUARE, (row + 0.5) * SQUARE
            place.shine(x, y, 150, place.theme.glow)


def _fill_pools(layer: Color, place: Furnishing, theme: Theme, chance: Chance, frame: Frame) -> None:
    if not place.pools:
        return
    rims = [svg.ellipse(x, y, a + 9, b + 9, theme.wall[1]) for x, y, a, b in place.pools]
    rims += [
        svg.ellipse(x, y, a + 9, b + 9, "none", f'stroke="{theme.wall[0]}" stroke-width="2"')
        for x, y, a, b in place.pools
    ]
    svg.render(frame, rims).over(layer)
    basin = svg.render(frame, [svg.ellipse(x, y, a, b, "#fff") for x, y, a, b in place.pools]).alpha
    ripples = fractal(frame, chance.of("ripples"), 46, 3)
    water = ramp(theme.water, np.abs(np.sin(ripples * np.float32(11))) * np.float32(0.75))
    water *= np.float32(1.2) - np.float32(0.45) * shifted(1 - basin, round(7 * frame.scale), round(7 * frame.scale))
    mix(layer, water, basin * np.float32(0.92))


def _bloom(layer: Color, place: Furnishing, frame: Frame) -> None:
    """Add halos around bright lights, as the light map only multiplies."""
    small = [(x, y, radius * 0.32, code) for x, y, radius, code in place.lights if radius > 200]
    if small:
        layer += light_map(frame, "#000000", small, warmth=0.22)
