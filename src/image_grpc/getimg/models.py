"""The image models that GetImg.AI offers: the cached catalog, the sizes that a model supports, and its prices."""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence

from getimg.types.model_list_response import ModelListResponseItem
from tabletop.image.v1.generation_pb2 import Cost
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Size

from image_grpc.errors import ApiError
from image_grpc.getimg.connection import Connection
from image_grpc.getimg.errors import as_unbilled
from image_grpc.single_flight import SingleFlight

MAX_AGE_SECONDS = 600
"""An older catalog is read again."""


class Catalog:
    """The image models by id, in the order of GetImg.AI. If a refresh fails, the previous catalog stays in use."""

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self._refreshes: SingleFlight[None, None] = SingleFlight()
        self._models: Mapping[str, Model] = {}
        self._read_at = float("-inf")

    async def models(self) -> Mapping[str, Model]:
        """Return the catalog. Raises ApiError if it was never read, GetimgNotConfigured."""
        if self._clock() - self._read_at > MAX_AGE_SECONDS:
            await self._refreshes.run(None, self._refresh)
        return self._models

    async def _refresh(self) -> None:
        try:
            async with self._connection.call() as sdk:
                items = await sdk.models.list(type="image")
        except ApiError as failure:
            if not self._models:
                raise as_unbilled(failure) from failure
            return
        self._models = {item.id: _read_model(item) for item in items if item.type == "image"}
        self._read_at = self._clock()


def _read_model(item: ModelListResponseItem) -> Model:
    model = Model(
        id=item.id,
        display_name=item.name,
        aspect_ratios=item.supported_aspect_ratios,
        resolutions=item.supported_resolutions,
        max_reference_images=item.supported_references.get("reference_image", 0),
    )
    for rate in item.pricing.rates:
        model.prices.add(
            resolution=rate.resolution or "",
            unit=rate.billable_unit,
            amount=rate.unit_price,
            currency=item.pricing.currency,
        )
    return model


def expected_cost(model: Model, size: Size) -> Cost | None:
    """Return the list price of one picture of this size, or None if the catalog has none."""
    _, resolution = fit_to_model(model, size)
    price = next((price for price in model.prices if price.resolution in ("", resolution)), None)
    if price is None:
        return None
    return Cost(amount=price.amount, currency=price.currency, unit=price.unit, quantity=1)


def fit_to_model(model: Model, size: Size) -> tuple[str | None, str | None]:
    """Return the aspect ratio and the resolution to request; None for what the model does not list."""
    ratio = nearest_ratio(size.width, size.height, model.aspect_ratios)
    return ratio, smallest_resolution(size.width, size.height, ratio, model.resolutions)


def nearest_ratio(width: int, height: int, ratios: Sequence[str]) -> str | None:
    """Return the aspect ratio, such as `16:9`, that is nearest to width : height, or None if none is valid."""
    logarithms = {ratio: math.log(parsed) for ratio in ratios if (parsed := parse_ratio(ratio)) is not None}
    target = math.log(width / height)
    return min(logarithms, key=lambda ratio: abs(logarithms[ratio] - target), default=None)


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
