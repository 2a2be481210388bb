"""Symbols of campaign maps."""

import json
from functools import cache
from pathlib import Path


def symbol(icon: str, type_: str = "") -> str:
    """Return the path data of the symbol for an icon, or else for a place's type; a pin if both are unknown."""
    symbols, synonyms = _load()
    for name in (icon.lower().strip(), type_.lower().strip()):
        for word in (name, *name.replace("_", " ").replace("-", " ").split()):
            if word in symbols or word in synonyms:
                return symbols[synonyms.get(word, word)]
    return symbols["pin"]


@cache
def _load() -> tuple[dict[str, str], dict[str, str]]:
    """Return path data in a box of 24 x 24 by name, and other words for these names."""
    data = json.loads(Path(__file__).with_name("symbols.json").read_bytes())
    return data["symbols"], data["synonyms"]
