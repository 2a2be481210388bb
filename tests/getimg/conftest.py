from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tabletop.hub.v1.jobs_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc.getimg import Downloader, GetimgClient
from image_grpc.getimg.client import Order
from image_grpc.telemetry import Telemetry
from tests.service import MODEL, Provider, listening

KEY = "standin-key"


def order(**changes: Any) -> Order:
    """An order that can be drawn."""
    plain = {
        "prompt": "a thing, fantasy",
        "model": MODEL,
        "size": Size(width=64, height=64),
        "format": ImageFormat.IMAGE_FORMAT_PNG,
    }
    return Order(**(plain | changes))


async def draw(client: GetimgClient, **changes: Any) -> ProviderResult:
    """Waits for a turn, and calls."""
    async with client.turn() as generate:
        return await generate(order(**changes))


@asynccontextmanager
async def connected(url: str, **changes: Any) -> AsyncIterator[GetimgClient]:
    """A client of what listens at `url`."""
    plain = {"api_key": KEY, "base_url": url, "timeout": 60.0, "max_in_flight": 10}
    client = GetimgClient(Telemetry(), **(plain | changes))
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def downloading(url: str, **changes: Any) -> AsyncIterator[Downloader]:
    """A downloader that takes pictures of what listens at `url`."""
    plain: dict[str, Any] = {"allowed_hosts": (), "max_bytes": 50_000_000, "timeout": 60.0}
    downloader = Downloader(Telemetry(), base_url=url, **(plain | changes))
    try:
        yield downloader
    finally:
        await downloader.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with listening() as it:
        yield it


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[GetimgClient]:
    async with connected(provider.url) as it:
        yield it


@pytest.fixture
async def downloader(provider: Provider) -> AsyncIterator[Downloader]:
    async with downloading(provider.url) as it:
        yield it


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that would have to wait for its turn is put off at once."""
    monkeypatch.setattr("image_grpc.getimg.limits.PATIENCE_SECONDS", 0.0)
