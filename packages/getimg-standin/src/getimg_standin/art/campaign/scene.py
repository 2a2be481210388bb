"""Composes a campaign map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.brief import Brief
from getimg_standin.art.campaign import symbols
from getimg_standin.art.campaign.terrain import Point, Terrain, generate_terrain, rivers, roads, with_land
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal, speckle
from getimg_standin.art.pixels import Color, blurred, enlarged, mix, ramp, relief, rgb, smoothstep, vignette
from getimg_standin.art.themes import Theme

_TREE_STEP = 14.0
_LUMINOUS = ("cyberpunk", "space_fantasy")


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a map must show. Fields have the frame's shape and are from 0 to 1."""

    land: Field
    roads: Field
    towns: list[Point]
    """In units."""


def draw_campaign(brief: Brief, theme: Theme, chance: Chance, frame: Frame, sketch: Sketch | None = None) -> Color:
    """Draw land, sea, rivers, woods, mountains, towns and roads; with a sketch, only its towns and roads."""
    terrain = generate_terrain(brief, chance, frame)
    if sketch is not None:
        terrain = with_land(terrain, sketch.land)
    layer, shore = _land_and_sea(terrain, theme, chance, frame)
    if sketch is not None:
        mix(layer, rgb(theme.seal), sketch.roads)
    elements = _elements(brief, terrain, theme, chance, frame, sketch)
    drawing_layer = svg.render(frame, elements, symbols.definitions(theme, chance.of("trees")))
    mix(layer, rgb(theme.ink), shore)
    drawing_layer.over(layer)
    if theme.name in _LUMINOUS:
        _add_glow(layer, drawing_layer, shore, theme, frame)
    else:
        _age(layer, chance, frame)
    return layer


def _land_and_sea(terrain: Terrain, theme: Theme, chance: Chance, frame: Frame) -> tuple[Color, Field]:
    """Return the painted ground and the mask of the shore line."""
    height = terrain.height
    land = smoothstep(-0.003, 0.003, height)
    shore_distance = _distance_to_shore(land, frame)
    sea = ramp(
        (theme.sea[1], theme.sea[0]),
        shore_distance * np.float32(1 / 110) + speckle(frame, chance.of("grain")) * np.float32(0.05),
    )
    waves = [
        smoothstep(1.7, 0.4, np.abs(shore_distance - np.float32(distance))) * np.float32(0.42 - 0.09 * number)
        for number, distance in enumerate((9, 20, 33, 48))
    ]
    mix(sea, rgb(theme.ink), np.maximum.reduce(waves))
    layer = ramp(theme.paper, np.clip(height, 0, 1) ** np.float32(0.9))
    layer *= relief(height, 17 * frame.scale)
    meadow = smoothstep(0.45, 0.75, enlarged(terrain.woods, frame.shape)) * smoothstep(0.5, 0.25, height)
    mix(layer, rgb(theme.foliage[1]), meadow * np.float32(0.26))
    if theme.name == "space_fantasy":
        _draw_stars(sea, theme, chance, frame)
    mix(layer, sea, 1 - land)
    edge = blurred(land, 1.5 * frame.scale)
    shore: Field = (4 * edge * (1 - edge)) ** 2
    return layer, shore * np.float32(0.9)


def _distance_to_shore(land: Field, frame: Frame) -> Field:
    """Return the distance from the shore in units, accurate up to about 70, from the blurred shore."""
    sigma = 25.0
    small = land[::2, ::2]
    share = np.clip(blurred(small, sigma * frame.scale / 2), 1e-4, 1 - 1e-4)
    distance = np.float32(-0.5876 * sigma) * np.log(share / (1 - share))
    return enlarged(distance.astype(np.float32), land.shape)


def _draw_stars(layer: Color, theme: Theme, chance: Chance, frame: Frame) -> None:
    rng = chance.of("stars")
    veil = smoothstep(0.45, 0.9, fractal(frame.reduced(4), rng, 260, 4))
    mix(layer, rgb(theme.main), enlarged(veil, frame.shape) * np.float32(0.5))
    stars = [
        svg.circle(frame.across * u, frame.down * v, 0.5 + 1.7 * w**5, theme.light, f'opacity="{0.4 + 0.6 * w:.2f}"')
        for u, v, w in rng.random((420, 3))
    ]
    svg.render(frame, stars).over(layer)


