from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from getimg_standin import MODELS
from image_grpc.errors import ApiError
from image_grpc.getimg import Downloader, GetimgClient, GetimgConfig, ProviderRequest, UrlPolicy
from image_grpc.getimg.limits import CircuitBreaker
from image_grpc.telemetry import Telemetry
from tests.getimg.scripted_server import response
from tests.service import MODEL, Provider, running_standin

KEY = "standin-key"
JSON = {"Content-Type": "application/json"}
CATALOG = response(json.dumps([model.to_json() for model in MODELS.values()]).encode(), headers=JSON)
INCOMPLETE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
"""The head of a response whose body does not follow."""


class FakeClock:
    """A clock that the test advances."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def provider_request(**changes: Any) -> ProviderRequest:
    """Return a valid request."""
    defaults = {
        "prompt": "a thing, fantasy",
        "model": MODEL,
        "size": Size(width=64, height=64),
        "format": ImageFormat.IMAGE_FORMAT_PNG,
    }
    return ProviderRequest(**(defaults | changes))


async def generate(client: GetimgClient, **changes: Any) -> ProviderResult:
    """Wait for a call slot and generate a picture."""
    async with client.call_slot() as call:
        return await call(provider_request(**changes))


async def generate_failure(client: GetimgClient, **changes: Any) -> ApiError:
    """Return the error of a generation that fails."""
    with pytest.raises(ApiError) as failure:
        await generate(client, **changes)
    return failure.value


@asynccontextmanager
async def connected(url: str, *, breaker: CircuitBreaker | None = None, **changes: Any) -> AsyncIterator[GetimgClient]:
    """A client of the server at `url`."""
    defaults = {"api_key": KEY, "base_url": url, "timeout": 60.0, "max_in_flight": 10}
    client = GetimgClient(Telemetry(), GetimgConfig(**(defaults | changes)), breaker=breaker)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def downloading(
    url: str, *, allowed_hosts: tuple[str, ...] = (), max_bytes: int = 50_000_000, timeout: float = 60.0
) -> AsyncIterator[Downloader]:
    """A downloader for an API at `url`."""
    policy = UrlPolicy(base_url=url, allowed_hosts=allowed_hosts)
    downloader = Downloader(Telemetry(), policy, max_bytes=max_bytes, timeout=timeout)
    try:
        yield downloader
    finally:
        await downloader.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_standin() as provider:
        yield provider


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[GetimgClient]:
    async with connected(provider.url) as client:
        yield client


@pytest.fixture
async def downloader(provider: Provider) -> AsyncIterator[Downloader]:
    async with downloading(provider.url) as downloader:
        yield downloader


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls do not wait out a pause: they fail with CallNotSent at once."""
    monkeypatch.setattr("image_grpc.getimg.limits.MAX_WAIT_SECONDS", 0.0)


@pytest.fixture
def unused_url() -> Iterator[str]:
    """A URL with a port that nothing listens on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"
