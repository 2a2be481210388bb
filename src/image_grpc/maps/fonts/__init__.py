"""The fonts that come with the service: whatever a machine has installed, text looks the same.

DejaVu Sans Bold, and Droid Sans Fallback for what it lacks (Chinese and Japanese). Importing this module
points fontconfig at them; that must be before the first text is drawn.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FAMILY = "DejaVu Sans"

_FOLDER = Path(__file__).parent

os.environ["FONTCONFIG_FILE"] = str(_FOLDER / "fonts.conf")


def drawable(text: str) -> str:
    """The text with what cannot be drawn replaced: control characters by blanks, others by `?`."""
    known = _characters()
    return "".join(
        each if ord(each) in known else " " if each.isspace() or not each.isprintable() else "?" for each in text
    )


@cache
def _characters() -> frozenset[int]:
    found: set[int] = set()
    for file in _FOLDER.glob("*.ttf"):
        with TTFont(file, lazy=True) as font:
            found.update(font.getBestCmap())
    # Fonts have entries for control characters too, which XML cannot carry.
    return frozenset(found.difference(range(0x20), range(0x7F, 0xA0)))
