"""Fonts shipped with the service, so that text looks the same on every machine.

DejaVu Sans Bold, and Droid Sans Fallback for Chinese and Japanese.
"""

import os
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

FAMILY = "DejaVu Sans"

_FOLDER = Path(__file__).parent
_VARIABLE, _CONFIGURATION = "FONTCONFIG_FILE", str(_FOLDER / "fonts.conf")


class FontsNotConfigured(RuntimeError):
    """Text is drawn before `configure`: it would use the fonts of the machine."""


def configure() -> None:
    """Make fontconfig use only the shipped fonts. Idempotent; call it before the process renders text."""
    os.environ[_VARIABLE] = _CONFIGURATION


def require_configured() -> None:
    """Raise FontsNotConfigured unless `configure` is in effect."""
    if os.environ.get(_VARIABLE) != _CONFIGURATION:
        raise FontsNotConfigured("fonts are not configured, call image_grpc.maps.fonts.configure() at startup")


def drawable(text: str) -> str:
    """Replace control characters by blanks, and characters that no shipped font has by `?`."""
    characters = _characters()
    return "".join(
        each if ord(each) in characters else " " if each.isspace() or not each.isprintable() else "?" for each in text
    )


@cache
def _characters() -> frozenset[int]:
    """Return the code points that the fonts can draw."""
    code_points: set[int] = set()
    for file in _FOLDER.glob("*.ttf"):
        with TTFont(file, lazy=True) as font:
            code_points.update(font.getBestCmap())
    # Fonts also have entries for control characters, which XML cannot contain.
    return frozenset(code_points.difference(range(0x20), range(0x7F, 0xA0)))
