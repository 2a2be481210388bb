"""Statistics and the table of results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A figure beside its floor."""

    name: str
    ours: str
    floor: str = ""
    ratio: str = ""
    target: str = ""


def compared(name: str, ours: Sequence[float], floor: Sequence[float], *, unit: str, target: str) -> Row:
    """Return the medians of two series measured alternately, and the median and range of their ratios."""
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    return Row(
        name=name,
        ours=f"{statistics.median(ours):.3g} {unit}",
        floor=f"{statistics.median(floor):.3g} {unit}",
        ratio=f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        target=target,
    )


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value that `fraction` (0 to 1) of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(fraction * len(values)))]


def show(rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    widths = [max(len(getattr(row, name)) for row in [_HEADER, *rows]) for name in _COLUMNS]
    for row in [_HEADER, *rows]:
        print("  ".join(getattr(row, name).ljust(width) for name, width in zip(_COLUMNS, widths, strict=True)))


_COLUMNS = ("name", "ours", "floor", "ratio", "target")
_HEADER = Row(name="figure", ours="ours", floor="floor", ratio="ratio (range)", target="target")
