"""Open country, in daylight or by the light of a campfire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.frame import Frame
from getimg_standin.art.noise import Field, fractal, value_noise
from getimg_standin.art.pixels import Color, cast_shadow, light_map, mix, ramp, relief, rgb, smoothstep, vignette
from getimg_standin.art.tactical import furniture, outdoors, plants
from getimg_standin.art.tactical.curves import Band, crossing, random_band
from getimg_standin.art.tactical.furnishing import Furnishing
from getimg_standin.art.tactical.surfaces import earth
from getimg_standin.art.themes import Theme


@dataclass(frozen=True, kw_only=True, slots=True)
class Biome:
    """The appearance of a kind of country."""

    trees: int
    kinds: tuple[str, ...]
    """Kinds of trees, equally frequent."""
    bushes: int
    rocks: int
    ground: tuple[str, ...] | None = None
    """Colors of the ground; None uses those of the theme."""
    dunes: bool = False
    pools: bool = False
    river: bool = False
    road: bool = False
    lake: bool = False
    camp: bool = False


_SAND = ("#b58a52", "#caa268", "#dcb981", "#ead09a")
_SNOW = ("#a9bac9", "#c9d6e0", "#e2eaf0", "#f6fafc")

_BIOMES: Mapping[str, Biome] = {
    "forest": Biome(trees=120, kinds=("broad", "broad", "pine"), bushes=70, rocks=14, road=True),
    "river": Biome(trees=50, kinds=("broad",), bushes=60, rocks=26, river=True, road=True),
    "swamp": Biome(trees=48, kinds=("dead", "broad"), bushes=110, rocks=8, pools=True),
    "desert": Biome(trees=20, kinds=("cactus",), bushes=16, rocks=44, ground=_SAND, dunes=True),
    "snow": Biome(trees=62, kinds=("pine",), bushes=0, rocks=34, ground=_SNOW, river=True),
    "camp": Biome(trees=85, kinds=("broad", "pine"), bushes=50, rocks=16, camp=True, road=True),
    "road": Biome(trees=46, kinds=("broad",), bushes=60, rocks=26, road=True),
    "meadow": Biome(trees=16, kinds=("broad",), bushes=80, rocks=18, road=True),
    "lake": Biome(trees=55, kinds=("broad", "pine"), bushes=50, rocks=26, lake=True),
    "mountain": Biome(trees=26, kinds=("pine",), bushes=20, rocks=110, road=True),
}
_ALIASES = {"sea": "lake", "island": "lake"}


def draw_wilderness(brief: Brief, theme: Theme, chance: Chance, frame: Frame, country: str) -> Color:
    """Draw a biome, with a river, a road or a camp if the prompt names them."""
    biome = _BIOMES[_ALIASES.get(country, country)]
    wet = biome.river or "river" in brief.words
    river = random_band(frame, chance.of("river"), half_width=44, upright=True) if wet else None
    has_road = biome.road or "road" in brief.words
    road = random_band(frame, chance.of("road"), half_width=22, upright=False, calm=0.7) if has_road else None
    layer, water = _ground(biome, theme, chance, frame, river, road)
    place = Furnishing(theme)
    if river and road:
        x, y, turn = crossing(river, road)
        place.stand(x, y, outdoors.bridge(theme, river.half_width * 2 + 64), turn)
    if biome.camp or "camp" in brief.words:
        _add_camp(place, frame, chance.of("camp"), road)
    lights = [(x, y, 175.0) for x, y, *_ in place.lights]
    bands = tuple(band for band in (river, road) if band)
    tall = _grow(place, biome, _Ground(frame=frame, bands=bands, depth=water, occupied=lights), chance.of("growth"))
    defs = [*furniture.gradients(theme), *plants.definitions(theme, chance.of("plants"))]
    low = svg.render(frame, place.standing, defs)
    cast_shadow(layer, low.alpha, frame, offset=5, blur=4, strength=0.5)
    low.over(layer)
    high = svg.render(frame, tall, defs)
    cast_shadow(layer, high.alpha, frame, offset=15, blur=8, strength=0.55)
    high.over(layer)
    return _lit(layer, place, theme, frame)


def _lit(layer: Color, place: Furnishing, theme: Theme, frame: Frame) -> Color:
    if place.lights:
        evening = "#" + "".join(f"{round(part * 150):02x}" for part in rgb(theme.daylight))
        layer *= light_map(frame, evening, place.lights, warmth=0.72)
    else:
        layer *= rgb(theme.daylight)[:, None, None]
    layer *= vignette(frame, 0.35)
    return layer


def _ground(
    biome: Biome, theme: Theme, chance: Chance, frame: Frame, river: Band | None, road: Band | None
) -> tuple[Color, Field]:
    layer = earth(frame, biome.ground or theme.ground, chance.of("ground"))
    patches = smoothstep(0.5, 0.75, fractal(frame, chance.of("patches"), 170, 3))
    mix(layer, rgb(theme.path), patches * np.float32(0.28))
    wobble = value_noise(frame, chance.of("banks"), 40) - np.float32(0.5)
    if biome.dunes:
        bend = fractal(frame, chance.of("dunes"), 240, 2)
        x = np.arange(frame.width, dtype=np.float32)[None, :] / np.float32(frame.scale)
        layer *= relief(np.sin(x * np.float32(0.14) + bend * np.float32(26)), 0.5 * frame.scale)
    if road:
        worn = smoothstep(road.half_width + 6, road.half_width - 10, road.field(frame) + wobble * np.float32(26))
        mix(layer, rgb(theme.path), worn * np.float32(0.8))
        ruts = np.abs(road.field(frame) - np.float32(9))
        layer *= 1 - np.float32(0.16) * smoothstep(4, 1, ruts) * worn
    depth = _depth(biome, chance, frame, river, wobble)
    if depth is None:
        return layer, np.zeros((8, 8), dtype=np.float32)
    return _flooded(layer, depth, theme, chance, frame), depth


def _depth(biome: Biome, chance: Chance, frame: Frame, river: Band | None, wobble: Field) -> Field | None:
    """Return the distance from the shore per pixel in units, positive in water; None without water."""
    depths = []
    if river:
        depths.append(np.float32(river.half_width) - river.field(frame) + wobble * np.float32(24))
    if biome.pools:
        depths.append((fractal(frame, chance.of("pools"), 190, 3) - np.float32(0.58)) * np.float32(260))
    if biome.lake:
        x = np.linspace(-1, 1, frame.width, dtype=np.float32)[None, :] - np.float32(0.12)
        y = np.linspace(-1, 1, frame.height, dtype=np.float32)[:, None] + np.float32(0.08)
        edge = fractal(frame, chance.of("lake"), 260, 4)
        depths.append(
            (np.float32(0.62) + (edge - np.float32(0.5)) * np.float32(0.7) - np.sqrt(x * x + y * y)) * np.float32(300)
        )
    return np.maximum.reduce(depths) if depths else None


def _flooded(layer: Color, depth: Field, theme: Theme, chance: Chance, frame: Frame) -> Color:
    mix(layer, rgb(theme.path), smoothstep(-20, -2, depth) * np.float32(0.75))
    layer *= 1 - np.float32(0.3) * smoothstep(-7, 1, depth)
    ripples = value_noise(frame, chance.of("ripples"), 34, 60)
    tone = smoothstep(42, 0, depth) * np.float32(0.85) + (ripples - np.float32(0.5)) * np.float32(0.25)
    water = ramp(theme.water, tone)
    glints = smoothstep(0.93, 1.0, np.sin(ripples * np.float32(22) + depth * np.float32(0.12)))
    mix(water, rgb("#ffffff"), glints * np.float32(0.16))
    foam = smoothstep(2.6, 0, np.abs(depth - np.float32(5)))
    mix(water, rgb("#ffffff"), foam * np.float32(0.4))
    return mix(layer, water, smoothstep(-1, 1.5, depth))


def _add_camp(place: Furnishing, frame: Frame, rng: np.random.Generator, road: Band | None) -> None:
    x = frame.across * rng.uniform(0.4, 0.6)
    y = frame.down * (0.3 if road and road.across(x) > frame.down / 2 else 0.7)
    place.stand(x, y, outdoors.campfire(place.theme, rng))
    place.shine(x, y, 360, place.theme.glow)
    count = int(rng.integers(3, 6))
    for index in range(count):
        turn = 360 * index / count + rng.uniform(-12, 12)
        angle = np.deg2rad(turn)
        color = place.theme.cloth[int(rng.integers(len(place.theme.cloth)))]
        place.stand(
            float(x - 128 * np.sin(angle)),
            float(y + 128 * np.cos(angle)),
            outdoors.tent(place.theme, color),
            turn + 180,
        )
    for piece, right, down in ((furniture.crate, 62, 48), (furniture.barrel, -58, 52), (furniture.chest, 60, -50)):
        place.stand(x + right, y + down, piece(place.theme))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ground:
    """The places where plants can grow; keeps them off roads, water and each other."""

    frame: Frame
    bands: tuple[Band, ...]
    depth: Field
    occupied: list[tuple[float, float, float]]
    """x, y and radius of occupied places, in units."""

    def is_free(self, x: float, y: float, reach: float) -> bool:
        """Return whether a circle of radius `reach` is free."""
        if any(band.distance(x, y) < band.half_width + reach for band in self.bands):
            return False
        rows, columns = self.depth.shape
        row = min(rows - 1, max(0, int(y / (self.frame.down / rows))))
        column = min(columns - 1, max(0, int(x / (self.frame.across / columns))))
        if self.depth[row, column] > -reach * 0.6 and self.depth.any():
            return False
        return all((x - u) ** 2 + (y - v) ** 2 > (reach + r) ** 2 for u, v, r in self.occupied)

    def scatter(
        self, rng: np.random.Generator, kinds: tuple[str, ...], count: int, reach: float, sizes: tuple[float, float]
    ) -> list[str]:
        """Return up to `count` plants at free places, which become occupied."""
        elements: list[str] = []
        for _ in range(count * 3):
            x, y = float(rng.uniform(-20, self.frame.across + 20)), float(rng.uniform(-20, self.frame.down + 20))
            size = float(rng.uniform(*sizes))
            kind, variant = kinds[int(rng.integers(len(kinds)))], int(rng.integers(99))
            turn = float(rng.uniform(0, 60))
            if len(elements) < count and self.is_free(x, y, reach * size):
                elements.append(plants.placed(kind, variant, x, y, size=size, turn=turn))
                self.occupied.append((x, y, reach * size * 0.55))
        return elements


def _grow(place: Furnishing, biome: Biome, ground: _Ground, rng: np.random.Generator) -> list[str]:
    """Add rocks and bushes, and return the trees, which are drawn above everything else."""
    tall = ground.scatter(rng, biome.kinds, biome.trees, 40, (0.7, 1.35))
    extra = {"horror": ("dead", 10), "space_fantasy": ("crystal", 9)}.get(place.theme.name)
    if extra:
        tall += ground.scatter(rng, (extra[0],), extra[1], 32, (0.7, 1.2))
    place.standing += ground.scatter(rng, ("rock",), biome.rocks, 20, (0.5, 1.3))
    place.standing += ground.scatter(rng, ("bush",), biome.bushes, 14, (0.5, 1.2))
    return tall
