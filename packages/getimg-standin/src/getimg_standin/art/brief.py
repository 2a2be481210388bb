"""The parts of a prompt that determine the picture."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

KINDS = ("tactical", "campaign", "portrait", "item", "abstract")

_KIND_PHRASES: Mapping[str, str] = {
    "tactical battle map": "tactical",
    "campaign map": "campaign",
    "character portrait": "portrait",
    "item illustration": "item",
}

# Space fantasy comes before fantasy, whose name it contains.
_THEME_NAMES: Mapping[str, str] = {
    r"space[ _-]fantasy": "space_fantasy",
    r"fantasy": "fantasy",
    r"western|wild west": "western",
    r"cyberpunk": "cyberpunk",
    r"steampunk": "steampunk",
    r"horror": "horror",
}

# Words of prompts, mapped to the subjects of the scenes.
_VOCABULARY: Mapping[str, str] = {
    **dict.fromkeys(("dungeon", "keep", "castle", "fortress", "prison", "vault", "ruin"), "dungeon"),
    **dict.fromkeys(("cave", "cavern", "mine", "lair"), "cave"),
    **dict.fromkeys(("tavern", "inn", "saloon", "house", "bar", "manor", "mansion"), "tavern"),
    **dict.fromkeys(("crypt", "tomb", "catacomb", "temple"), "crypt"),
    **dict.fromkeys(("ship", "deck", "airship", "galleon"), "ship"),
    **dict.fromkeys(("station", "lab", "laboratory", "spaceship", "starship", "factory"), "station"),
    **dict.fromkeys(("street", "alley", "market", "town square", "plaza"), "street"),
    **dict.fromkeys(("forest", "wood", "woodland", "grove", "jungle"), "forest"),
    **dict.fromkeys(("river", "stream", "ford", "bridge"), "river"),
    **dict.fromkeys(("swamp", "marsh", "bog", "mire"), "swamp"),
    **dict.fromkeys(("desert", "dune", "canyon", "badland", "mesa"), "desert"),
    **dict.fromkeys(("snow", "ice", "glacier", "winter", "tundra", "frozen", "snowy"), "snow"),
    **dict.fromkeys(("camp", "campfire", "tent", "encampment"), "camp"),
    **dict.fromkeys(("road", "path", "trail", "crossroad"), "road"),
    **dict.fromkeys(("plain", "meadow", "grassland", "field", "prairie"), "meadow"),
    **dict.fromkeys(("lake", "pond", "water"), "lake"),
    **dict.fromkeys(("sea", "ocean", "coast", "coastal", "shore", "bay"), "sea"),
    **dict.fromkeys(("island", "archipelago", "isle"), "island"),
    **dict.fromkeys(("mountain", "peak", "highland", "mountainous"), "mountain"),
    **dict.fromkeys(("elf", "elven", "elvish", "half-elf", "drow"), "elf"),
    **dict.fromkeys(("dwarf", "dwarven", "duergar"), "dwarf"),
    **dict.fromkeys(("orc", "half-orc", "orcish", "goblin", "hobgoblin"), "orc"),
    **dict.fromkeys(("robot", "android", "warforged", "automaton", "droid", "construct"), "robot"),
    **dict.fromkeys(("undead", "skeleton", "lich", "zombie"), "undead"),
    **dict.fromkeys(("alien", "xeno", "martian"), "alien"),
    **dict.fromkeys(("tiefling", "demon", "devil"), "tiefling"),
    **dict.fromkeys(("wizard", "mage", "sorcerer", "sorceress", "warlock", "witch"), "wizard"),
    **dict.fromkeys(("fighter", "knight", "paladin", "warrior", "soldier", "guard"), "fighter"),
    **dict.fromkeys(("rogue", "thief", "assassin", "spy"), "rogue"),
    **dict.fromkeys(("ranger", "hunter", "druid", "scout"), "ranger"),
    **dict.fromkeys(("cleric", "priest", "priestess", "monk"), "cleric"),
    **dict.fromkeys(("bard", "noble", "aristocrat"), "bard"),
    **dict.fromkeys(("cowboy", "sheriff", "gunslinger", "outlaw", "marshal"), "cowboy"),
    **dict.fromkeys(("barbarian", "berserker"), "barbarian"),
    **dict.fromkeys(("woman", "female", "she", "her", "girl", "lady"), "woman"),
    **dict.fromkeys(("man", "male", "he", "his", "boy", "lord"), "man"),
    **dict.fromkeys(("helmet", "helm"), "helmet"),
    **dict.fromkeys(("hood", "hooded", "cowl"), "hood"),
    **dict.fromkeys(("hat", "fedora", "stetson"), "hat"),
    **dict.fromkeys(("crown", "tiara", "circlet"), "crown"),
    **dict.fromkeys(("beard", "bearded"), "beard"),
    **dict.fromkeys(("sword", "longsword", "blade", "sabre", "saber", "katana", "scimitar"), "sword"),
    **dict.fromkeys(("dagger", "knife"), "dagger"),
    **dict.fromkeys(("axe", "battleaxe", "greataxe", "hatchet"), "axe"),
    **dict.fromkeys(("hammer", "warhammer", "mace", "maul"), "hammer"),
    **dict.fromkeys(("bow", "longbow", "shortbow", "crossbow"), "bow"),
    **dict.fromkeys(("staff", "wand", "rod", "sceptre", "scepter"), "staff"),
    **dict.fromkeys(("gun", "pistol", "revolver", "rifle", "blaster"), "gun"),
    **dict.fromkeys(("shield", "buckler"), "shield"),
    **dict.fromkeys(("breastplate", "armor", "armour", "cuirass", "chainmail", "plate mail"), "breastplate"),
    **dict.fromkeys(("potion", "elixir", "vial", "flask", "bottle"), "potion"),
    **dict.fromkeys(("ring", "signet"), "ring"),
    **dict.fromkeys(("book", "tome", "grimoire", "spellbook"), "book"),
    **dict.fromkeys(("scroll", "map scroll"), "scroll"),
    **dict.fromkeys(("amulet", "necklace", "pendant", "talisman"), "amulet"),
    **dict.fromkeys(("gem", "crystal", "orb", "jewel"), "gem"),
    **dict.fromkeys(("chest", "treasure", "coin", "gold"), "chest"),
    "weapon": "weapon",
    "night": "night",
    "dark": "night",
}

_WORD = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _VOCABULARY), key=len, reverse=True)) + r")s?\b")

_MAX_WORDS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """The content of a picture, apart from its seed and size."""

    kind: str
    """One of KINDS."""

    theme: str
    """The name of a built-in theme; empty if the prompt names none."""

    words: tuple[str, ...]
    """Subjects in the order of their first mention."""

    mood: int
    """CRC-32 of the whole prompt, for colors of unknown themes and small differences."""

    @classmethod
    def from_prompt(cls, prompt: str) -> Self:
        """Extract the content from any text."""
        text = prompt.lower()
        kind = next((kind for phrase, kind in _KIND_PHRASES.items() if phrase in text), "abstract")
        theme = next((theme for name, theme in _THEME_NAMES.items() if re.search(rf"\b{name}\b", text)), "")
        words = dict.fromkeys(_VOCABULARY[word] for word in _WORD.findall(text))
        return cls(kind=kind, theme=theme, words=tuple(words)[:_MAX_WORDS], mood=zlib.crc32(text.encode()))

    def to_values(self) -> list[object]:
        """Return the brief as four JSON values."""
        return [self.kind, self.theme, list(self.words), self.mood]

    @classmethod
    def from_values(cls, values: Sequence[object]) -> Self:
        """Return the brief of `to_values`. Raises ValueError for other values."""
        kind, theme, words, mood = values
        if kind not in KINDS or not isinstance(theme, str) or not isinstance(words, list):
            raise ValueError("invalid brief")
        if not isinstance(mood, int) or not all(isinstance(word, str) for word in words):
            raise ValueError("invalid brief")
        return cls(kind=str(kind), theme=theme, words=tuple(words), mood=mood)

    def first(self, *choices: str) -> str | None:
        """Return the first of `choices` that the prompt mentions; None if it mentions none."""
        return next((word for word in self.words if word in choices), None)
