"""Furnishes rooms: each gets a purpose and the matching furniture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from getimg_standin.art import svg
from getimg_standin.art.tactical import furniture
from getimg_standin.art.tactical.plan import SQUARE, Plan, Room
from getimg_standin.art.themes import Theme

Light = tuple[float, float, float, str]


@dataclass(slots=True)
class Furnishing:
    """The drawings on a map, in units; standing ones cast shadows."""

    theme: Theme
    flat: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)
    pools: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Water, as center and semi-axes of ellipses."""

    def stand(self, x: float, y: float, body: str, turn: float = 0.0) -> None:
        self.standing.append(svg.at(x, y, body, turn=turn))

    def lay(self, x: float, y: float, body: str, turn: float = 0.0) -> None:
        self.flat.append(svg.at(x, y, body, turn=turn))

    def shine(self, x: float, y: float, radius: float, color: str) -> None:
        self.lights.append((x, y, radius, color))

    def add_brazier(self, x: float, y: float) -> None:
        """Add a brazier and its light."""
        self.stand(x, y, furniture.brazier(self.theme))
        self.shine(x, y, 230, self.theme.glow)


@dataclass(frozen=True, slots=True)
class Spot:
    """A room in units, with its random generator."""

    left: float
    top: float
    width: float
    height: float
    rng: np.random.Generator

    @property
    def x(self) -> float:
        return self.left + self.width / 2

    @property
    def y(self) -> float:
        return self.top + self.height / 2

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def corners(self, inset: float) -> list[tuple[float, float]]:
        """Return the corners moved inward: upper left, upper right, lower left, lower right."""
        return [
            (x, y) for y in (self.top + inset, self.bottom - inset) for x in (self.left + inset, self.right - inset)
        ]


def furnish(plan: Plan, theme: Theme, rng: np.random.Generator, setting: str) -> Furnishing:
    """Furnish every room; the first one, the largest of a house, is the hall."""
    result = Furnishing(theme)
    purposes = _PURPOSES.get(setting, _PURPOSES["dungeon"])
    order = rng.permutation(len(purposes))
    for index, room in enumerate(plan.rooms):
        purpose = purposes[0] if index == 0 else purposes[int(order[index % len(purposes)])]
        _ROOMS[purpose](result, _spot(room, rng))
    for door in plan.doors:
        result.stand(door.x, door.y, furniture.door(theme), turn=90 if door.upright else 0)
    return result


def _spot(room: Room, rng: np.random.Generator) -> Spot:
    return Spot(room.left * SQUARE, room.top * SQUARE, room.width * SQUARE, room.height * SQUARE, rng)


def _hall(place: Furnishing, spot: Spot) -> None:
    long_way = spot.width >= spot.height
    length, width = max(spot.width, spot.height) - 90, min(spot.width, spot.height) * 0.3
    place.lay(spot.x, spot.y, furniture.rug(place.theme, length, width), turn=0 if long_way else 90)
    for x, y in spot.corners(SQUARE * 0.78):
        place.stand(x, y, furniture.pillar(place.theme))
    for x, y in spot.corners(SQUARE * 0.3)[:2]:
        place.add_brazier(x, y + 4)
    place.stand(spot.x, spot.y, furniture.table(place.theme, 92, 44), turn=0 if long_way else 90)


