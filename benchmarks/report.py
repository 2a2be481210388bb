"""How figures are taken and printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A figure beside its floor."""

    name: str
    ours: str
    floor: str
    ratio: str
    target: str


def compared(name: str, ours: Sequence[float], floor: Sequence[float], *, unit: str, target: str) -> Row:
    """Medians of two series that were taken in turn, and their ratio pair by pair."""
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    return Row(
        name=name,
        ours=f"{statistics.median(ours):.3g} {unit}",
        floor=f"{statistics.median(floor):.3g} {unit}",
        ratio=f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        target=target,
    )


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` (0 to 1) of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def show(rows: Sequence[Row]) -> None:
    """Prints the figures."""
    widths = [max(len(getattr(row, name)) for row in [_HEAD, *rows]) for name in _NAMES]
    for row in [_HEAD, *rows]:
        print("  ".join(getattr(row, name).ljust(width) for name, width in zip(_NAMES, widths, strict=True)))


_NAMES = ("name", "ours", "floor", "ratio", "target")
_HEAD = Row(name="figure", ours="ours", floor="floor", ratio="ratio (range)", target="target")
