"""The SDK of GetImg.AI behind one guard: time limit, circuit breaker and our errors.

A call that may have been billed is never repeated, so the SDK's own retries are off.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Self

import getimg
import httpx

from image_grpc.errors import GetimgNotConfigured
from image_grpc.getimg import errors
from image_grpc.getimg.limits import CircuitBreaker, RateLimiter, retry_after
from image_grpc.getimg.transport import Transport
from image_grpc.settings import GetimgSettings

CONNECT_TIMEOUT = 5.0
MAX_RESPONSE_BYTES = 8 * 1024 * 1024
"""The catalog has a few kilobytes; pictures are downloaded separately."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GetimgConfig:
    """Where the API is and how it may be called."""

    api_key: str | None
    """None if GetImg.AI is not configured."""
    base_url: str
    timeout: float
    """Longest duration of a call, in seconds."""
    max_in_flight: int
    """Concurrent calls that the workspace allows."""

    @classmethod
    def of(cls, settings: GetimgSettings) -> Self:
        """Return what the settings of a program name."""
        key = settings.getimg_api_key
        return cls(
            api_key=key.get_secret_value() if key is not None else None,
            base_url=settings.getimg_base_url,
            timeout=settings.getimg_timeout_seconds,
            max_in_flight=settings.getimg_max_in_flight,
        )


class Connection:
    """Makes guarded calls with the SDK. Only those that fail with a `retry_delay` may be repeated."""

    def __init__(self, config: GetimgConfig, limiter: RateLimiter, breaker: CircuitBreaker) -> None:
        self._api_key, self._timeout = config.api_key or "", config.timeout
        self._limiter, self._breaker = limiter, breaker
        self._sdk = _sdk(config, config.api_key) if config.api_key else None
        self.last_failure = ""
        """Why the last call failed; empty if it succeeded."""

    @property
    def configured(self) -> bool:
        """Whether there is an API key."""
        return self._sdk is not None

    async def close(self) -> None:
        """Close the connections."""
        if self._sdk is not None:
            await self._sdk.close()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[getimg.AsyncGetimgAI]:
        """Make one call with the SDK within the block. Raises ApiError, CallNotSent, GetimgNotConfigured."""
        if self._sdk is None:
            raise GetimgNotConfigured("no GetImg.AI key: set GETIMG_API_KEY, or run `image-grpc up` without one")
        try:
            with self._breaker.guard(refusal=self._suspended, is_failure=errors.is_server_failure):
                async with asyncio.timeout(self._timeout):
                    yield self._sdk
        except (getimg.APIError, TimeoutError, ValueError) as error:
            failure = errors.translate(error, api_key=self._api_key, retry_delay=self._retry_delay(error))
            if errors.needs_attention(error):
                self.last_failure = failure.message
            raise failure from error
        self.last_failure = ""

    @property
    def is_suspended(self) -> bool:
        """Whether calls are refused because GetImg.AI keeps failing."""
        return self._breaker.refuses_calls

    def _suspended(self) -> errors.CallNotSent:
        delay = self._breaker.open_seconds
        return errors.CallNotSent(f"GetImg.AI keeps failing; calls are suspended for {delay:g} s", retry_delay=delay)

    def _retry_delay(self, error: Exception) -> float | None:
        """Return the delay before a call that was not billed may be repeated, or None if it must not be."""
        if not isinstance(error, getimg.APIStatusError):
            return None
        headers = error.response.headers
        if error.status_code == 429:
            return max(errors.MIN_RETRY_SECONDS, self._limiter.observe_throttling(headers))
        if error.status_code >= 500:
            return max(errors.MIN_RETRY_SECONDS, retry_after(headers.get("retry-after"), time.time()) or 0.0)
        return None


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS settings of all clients. Loading the certificate authorities takes a tenth of a second."""
    return httpx.create_ssl_context()


def _sdk(config: GetimgConfig, api_key: str) -> getimg.AsyncGetimgAI:
    return getimg.AsyncGetimgAI(
        api_key=api_key,
        base_url=config.base_url,
        max_retries=0,
        timeout=httpx.Timeout(config.timeout, connect=min(CONNECT_TIMEOUT, config.timeout / 2)),
        http_client=httpx.AsyncClient(
            transport=Transport(tls_context()),
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [_bound_size]},
        ),
        _strict_response_validation=True,
    )


async def _bound_size(response: httpx.Response) -> None:
    """Limit an uncompressed response to MAX_RESPONSE_BYTES. Raises ResponseTooLarge if it is compressed."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise errors.ResponseTooLarge("the response is compressed")
    assert isinstance(response.stream, httpx.AsyncByteStream)
    response.stream = _BoundedStream(response.stream)


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        remaining = MAX_RESPONSE_BYTES
        async for chunk in self._stream:
            remaining -= len(chunk)
            if remaining < 0:
                raise errors.ResponseTooLarge(f"the response exceeds {MAX_RESPONSE_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
