"""The client of the GetImg.AI API: its models, and slots to generate pictures in."""

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as datetime_time
from decimal import Decimal, InvalidOperation
from typing import Literal

import structlog
from getimg.types import ImageGenerateResponse
from getimg.types.image_generate_params import ImageGenerateParams
from getimg.types.usage import Usage
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Cost
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.errors import ApiError
from image_grpc.getimg.connection import Connection, GetimgConfig
from image_grpc.getimg.limits import CircuitBreaker, RateLimiter
from image_grpc.getimg.models import Catalog, fit_to_model, parse_ratio
from image_grpc.messages import now
from image_grpc.telemetry import ATTR_HTTP_STATUS, ATTR_OUTCOME, SPAN_GETIMG_GENERATE, Telemetry

log = structlog.get_logger(__name__)

MAX_COST = 10_000
"""Largest cost of a call in USD that is believed."""

FAILURE_THRESHOLD = 10
"""Consecutive failures after which calls are suspended."""
SUSPENSION_SECONDS = 10.0
_FORMATS: Mapping[ImageFormat, Literal["png", "jpeg", "webp"]] = {
    ImageFormat.IMAGE_FORMAT_PNG: "png",
    ImageFormat.IMAGE_FORMAT_JPEG: "jpeg",
    ImageFormat.IMAGE_FORMAT_WEBP: "webp",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderRequest:
    """A picture to generate."""

    prompt: str
    model: str
    size: Size
    format: ImageFormat
    reference_urls: Sequence[str] = ()
    """https or data URLs."""


class GetimgClient(Connection):
    """One workspace of GetImg.AI. Without an API key every call raises GetimgNotConfigured."""

    def __init__(self, telemetry: Telemetry, config: GetimgConfig, *, breaker: CircuitBreaker | None = None) -> None:
        breaker = breaker or CircuitBreaker(FAILURE_THRESHOLD, SUSPENSION_SECONDS)
        super().__init__(config, RateLimiter(config.max_in_flight), breaker)
        self._telemetry, self._catalog = telemetry, Catalog(self)
        self._base_url = config.base_url

    async def models(self) -> list[Model]:
        """Return the image models in the order of the catalog. Raises ApiError, GetimgNotConfigured."""
        return list((await self._catalog.models()).values())

    async def model(self, model_id: str) -> Model | None:
        """Return an image model, or None if the catalog lacks it. Raises ApiError, GetimgNotConfigured."""
        return (await self._catalog.models()).get(model_id)

    async def ratio(self, model_id: str, size: Size) -> float | None:
        """Return width divided by height of the pictures that a model generates for a size; None if any is possible.

        Raises ApiError, GetimgNotConfigured.
        """
        model = await self.model(model_id)
        ratio, _ = fit_to_model(model, size) if model is not None else (None, None)
        return parse_ratio(ratio) if ratio is not None else None

    async def accepts_references(self, model_id: str, count: int) -> bool:
        """Whether a model accepts this many reference images. Raises ApiError, GetimgNotConfigured."""
        model = await self.model(model_id)
        return model is not None and model.max_reference_images >= count

    async def balance(self) -> Decimal:
        """Return the balance of the workspace in USD. Raises ApiError, GetimgNotConfigured."""
        async with self.call() as sdk:
            response = await sdk.billing.retrieve_balance()
            try:
                return Decimal(response.balance)
            except (InvalidOperation, TypeError, AttributeError) as problem:
                raise ValueError("the balance is not a number") from problem

    async def costs(self, first: date, last: date) -> Mapping[date, Decimal]:
        """Return the costs of the workspace by day in UTC, in USD. Raises ApiError, GetimgNotConfigured."""
        async with self.call() as sdk:
            response = await sdk.billing.list_costs(
                start=datetime.combine(first, datetime_time(), UTC), end=datetime.combine(last, datetime_time.max, UTC)
            )
            try:
                # Amounts are numbers in JSON. The shortest text that is read as the same number is what was meant.
                return {each.date: Decimal(repr(each.cost)) for each in response.data}
            except (InvalidOperation, TypeError, AttributeError) as problem:
                raise ValueError("a cost is not a number") from problem

    @asynccontextmanager
    async def call_slot(self) -> AsyncIterator[Callable[[ProviderRequest], Awaitable[ProviderResult]]]:
        """Wait until a call is allowed; yield the call, which may be made once within the block.

        Raises CallNotSent if calls are paused for long or suspended. The call raises ApiError (with `retry_delay`
        if it may be repeated), CallNotSent if nothing was sent, GetimgNotConfigured.
        """
        async with self._limiter.slot():
            if self._breaker.refuses_calls:
                raise self._suspended()
            yield self._generate

    async def _generate(self, request: ProviderRequest) -> ProviderResult:
        model = await self.model(request.model)
        if model is None:
            raise ApiError(f"GetImg.AI has no image model {request.model!r}")
        params = _generate_params(request, model)
        started = time.perf_counter()
        outcome = "failed"
        with self._telemetry.http_span(SPAN_GETIMG_GENERATE, "POST", self._base_url) as span:
            try:
                async with self.call() as sdk:
                    raw = await sdk.images.with_raw_response.generate(**params)
                    span.set_attribute(ATTR_HTTP_STATUS, raw.status_code)
                    self._limiter.observe(raw.headers)
                    response = await raw.parse()
                    if not isinstance(response, ImageGenerateResponse):
                        raise ValueError("the response is not a JSON object")
                outcome = "ok"
            finally:
                self._telemetry.getimg_duration.record(time.perf_counter() - started, {ATTR_OUTCOME: outcome})
        return read_result(response)


def _generate_params(request: ProviderRequest, model: Model) -> ImageGenerateParams:
    params = ImageGenerateParams(model=request.model, prompt=request.prompt, output_format=_FORMATS[request.format])
    ratio, resolution = fit_to_model(model, request.size)
    if ratio:
        params["aspect_ratio"] = ratio
    if resolution:
        params["resolution"] = resolution
    if request.reference_urls:
        params["images"] = [{"url": url} for url in request.reference_urls]
    return params


def read_result(response: ImageGenerateResponse) -> ProviderResult:
    """Return the generated picture. Raises ApiError if there is none."""
    if not response.data:
        raise ApiError("the response of GetImg.AI contains no picture")
    picture = response.data[0]
    try:
        if not picture.url:
            raise ValueError("no URL")
        result = ProviderResult(url=picture.url, generate_time=now())
    except (TypeError, ValueError) as error:
        raise ApiError("the response of GetImg.AI contains no usable URL") from error
    # The picture is billed: what else cannot be read is left out.
    optional: dict[str, Callable[[], object]] = {
        "provider_id": lambda: setattr(result, "provider_id", response.id),
        "model": lambda: setattr(result, "model", response.model),
        "cost": lambda: result.cost.CopyFrom(billed_cost(response.usage)),
        "expire_time": lambda: result.expire_time.FromDatetime(picture.deletes_at),
    }
    for name, read in optional.items():
        try:
            read()
        except Exception as error:
            result.ClearField(name)
            log.warning("unreadable field in the response of GetImg.AI", field=name, problem=ascii(error)[:200])
    return result


def billed_cost(usage: Usage) -> Cost:
    """Return what a call has cost. Raises ValueError for what cannot be a cost."""
    if not (0 <= usage.total_cost <= MAX_COST and math.isfinite(usage.quantity)):
        raise ValueError(f"total_cost {usage.total_cost}, quantity {usage.quantity}")
    amount = format(Decimal(str(usage.total_cost)), "f")
    return Cost(amount=amount, currency="USD", unit=usage.billable_unit, quantity=usage.quantity)