def _store(place: Furnishing, spot: Spot) -> None:
    rng = spot.rng
    for x, y in spot.corners(24):
        piece = furniture.barrel if rng.random() < 0.5 else furniture.crate
        for step in range(int(rng.integers(1, 4))):
            side = 33 if x < spot.x else -33
            drift = float(rng.uniform(-4, 4))
            place.stand(
                x + side * (step % 2), y + (33 if y < spot.y else -33) * (step // 2) + drift, piece(place.theme)
            )
    place.shine(spot.x, spot.y, 170, place.theme.glow)


def _bedroom(place: Furnishing, spot: Spot) -> None:
    place.lay(spot.x, spot.y + 10, furniture.rug(place.theme, spot.width * 0.42, spot.height * 0.3))
    for x in np.arange(spot.left + 38, spot.right - 60, 78):
        place.stand(float(x), spot.top + 46, furniture.bed(place.theme))
    place.stand(spot.right - 30, spot.bottom - 24, furniture.chest(place.theme))
    place.stand(spot.left + 26, spot.bottom - 26, furniture.barrel(place.theme))
    place.shine(spot.x, spot.y, 190, place.theme.glow)


def _library(place: Furnishing, spot: Spot) -> None:
    for x in (spot.left + spot.width * 0.28, spot.left + spot.width * 0.72):
        place.stand(x, spot.top + 24, furniture.shelf(place.theme, spot.width * 0.36, spot.rng))
        if spot.height > 230:
            place.stand(x, spot.y, furniture.shelf(place.theme, spot.width * 0.3, spot.rng))
    place.stand(spot.x, spot.bottom - 58, furniture.table(place.theme, 60, 34))
    place.stand(spot.x, spot.bottom - 26, furniture.barrel(place.theme))
    place.shine(spot.x, spot.bottom - 58, 210, place.theme.glow)


def _shrine(place: Furnishing, spot: Spot) -> None:
    place.lay(spot.x, spot.y + 24, furniture.rune_circle(place.theme, min(spot.width, spot.height) * 0.24))
    place.stand(spot.x, spot.top + 34, furniture.altar(place.theme))
    place.shine(spot.x, spot.y, 240, place.theme.magic)
    for x, y in spot.corners(34)[2:]:
        place.add_brazier(x, y)


def _treasury(place: Furnishing, spot: Spot) -> None:
    for x, y in spot.corners(40):
        place.stand(x, y, furniture.chest(place.theme), turn=float(spot.rng.uniform(-20, 20)))
        place.lay(x + spot.rng.uniform(-20, 20), y + spot.rng.uniform(-18, 18), furniture.coins(place.theme, spot.rng))
    place.lay(spot.x, spot.y, furniture.rug(place.theme, spot.width * 0.4, spot.height * 0.4))
    place.stand(spot.x, spot.y, furniture.pillar(place.theme))
    place.shine(spot.x, spot.y, 240, place.theme.glow)


def _pool(place: Furnishing, spot: Spot) -> None:
    place.pools.append((spot.x, spot.y, spot.width * 0.29, spot.height * 0.29))
    for x, y in spot.corners(36):
        place.stand(x, y, furniture.pillar(place.theme))
    place.shine(spot.x, spot.y, 220, place.theme.magic)


def _ruin(place: Furnishing, spot: Spot) -> None:
    rng = spot.rng
    for _ in range(6):
        x, y = rng.uniform(spot.left + 30, spot.right - 30), rng.uniform(spot.top + 30, spot.bottom - 30)
        place.stand(float(x), float(y), furniture.rubble(place.theme.floor, rng))
    place.lay(spot.x + 20, spot.y - 10, furniture.bones(rng))
    place.lay(spot.right - 50, spot.bottom - 50, furniture.stairs(place.theme, 58, 58))
    place.shine(spot.x, spot.y, 130, place.theme.glow)


def _tombs(place: Furnishing, spot: Spot) -> None:
    for x in np.arange(spot.left + 52, spot.right - 40, 84):
        place.stand(float(x), spot.top + 56, furniture.sarcophagus(place.theme))
        if spot.height > 250:
            place.stand(float(x), spot.bottom - 56, furniture.sarcophagus(place.theme), turn=180)
    place.lay(spot.x, spot.y + 12, furniture.bones(spot.rng))
    place.add_brazier(spot.left + 22, spot.y)


def _engine(place: Furnishing, spot: Spot) -> None:
    radius = min(spot.width, spot.height) * 0.2
    place.lay(spot.x, spot.y, furniture.rune_circle(place.theme, radius * 1.25))
    place.stand(spot.x, spot.y, furniture.gear(place.theme, radius, 14))
    place.stand(spot.x + radius * 1.28, spot.y - radius * 1.1, furniture.gear(place.theme, radius * 0.6, 10), turn=9)
    for x, y in spot.corners(32):
        place.stand(x, y, furniture.tank(place.theme))
    place.shine(spot.x, spot.y, 250, place.theme.magic)


def _bridge(place: Furnishing, spot: Spot) -> None:
    place.stand(spot.x, spot.top + 24, furniture.console(place.theme, spot.width * 0.72))
    place.stand(spot.left + 24, spot.y, furniture.console(place.theme, spot.height * 0.42), turn=-90)
    place.stand(spot.x, spot.y + 14, furniture.table(place.theme, 70, 50))
    place.lay(spot.x, spot.y + 14, furniture.rune_circle(place.theme, 18))
    place.shine(spot.x, spot.top + 40, 250, place.theme.glow)


def _laboratory(place: Furnishing, spot: Spot) -> None:
    place.stand(spot.x, spot.top + 24, furniture.console(place.theme, spot.width * 0.5))
    for x in np.arange(spot.left + 36, spot.right - 20, 62):
        place.stand(float(x), spot.bottom - 32, furniture.tank(place.theme))
    place.stand(spot.x, spot.y, furniture.table(place.theme, 84, 34))
    place.shine(spot.x, spot.bottom - 50, 220, place.theme.magic)


def _taproom(place: Furnishing, spot: Spot) -> None:
    theme = place.theme
    for x in np.arange(spot.left + 72, spot.right - 50, 116):
        for y in np.arange(spot.top + 120, spot.bottom - 40, 108):
            place.stand(
                float(x + spot.rng.uniform(-12, 12)), float(y), furniture.round_table(theme), spot.rng.uniform(0, 90)
            )
    place.stand(spot.x, spot.top + 60, furniture.table(theme, spot.width * 0.5, 24))
    place.stand(spot.x, spot.top + 16, furniture.shelf(theme, spot.width * 0.46, spot.rng))
    for x in np.arange(spot.x - spot.width * 0.2, spot.x + spot.width * 0.22, 42):
        place.stand(float(x), spot.top + 84, furniture.round_stool(theme))
    place.add_brazier(spot.left + 24, spot.top + 26)
    place.add_brazier(spot.right - 24, spot.top + 26)
    place.shine(spot.x, spot.y + 40, 330, theme.glow)


_ROOMS: Mapping[str, Callable[[Furnishing, Spot], None]] = {
    "hall": _hall,
    "store": _store,
    "bedroom": _bedroom,
    "library": _library,
    "shrine": _shrine,
    "treasury": _treasury,
    "pool": _pool,
    "ruin": _ruin,
    "tombs": _tombs,
    "engine": _engine,
    "bridge": _bridge,
    "laboratory": _laboratory,
    "taproom": _taproom,
}

_PURPOSES: Mapping[str, tuple[str, ...]] = {
    "dungeon": ("hall", "store", "library", "shrine", "treasury", "pool", "ruin", "bedroom"),
    "cave": ("ruin", "pool", "store", "ruin", "shrine"),
    "crypt": ("tombs", "shrine", "tombs", "ruin", "treasury", "pool"),
    "station": ("bridge", "engine", "laboratory", "store", "bedroom", "laboratory"),
    "tavern": ("taproom", "bedroom", "store", "library", "bedroom"),
}
