"""Client of the GetImg.AI API, on the official SDK. Its exceptions are translated here and nowhere else.

A call that may have been paid for is never made again: retried are only connections that were not made, 429 and
5xx. The SDK's own retries are off.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import getimg
import httpx
import structlog
from getimg.types import ImageGenerateResponse, ModelListResponse
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from tabletop.image.internal.v1.job_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Cost
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.errors import ApiError, GetimgNotConfigured
from image_grpc.getimg import shape
from image_grpc.getimg.limits import NotSent, RateLimiter, retry_after
from image_grpc.getimg.transport import AnswerTooLarge, BoundedTransport
from image_grpc.messages import now
from image_grpc.telemetry import ATTR_OUTCOME, SPAN_GETIMG_GENERATE, Telemetry

log = structlog.get_logger(__name__)

CATALOGUE_SECONDS = 600
"""Age at which the catalogue is read again."""
BREAKER_FAILURES = 10
"""After so many failures in a row, GetImg.AI is left alone for BREAKER_SECONDS."""
BREAKER_SECONDS = 10.0
CONNECT_SECONDS = 5.0
"""Longest wait for a connection."""
RETRY_SECONDS = 1.0
"""Shortest wait after a failure that may pass."""

_NONSENSE = "GetImg.AI's answer is not what its API says"
_TOO_LATE = "GetImg.AI did not answer in time; as it may be paid for, it is not asked again"
_LEFT_ALONE = "GetImg.AI keeps failing, so it is left alone for a while"
_FORMATS = {
    ImageFormat.IMAGE_FORMAT_PNG: "png",
    ImageFormat.IMAGE_FORMAT_JPEG: "jpeg",
    ImageFormat.IMAGE_FORMAT_WEBP: "webp",
}
_ADVICE = {
    401: "GetImg.AI does not take the API key: check GETIMG_API_KEY",
    402: "the balance at GetImg.AI is spent: top it up",
    403: "the API key at GetImg.AI may not do this",
    404: "GetImg.AI does not know this model or path",
    429: "GetImg.AI's rate limit is reached",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What GetImg.AI shall draw."""

    prompt: str
    model: str
    size: Size
    format: ImageFormat
    reference_urls: Sequence[str] = ()
    """https or data URLs."""


