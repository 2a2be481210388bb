"""The client of the GetImg.AI API: its models, and slots to generate pictures in."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from getimg.types import ImageGenerateResponse
from tabletop.image.internal.v1.job_pb2 import ProviderResult
from tabletop.image.v1.model_pb2 import Model

from image_grpc.errors import ApiError
from image_grpc.getimg.catalog import Catalog
from image_grpc.getimg.circuit_breaker import CircuitBreaker
from image_grpc.getimg.connection import Connection, GetimgConfig
from image_grpc.getimg.limits import RateLimiter
from image_grpc.getimg.payloads import ProviderRequest, generate_params, read_result
from image_grpc.telemetry import ATTR_OUTCOME, SPAN_GETIMG_GENERATE, Telemetry

FAILURE_THRESHOLD = 10
"""Consecutive failures after which calls are suspended."""
SUSPENSION_SECONDS = 10.0


class GetimgClient:
    """One workspace of GetImg.AI. Without an API key every call raises GetimgNotConfigured."""

    def __init__(self, telemetry: Telemetry, config: GetimgConfig, *, breaker: CircuitBreaker | None = None) -> None:
        self._telemetry = telemetry
        self._limiter = RateLimiter(config.max_in_flight)
        breaker = breaker or CircuitBreaker(FAILURE_THRESHOLD, SUSPENSION_SECONDS)
        self._connection = Connection(config, self._limiter, breaker)
        self._catalog = Catalog(self._connection)

    @property
    def configured(self) -> bool:
        """Whether there is an API key."""
        return self._connection.configured

    @property
    def last_failure(self) -> str:
        """Why the last call failed; empty if it succeeded."""
        return self._connection.last_failure

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def models(self) -> list[Model]:
        """Return the image models in the order of the catalog. Raises ApiError, GetimgNotConfigured."""
        return list((await self._catalog.models()).values())

    async def model(self, model_id: str) -> Model | None:
        """Return an image model, or None if the catalog lacks it. Raises ApiError, GetimgNotConfigured."""
        return (await self._catalog.models()).get(model_id)

    @asynccontextmanager
    async def call_slot(self) -> AsyncIterator[Callable[[ProviderRequest], Awaitable[ProviderResult]]]:
        """Wait until a call is allowed; yield the call, which may be made once within the block.

        Raises CallNotSent if calls are paused for long or suspended. The call raises ApiError (with `retry_delay`
        if it may be repeated), CallNotSent if nothing was sent, GetimgNotConfigured.
        """
        async with self._limiter.slot():
            self._connection.raise_if_suspended()
            yield self._generate

    async def _generate(self, request: ProviderRequest) -> ProviderResult:
        model = await self.model(request.model)
        if model is None:
            raise ApiError(f"GetImg.AI has no image model {request.model!r}")
        params = generate_params(request, model)
        started = time.perf_counter()
        outcome = "failed"
        with self._telemetry.span(SPAN_GETIMG_GENERATE):
            try:
                async with self._connection.call() as sdk:
                    raw = await sdk.images.with_raw_response.generate(**params)
                    self._limiter.observe(raw.headers)
                    response = await raw.parse()
                    if not isinstance(response, ImageGenerateResponse):
                        raise ValueError("the response is not a JSON object")
                outcome = "ok"
            finally:
                self._telemetry.getimg_duration.record(time.perf_counter() - started, {ATTR_OUTCOME: outcome})
        return read_result(response)
