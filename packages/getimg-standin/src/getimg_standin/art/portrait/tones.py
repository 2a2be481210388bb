"""Lighter and darker versions of a color."""

from __future__ import annotations


def darker(code: str, share: float) -> str:
    """The color mixed with a share of cool black."""
    return _mixed(code, (16, 12, 28), share)


def lighter(code: str, share: float) -> str:
    """The color mixed with a share of warm white."""
    return _mixed(code, (255, 246, 228), share)


def blended(code: str, other: str, share: float) -> str:
    """The color mixed with a share of another one."""
    red, green, blue = (int(other[at : at + 2], 16) for at in (1, 3, 5))
    return _mixed(code, (red, green, blue), share)


def _mixed(code: str, other: tuple[int, int, int], share: float) -> str:
    parts = (int(code[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(parts, other, strict=True))