class GetimgClient:
    """One workspace of GetImg.AI. Without an API key every call raises GetimgNotConfigured."""

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        api_key: str | None,
        base_url: str,
        timeout: float,
        max_in_flight: int,
    ) -> None:
        self._telemetry = telemetry
        self._timeout, self._api_key = timeout, api_key or ""
        self._sdk = (
            getimg.AsyncGetimgAI(
                api_key=api_key,
                base_url=base_url,
                max_retries=0,
                timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout / 2)),
                http_client=httpx.AsyncClient(
                    transport=BoundedTransport(
                        limits=httpx.Limits(max_connections=max_in_flight + 10, max_keepalive_connections=20)
                    )
                ),
                _strict_response_validation=True,
            )
            if api_key
            else None
        )
        self._limiter = RateLimiter(max_in_flight)
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=BREAKER_FAILURES,
            default_ttl=BREAKER_SECONDS,
            # What GetImg.AI refuses shows that it works.
            exclude=[asyncio.CancelledError, (getimg.APIStatusError, lambda error: error.status_code < 500)],
        )
        self._catalogue: dict[str, Model] = {}
        self._catalogue_read_at = float("-inf")
        self._catalogue_lock = asyncio.Lock()
        self.last_failure = ""
        """Why the last call failed; empty if it did not."""

    @property
    def configured(self) -> bool:
        """Whether there is an API key."""
        return self._sdk is not None

    async def close(self) -> None:
        """Closes the connections."""
        if self._sdk is not None:
            await self._sdk.close()

    async def models(self) -> list[Model]:
        """The models that draw pictures, in the catalogue's order; read again when they are old.

        Raises ApiError, GetimgNotConfigured.
        """
        async with self._catalogue_lock:
            if time.monotonic() - self._catalogue_read_at > CATALOGUE_SECONDS:
                try:
                    async with self._call() as sdk:
                        listed: ModelListResponse = await sdk.models.list(type="image")
                except ApiError as failure:
                    if not self._catalogue:
                        raise _unread(failure) from failure
                else:
                    self._catalogue = {each.id: _model(each) for each in listed if each.type == "image"}
                    self._catalogue_read_at = time.monotonic()
        return list(self._catalogue.values())

    async def model(self, id_: str) -> Model | None:
        """A model of the catalogue, or None if it is not there. Raises as `models` does."""
        await self.models()
        return self._catalogue.get(id_)

    async def expected_cost(self, model: Model, size: Size) -> Cost | None:
        """What a picture of this size will cost; None if the catalogue does not say."""
        _, resolution = _shape(model, size)
        price = next((each for each in model.prices if each.resolution in ("", resolution)), None)
        if price is None:
            return None
        return Cost(amount=price.amount, currency=price.currency, unit=price.unit, quantity=1)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[Order], Awaitable[ProviderResult]]]:
        """Waits for a turn to call GetImg.AI; yields the call, which may be made once within the block.

        Raises NotSent when the turn does not come soon, GetimgNotConfigured. The call raises ApiError: with a
        `retry_delay` if it may be made again, as NotSent if nothing was sent.
        """
        async with self._limiter.turn():
            circuit = (await self._breakers.get_breaker("getimg")).context
            if circuit.state == "opened" and time.time() < (circuit.opened_at or 0.0) + BREAKER_SECONDS:
                raise NotSent(_LEFT_ALONE, retry_delay=BREAKER_SECONDS)
            yield self._generate

    async def _generate(self, order: Order) -> ProviderResult:
        model = await self.model(order.model)
        if model is None:
            raise ApiError(f"GetImg.AI has no model {order.model!r} that draws pictures")
        arguments: dict[str, Any] = {
            "model": order.model,
            "prompt": order.prompt,
            "output_format": _FORMATS[order.format],
        }
        ratio, resolution = _shape(model, order.size)
        if ratio:
            arguments["aspect_ratio"] = ratio
        if resolution:
            arguments["resolution"] = resolution
        if order.reference_urls:
            arguments["images"] = [{"url": url} for url in order.reference_urls]
        started = time.perf_counter()
        outcome = "failed"
        with self._telemetry.span(SPAN_GETIMG_GENERATE):
            try:
                async with self._call() as sdk:
                    raw = await sdk.images.with_raw_response.generate(**arguments)
                    self._limiter.observe(raw.headers, limited=False)
                    response = await raw.parse()
                    if not isinstance(response, ImageGenerateResponse):
                        raise ValueError("the answer is no object")
                outcome = "ok"
            finally:
                self._telemetry.getimg_duration.record(time.perf_counter() - started, {ATTR_OUTCOME: outcome})
        return _result(response)

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[getimg.AsyncGetimgAI]:
        """Within the block, calls of the SDK raise our errors, and its failures open the circuit breaker."""
        if self._sdk is None:
            raise GetimgNotConfigured("no GetImg.AI key: set GETIMG_API_KEY, or run `image-grpc up` without one")
        try:
            async with await self._breakers.get_breaker("getimg"), asyncio.timeout(self._timeout):
                yield self._sdk
            self.last_failure = ""
        except OpenedState as still_open:
            raise NotSent(_LEFT_ALONE, retry_delay=BREAKER_SECONDS) from still_open
        except TimeoutError as expired:  # an answer that comes drop by drop
            self.last_failure = _TOO_LATE
            raise ApiError(_TOO_LATE) from expired
        except ValueError as nonsense:  # a body that is no JSON, or not of the API's form
            self.last_failure = _NONSENSE
            raise ApiError(_NONSENSE) from nonsense
        except getimg.APIError as problem:
            failure = self._translate(problem)
            if (
                not isinstance(problem, getimg.APIStatusError)
                or problem.status_code in (401, 402, 403)
                or (problem.status_code >= 500)
            ):
                self.last_failure = failure.message
            raise failure from problem

    def _translate(self, problem: getimg.APIError) -> ApiError:
        match problem:
            case getimg.APIStatusError():
                return self._translate_status(problem)
            case getimg.APITimeoutError() if isinstance(
                problem.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout
            ):
                return NotSent("no connection to GetImg.AI in time", retry_delay=RETRY_SECONDS)
            case getimg.APITimeoutError():
                return ApiError(_TOO_LATE)
            case getimg.APIConnectionError() if isinstance(problem.__cause__, httpx.ConnectError):
                return NotSent("no connection to GetImg.AI", retry_delay=RETRY_SECONDS)
            case getimg.APIConnectionError() if isinstance(problem.__cause__, AnswerTooLarge):
                return ApiError(_NONSENSE)
            case getimg.APIConnectionError():
                return ApiError(
                    "the connection to GetImg.AI broke; as the call may be paid for, it is not made again"
                )
            case _:
                return ApiError(_NONSENSE)

    def _translate_status(self, problem: getimg.APIStatusError) -> ApiError:
        status = problem.status_code
        code, text = (self._clean(each) for each in _details(problem.body))
        delay = None
        if status == 429:
            delay = max(RETRY_SECONDS, self._limiter.observe(problem.response.headers, limited=True))
        elif status >= 500:
            asked = retry_after(problem.response.headers.get("retry-after"), time.time())
            delay = max(RETRY_SECONDS, asked or 0.0)
        advice = _ADVICE.get(status, f"GetImg.AI answered with HTTP status {status}")
        return ApiError(
            f"{advice}: {text}" if text else advice,
            metadata={"http_status": str(status), **({"provider_code": code} if code else {})},
            retry_delay=delay,
        )

    def _clean(self, text: str) -> str:
        """What GetImg.AI says, without the key and without halves of characters."""
        return text.replace(self._api_key, "***").encode(errors="replace").decode()


