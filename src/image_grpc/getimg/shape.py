"""From the size that a caller wants to the ratio and resolution that a model has. Pure functions."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """The ratio, for example `16:9`, that is nearest to width : height; None if the model names none."""
    known = [(ratio, parsed) for ratio in ratios if (parsed := parse_ratio(ratio)) is not None]
    if not known:
        return None
    wanted = math.log(width / height)
    return min(known, key=lambda each: abs(math.log(each[1]) - wanted))[0]


def smallest_resolution(width: int, height: int, ratio: str | None, resolutions: Sequence[str]) -> str | None:
    """The smallest resolution, for example `2K`, of which a picture in that ratio covers width x height, or the
    largest if none does; None if the model names none that is understood."""
    known = [
        (side, resolution) for resolution in resolutions if (side := parse_resolution(resolution)) is not None
    ]
    if not known:
        return None
    proportion = (parse_ratio(ratio) if ratio else None) or 1.0
    known.sort()
    for side, resolution in known:
        if side * math.sqrt(proportion) >= width - 1 and side / math.sqrt(proportion) >= height - 1:
            return resolution
    return known[-1][1]


def parse_ratio(ratio: str) -> float | None:
    """Width by height of a ratio such as `16:9`; None if it is not of this form."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", ratio)
    return float(found[1]) / float(found[2]) if found and float(found[1]) and float(found[2]) else None


def parse_resolution(resolution: str) -> float | None:
    """Side in pixels of a square picture of a resolution such as `2K` or `512`; None if it is not understood."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kK]?)", resolution)
    return float(found[1]) * (1024 if found[2] else 1) if found else None
