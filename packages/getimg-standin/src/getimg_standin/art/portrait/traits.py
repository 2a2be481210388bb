"""The traits of the person: those in the prompt, random ones otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from getimg_standin.art.brief import Brief
from getimg_standin.art.chance import Chance
from getimg_standin.art.themes import Theme


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """The properties that the parts of a portrait share."""

    species: str
    profession: str
    skin: str
    hair: str
    eyes: str
    cloth: str
    second_cloth: str
    hair_style: str
    beard: str
    """full, short, braided, mustache or none."""
    headgear: str
    """hood, wizard, brim, top, helmet, crown, goggles, visor or none."""
    jaw: float
    """Width of the jaw; 1 is average."""
    brow: float
    """Thickness of the brows; 1 is average."""
    smile: float
    """0 (serious) to 1."""
    scar: bool
    feminine: bool


_SKINS = ("#f3d2b3", "#e8b98f", "#d49d6e", "#b67c4e", "#8d5a35", "#65402a")
_HAIRS = ("#2a1d18", "#4b2e1e", "#7a4a24", "#b9853f", "#d9b46a", "#8e3a1e", "#8d8d90", "#e4e0d8")
_NEON_HAIRS = ("#1fb8d6", "#d93a9a", "#7a3ad9", "#e8e8f0", "#24243a")
_EYES = ("#5a3a20", "#2f6a8f", "#3f7a4a", "#7a6a3a", "#4a4a5a")

_SPECIES_SKINS: Mapping[str, tuple[str, ...]] = {
    "orc": ("#7f9a5a", "#6a8750", "#8a9a6a"),
    "undead": ("#b9bdae", "#a8ad9f"),
    "alien": ("#6fb3b8", "#8a7fc4", "#7ab88f"),
    "tiefling": ("#b5524a", "#8f4a6a", "#a0405a"),
    "robot": ("#9aa3b2", "#b3a58a", "#8a97a8"),
}

_PROFESSIONS = ("fighter", "wizard", "rogue", "ranger", "cleric", "bard", "cowboy", "barbarian")

_THEME_PROFESSIONS: Mapping[str, tuple[str, ...]] = {
    "fantasy": ("fighter", "wizard", "rogue", "ranger", "cleric"),
    "western": ("cowboy",),
    "cyberpunk": ("runner",),
    "steampunk": ("inventor",),
    "horror": ("investigator",),
    "space_fantasy": ("pilot", "wizard"),
}

_HEADGEAR: Mapping[str, tuple[str, ...]] = {
    "fighter": ("helmet", "none", "circlet"),
    "wizard": ("wizard", "wizard", "hood"),
    "rogue": ("hood",),
    "ranger": ("hood", "none"),
    "cleric": ("circlet", "none", "hood"),
    "bard": ("brim", "none"),
    "cowboy": ("brim",),
    "barbarian": ("none",),
    "runner": ("visor", "none", "hood"),
    "inventor": ("top", "goggles"),
    "investigator": ("brim", "top", "none"),
    "pilot": ("circlet", "visor", "none"),
}


def choose_traits(brief: Brief, theme: Theme, chance: Chance) -> Traits:
    """Choose the traits; the face does not depend on the theme, so that a new theme keeps it."""
    face, dress = chance.of("face"), chance.of("dress")
    species = brief.first("elf", "dwarf", "orc", "robot", "undead", "alien", "tiefling") or "human"
    profession = brief.first(*_PROFESSIONS) or str(
        dress.choice(_THEME_PROFESSIONS.get(theme.name, ("rogue", "fighter")))
    )
    feminine = brief.first("woman", "man") == "woman" if brief.first("woman", "man") else bool(face.random() < 0.5)
    hairs = _NEON_HAIRS if theme.name == "cyberpunk" else _HAIRS
    cloth, second = dress.permutation(len(theme.cloth))[:2]
    return Traits(
        species=species,
        profession=profession,
        skin=str(face.choice(_SPECIES_SKINS.get(species, _SKINS))),
        hair=hairs[int(face.integers(1000)) % len(hairs)],
        eyes=str(face.choice(_EYES)),
        cloth=theme.cloth[int(cloth)],
        second_cloth=theme.cloth[int(second)],
        hair_style=_hair_style(species, face, feminine=feminine),
        beard=_beard(brief, species, face, feminine=feminine),
        headgear=_headgear(brief, profession, dress),
        jaw=_jaw(species, face, feminine=feminine),
        brow=float(face.uniform(0.6, 0.9) if feminine else face.uniform(0.95, 1.4)),
        smile=float(face.uniform(0.15, 0.9)),
        scar=bool(face.random() < 0.2),
        feminine=feminine,
    )


def _hair_style(species: str, rng: np.random.Generator, *, feminine: bool) -> str:
    draw = rng.random()
    if species == "robot":
        return "bald"
    if species in ("alien", "undead") and draw < 0.5:
        return "bald"
    styles = ("long", "wavy", "bob", "bun") if feminine else ("short", "swept", "long", "bald", "short")
    return styles[int(draw * 997) % len(styles)]


def _beard(brief: Brief, species: str, rng: np.random.Generator, *, feminine: bool) -> str:
    random_beard = str(rng.choice(("none", "none", "short", "full", "mustache")))
    if species == "dwarf" and not feminine:
        return "braided"
    if "beard" in brief.words:
        return "full"
    return "none" if feminine or species in ("elf", "robot", "alien", "orc", "undead") else random_beard


def _headgear(brief: Brief, profession: str, rng: np.random.Generator) -> str:
    explicit = brief.first("helmet", "hood", "hat", "crown")
    default = str(rng.choice(_HEADGEAR[profession]))
    if explicit == "hat":
        return "wizard" if profession == "wizard" else "brim"
    return explicit or default


def _jaw(species: str, rng: np.random.Generator, *, feminine: bool) -> float:
    base = {"dwarf": 1.13, "orc": 1.2, "elf": 0.88, "robot": 1.05}.get(species, 1.0)
    return base * float(rng.uniform(0.86, 0.95) if feminine else rng.uniform(0.97, 1.06))