def _unread(failure: ApiError) -> ApiError:
    """Reading the catalogue costs nothing, so an answer that was lost may be asked for again."""
    if failure.metadata:  # it was answered
        return failure
    return NotSent("GetImg.AI's catalogue could not be read", retry_delay=failure.retry_delay or RETRY_SECONDS)


def _shape(model: Model, size: Size) -> tuple[str | None, str | None]:
    ratio = shape.nearest_ratio(size.width, size.height, model.aspect_ratios)
    return ratio, shape.smallest_resolution(size.width, size.height, ratio, model.resolutions)


def _details(body: object) -> tuple[str, str]:
    """Code and message of an error body {"error": {"message", "code"}}; empty where it has none."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return "", ""
    return str(inner.get("code") or "")[:100], str(inner.get("message") or "")[:300]


def _model(listed: Any) -> Model:
    model = Model(
        id=listed.id,
        display_name=listed.name,
        aspect_ratios=listed.supported_aspect_ratios,
        resolutions=listed.supported_resolutions,
        max_reference_images=listed.supported_references.get("reference_image", 0),
    )
    for rate in listed.pricing.rates:
        model.prices.add(
            resolution=rate.resolution or "",
            unit=rate.billable_unit,
            amount=rate.unit_price,
            currency=listed.pricing.currency,
        )
    return model


def _result(response: ImageGenerateResponse) -> ProviderResult:
    if not response.data:
        raise ApiError("GetImg.AI's answer has no picture")
    picture, usage = response.data[0], response.usage
    result = ProviderResult(
        provider_id=response.id,
        url=picture.url,
        model=response.model,
        draw_time=now(),
    )
    if math.isfinite(usage.total_cost) and usage.total_cost >= 0 and math.isfinite(usage.quantity):
        result.cost.amount = format(Decimal(str(usage.total_cost)), "f")
        result.cost.currency = "USD"
        result.cost.unit, result.cost.quantity = usage.billable_unit, usage.quantity
    else:
        log.warning("GetImg.AI did not say what a picture cost", provider_id=response.id)
    result.expire_time.FromDatetime(picture.deletes_at)
    return result