def _elements(
    brief: Brief, terrain: Terrain, theme: Theme, chance: Chance, frame: Frame, sketch: Sketch | None
) -> list[str]:
    towns = _towns(terrain, chance.of("towns"), frame) if sketch is None else sketch.towns
    river_courses = rivers(terrain, chance.of("rivers"), 7)
    road_courses = roads(terrain, towns[0], towns[1:]) if towns and sketch is None else []
    body = [*_rhumb_lines(terrain, theme, frame), *_rivers(river_courses, theme), *_roads(road_courses, theme)]
    signs = _symbols(brief, terrain, theme, chance, towns, river_courses)
    for index, (x, y) in enumerate(towns):
        sign = symbols.castle(theme) if index == 0 else symbols.town(theme, chance.of(f"town {index}"))
        signs.append((y + 6, svg.at(x, y, sign)))
    body += [element for _, element in sorted(signs)]
    compass = _compass_place(terrain, frame)
    if compass is not None:
        body.append(svg.at(*compass, symbols.compass(theme, 62)))
    body += [svg.at(x, y, symbols.ship(theme)) for x, y in _ship_places(compass, terrain, chance.of("ships"), frame)]
    body.append(symbols.border(theme, frame.across, frame.down))
    return body


def _rivers(courses: list[list[Point]], theme: Theme) -> list[str]:
    water = theme.water[1] if theme.name in _LUMINOUS else theme.sea[0]
    elements = []
    for course in courses:
        quarters = [course[len(course) * part // 4 :] for part in range(4)]
        for width, piece in zip((1.6, 2.6, 3.6, 4.4), quarters, strict=True):
            if len(piece) > 2:
                elements.append(svg.stroke(svg.curve(piece, closed=False), theme.ink, width + 1.6, 'opacity="0.35"'))
        for width, piece in zip((1.6, 2.6, 3.6, 4.4), quarters, strict=True):
            if len(piece) > 2:
                elements.append(svg.stroke(svg.curve(piece, closed=False), water, width))
    return elements


def _roads(courses: list[list[Point]], theme: Theme) -> list[str]:
    dashes = 'stroke-dasharray="7 6" opacity="0.9"'
    # Only every third step, as the path search moves in eight directions only.
    smooth = [[course[0], *course[2:-2:3], course[-1]] for course in courses if len(course) > 2]
    return [svg.stroke(svg.curve(course, closed=False), theme.seal, 2.6, dashes) for course in smooth]


def _rhumb_lines(terrain: Terrain, theme: Theme, frame: Frame) -> list[str]:
    place = _compass_place(terrain, frame)
    if place is None:
        return []
    x, y = place
    turns = np.arange(16) * np.pi / 8
    return [
        svg.stroke(
            f"M{x:.0f} {y:.0f}L{x + 1600 * np.cos(turn):.0f} {y + 1600 * np.sin(turn):.0f}",
            theme.ink,
            0.8,
            'opacity="0.16"',
        )
        for turn in turns
    ]


def _symbols(
    brief: Brief, terrain: Terrain, theme: Theme, chance: Chance, towns: list[Point], courses: list[list[Point]]
) -> list[tuple[float, str]]:
    """Return mountains, hills, dunes and trees with their y, the drawing order."""
    rng = chance.of("signs")
    rows, columns = terrain.coarse_height.shape
    across, down = columns * terrain.cell, rows * terrain.cell
    is_desert = brief.first("desert", "forest", "snow", "mountain") == "desert" or theme.name == "western"
    high = 0.42 if "mountain" in brief.words else 0.52
    signs: list[tuple[float, str]] = []
    occupied: list[tuple[float, float, float]] = [(x, y - 12, 36.0) for x, y in towns]
    occupied += [(x, y, 9.0) for course in courses for x, y in course[::2]]

    def free(x: float, y: float, reach: float) -> bool:
        return all((x - u) ** 2 + (y - v) ** 2 > (reach + r) ** 2 for u, v, r in occupied)

    for x, y in rng.uniform((50, 60), (across - 50, down - 40), (900, 2)):
        height = terrain.height_at(x, y)
        if height > high and free(x, y, 17):
            size = 20 + 30 * min(1.0, (height - high) / 0.4)
            signs.append((y, svg.at(x, y, symbols.mountain(theme, size, rng, snow=height > high + 0.2))))
            occupied.append((x, y, size * 0.5))
        elif high - 0.17 < height <= high and rng.random() < 0.3 and free(x, y, 14):
            signs.append((y, svg.at(x, y, symbols.hill(theme, float(rng.uniform(9, 15))))))
            occupied.append((x, y, 13))
        elif is_desert and 0.05 < height < high - 0.1 and rng.random() < 0.2 and free(x, y, 20):
            signs.append((y, svg.at(x, y, symbols.dune(theme, float(rng.uniform(12, 22))))))
            occupied.append((x, y, 14))
    if not is_desert or "forest" in brief.words:
        signs += _trees(brief, terrain, rng, occupied, across, down)
    return signs


def _trees(
    brief: Brief,
    terrain: Terrain,
    rng: np.random.Generator,
    occupied: list[tuple[float, float, float]],
    across: float,
    down: float,
) -> list[tuple[float, str]]:
    threshold = 0.46 if "forest" in brief.words else 0.58
    kind = "fir" if "snow" in brief.words or "mountain" in brief.words else "leafy"
    corners = np.stack(np.meshgrid(np.arange(0, across, _TREE_STEP), np.arange(0, down, _TREE_STEP)), axis=-1)
    places = corners.reshape(-1, 2) + rng.uniform(0.1, 0.9, (corners.size // 2, 2)) * _TREE_STEP
    rows, columns = (places.T[::-1] / terrain.cell).astype(int)
    last_row, last_column = terrain.coarse_height.shape[0] - 1, terrain.coarse_height.shape[1] - 1
    cells = np.minimum(rows, last_row), np.minimum(columns, last_column)
    ground, wood = terrain.coarse_height[cells], terrain.coarse_woods[cells]
    places = places[(wood >= threshold) & (ground > 0.03) & (ground < 0.46)]
    blocked = np.array(occupied or [(0.0, 0.0, 0.0)])
    distance = np.hypot(*(places[:, None, axis] - blocked[None, :, axis] for axis in (0, 1)))
    places = places[(distance > blocked[:, 2] + 5).all(axis=1)]
    variants = rng.integers(symbols.TREES, size=len(places))
    return [
        (float(y), f'<use xlink:href="#{kind}{variant}" transform="translate({x:.1f} {y:.1f})"/>')
        for (x, y), variant in zip(places, variants, strict=True)
    ]


def _towns(terrain: Terrain, rng: np.random.Generator, frame: Frame) -> list[Point]:
    """Return places on low land, well apart, the capital first."""
    towns: list[Point] = []
    for x, y in rng.uniform((90, 100), (frame.across - 90, frame.down - 80), (500, 2)):
        apart = all((x - u) ** 2 + (y - v) ** 2 > 165**2 for u, v in towns)
        if apart and 0.04 < terrain.height_at(x, y) < 0.36 and terrain.height_at(x, y - 30) > 0.02:
            towns.append((float(x), float(y)))
        if len(towns) == 8:
            break
    return sorted(towns, key=lambda town: (town[0] - frame.across / 2) ** 2 + (town[1] - frame.down / 2) ** 2)


def _compass_place(terrain: Terrain, frame: Frame) -> Point | None:
    """Return the corner with the least land; None if all corners are mostly land."""
    options = []
    for x in (135.0, frame.across - 135):
        for y in (135.0, frame.down - 135):
            row, column = terrain.at(x, y)
            around = terrain.coarse_height[max(0, row - 7) : row + 8, max(0, column - 7) : column + 8]
            options.append((float((around > 0).mean()), (x, y)))
    share, place = min(options)
    return place if share < 0.5 else None


def _ship_places(compass: Point | None, terrain: Terrain, rng: np.random.Generator, frame: Frame) -> list[Point]:
    """Return places on deep water, away from the compass and the border."""
    places: list[Point] = []
    for x, y in rng.uniform((90, 110), (frame.across - 90, frame.down - 80), (200, 2)):
        row, column = terrain.at(x, y)
        around = terrain.coarse_height[max(0, row - 4) : row + 5, max(0, column - 4) : column + 5]
        apart = all((x - u) ** 2 + (y - v) ** 2 > 170**2 for u, v in [*places, *([compass] if compass else [])])
        if apart and around.max() < -0.02:
            places.append((float(x), float(y)))
        if len(places) == 2:
            break
    return places


def _age(layer: Color, chance: Chance, frame: Frame) -> None:
    """Add paper grain, stains and browned edges."""
    stains = fractal(frame.reduced(2), chance.of("stains"), 300, 6, gain=0.62)
    stains = enlarged(stains, frame.shape)
    layer *= np.float32(0.84) + np.float32(0.28) * stains
    layer *= 1 + np.float32(0.045) * speckle(frame, chance.of("paper"))
    brown = smoothstep(0.86, 0.5, vignette(frame, 0.8) + (stains - np.float32(0.5)) * np.float32(0.3))
    mix(layer, rgb("#3a2414"), brown * np.float32(0.5))


def _add_glow(layer: Color, drawing_layer: svg.Layer, shore: Field, theme: Theme, frame: Frame) -> None:
    """Add light around all lines, like a projection."""
    lines = np.maximum(drawing_layer.alpha * drawing_layer.color.max(axis=0), shore)
    halo = blurred(lines, 7 * frame.scale)
    layer += rgb(theme.glow)[:, None, None] * (halo * np.float32(0.4))
    if theme.name == "cyberpunk":
        rows = np.arange(frame.height, dtype=np.float32)[:, None] / np.float32(frame.scale)
        layer *= np.float32(0.93) + np.float32(0.07) * np.sin(rows * np.float32(1.6))
    layer *= vignette(frame, 0.55)
