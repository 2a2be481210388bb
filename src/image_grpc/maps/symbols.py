"""Symbols of campaign maps as path data in a box of 24 x 24, and the words that select them."""

SYMBOLS = {
    "town": "M3 21V12l4-4 4 4v9zM11 21V8l5-5 5 5v13zM14 11h3v3h-3zM5 14h3v3H5z",
    "village": "M4 20v-8l8-7 8 7v8h-6v-5h-4v5z",
    "city": "M2 21V10h4V6h4v4h2V3h5v7h5v11zM5 13h2v3H5zM14 6h2v3h-2zM14 13h2v3h-2zM9 13h2v3H9z",
    "castle": "M3 21V5h3v3h3V5h2v3h2V5h2v3h3V5h3v16h-7v-5a2 2 0 0 0-4 0v5z",
    "tower": "M8 21V9H6V3h3v2h2V3h2v2h2V3h3v6h-2v12h-3v-4h-2v4z",
    "ruin": "M3 21V8l3 2 1-4 3 3v12zM13 21v-9l3-3 1 3 3-1v10zM10 21h3v-3h-3z",
    "temple": "M2 9l10-6 10 6v2H2zM4 12h3v7H4zM10.500 12h3v7h-3zM17 12h3v7h-3zM2 20h20v2H2z",
    "harbor": "M11 8.800a3 3 0 1 1 2 0V11h4v2h-4v6.800c3-.5 5-2 6-4.800l-2 .5 2.500-4.500 2.500 4.500-1.500-.2"
    "C19.500 19.500 16 22 "
    "12 22s-7.500-2.500-8.500-6.700L2 15.500 4.500 11 7 15.500l-2-.5c1 2.800 3 4.300 6 4.800V13H7v-2h4z",
    "cave": "M2 21C3 11 7 4 12 4s9 7 10 17h-6c0-5-1-8-4-8s-4 3-4 8z",
    "mountain": "M1 20L9 5l4 7 2-3 8 11zM9 9l-2 4 2-1 2 2 .5-1z",
    "forest": "M12 2l6 8h-3l4 6h-6v6h-2v-6H5l4-6H6z",
    "mine": "M3 5c6-4 12-4 18 0l-1.500 2c-2-1.300-4-2-6-2.200V21h-3V4.800c-2 .2-4 .9-6 2.200z",
    "camp": "M12 4l10 17h-7l-3-6-3 6H2z",
    "battle": "M3 3h4l6 6 6-6h2v2l-6 6 5 5 1-1 1 1-5 5-1-1 1-1-5-5-5 5 1 1-1 1-5-5 1-1 1 1 5-5-6-6z",
    "bridge": "M2 10c6-5 14-5 20 0v4c-1 0-2 1-2 4h-4c0-3-2-4-4-4s-4 1-4 4H4c0-3-1-4-2-4z",
    "star": "M12 2l3 7 7 .6-5.300 4.700 1.600 7.200L12 17.700 5.700 21.500l1.600-7.200L2 9.600 9 9z",
    "flag": "M5 2h2v1h13l-4 5 4 5H7v9H5z",
    "gem": "M7 3h10l5 7-10 12L2 10z",
    "pin": "M12 2a7 7 0 0 1 7 7c0 5-7 13-7 13S5 14 5 9a7 7 0 0 1 7-7z"
    "m0 4.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
}

_WORDS = {
    "settlement": "town", "market": "town", "hamlet": "village", "inn": "village", "tavern": "village",
    "farm": "village", "capital": "city", "metropolis": "city", "fort": "castle", "fortress": "castle",
    "keep": "castle", "stronghold": "castle", "lighthouse": "tower", "outpost": "tower", "spire": "tower",
    "ruins": "ruin", "graveyard": "ruin", "crypt": "ruin", "tomb": "ruin", "shrine": "temple", "church": "temple",
    "monastery": "temple", "abbey": "temple", "harbour": "harbor", "port": "harbor", "dock": "harbor",
    "dungeon": "cave", "lair": "cave", "hill": "mountain", "peak": "mountain", "volcano": "mountain",
    "wood": "forest", "grove": "forest", "jungle": "forest", "quarry": "mine", "camping": "camp", "tent": "camp",
    "battlefield": "battle", "ford": "bridge", "crossing": "bridge", "landmark": "star", "capitol": "star",
}  # fmt: skip


def symbol(icon: str, type_: str) -> str:
    """Return the path data of the symbol for an icon, or else for a place's type; a pin if both are unknown."""
    for name in (icon.lower().strip(), type_.lower().strip()):
        for word in (name, *name.replace("_", " ").replace("-", " ").split()):
            if word in SYMBOLS or word in _WORDS:
                return SYMBOLS[_WORDS.get(word, word)]
    return SYMBOLS["pin"]
