"""Maps a requested size in pixels to the aspect ratios and resolutions that a model supports."""

import math
import re
from collections.abc import Sequence

from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Size


def fit_to_model(model: Model, size: Size) -> tuple[str | None, str | None]:
    """Return the aspect ratio and the resolution to request; None for what the model does not list."""
    ratio = nearest_ratio(size.width, size.height, model.aspect_ratios)
    return ratio, smallest_resolution(size.width, size.height, ratio, model.resolutions)


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """Return the aspect ratio, such as `16:9`, that is nearest to width : height, or None if none is valid."""
    parsed_ratios = [(ratio, parsed) for ratio in ratios if (parsed := parse_ratio(ratio)) is not None]
    if not parsed_ratios:
        return None
    target = math.log(width / height)
    return min(parsed_ratios, key=lambda pair: abs(math.log(pair[1]) - target))[0]


def smallest_resolution(width: int, height: int, ratio: str | None, resolutions: Sequence[str]) -> str | None:
    """Return the smallest resolution, such as `2K`, at which a picture of that ratio covers width x height.

    That is the largest resolution if none covers it, or None if none is valid.
    """
    by_side = sorted(
        (side, resolution) for resolution in resolutions if (side := parse_resolution(resolution)) is not None
    )
    if not by_side:
        return None
    proportion = (parse_ratio(ratio) if ratio else None) or 1.0
    for side, resolution in by_side:
        if side * math.sqrt(proportion) >= width - 1 and side / math.sqrt(proportion) >= height - 1:
            return resolution
    return by_side[-1][1]


def parse_ratio(ratio: str) -> float | None:
    """Return width divided by height for a ratio such as `16:9`, or None if it is malformed."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", ratio)
    return float(match[1]) / float(match[2]) if match and float(match[1]) and float(match[2]) else None


def parse_resolution(resolution: str) -> float | None:
    """Return the side in pixels of a square picture for a resolution such as `2K` or `512`, or None."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kK]?)", resolution)
    return float(match[1]) * (1024 if match[2] else 1) if match else None
