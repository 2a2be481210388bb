"""Colors in the forms of the contract: `#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa`, or a CSS color name."""

import re
from dataclasses import dataclass
from functools import lru_cache

import webcolors

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_CSS4_NAMES = {"rebeccapurple": "#663399"}
"""Names that CSS added after level 3, the last that webcolors knows."""


@dataclass(frozen=True, slots=True)
class Color:
    """A color that is safe to write into SVG."""

    hex: str
    """`#rrggbb`."""
    opacity: float
    """0 to 1."""


@lru_cache(1024)
def parse(text: str) -> Color:
    """Parse a color. Raises ValueError if the text is in none of the forms."""
    if not _HEX.fullmatch(text):
        return Color(_CSS4_NAMES.get(text.lower()) or webcolors.name_to_hex(text), 1.0)
    digits = text[1:].lower()
    if len(digits) < 6:
        digits = "".join(2 * digit for digit in digits)
    return Color(f"#{digits[:6]}", int(digits[6:] or "ff", 16) / 255)


def is_color(text: str) -> bool:
    """Return whether `parse` accepts a text."""
    try:
        parse(text)
    except ValueError:
        return False
    return True
