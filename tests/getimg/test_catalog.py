from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from getimg_standin import MODELS
from image_grpc.getimg import CallNotSent, GetimgClient
from image_grpc.getimg.connection import Connection, GetimgConfig
from image_grpc.getimg.limits import CircuitBreaker, RateLimiter
from image_grpc.getimg.models import MAX_AGE_SECONDS, Catalog
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS
from tests.getimg.conftest import CATALOG, INCOMPLETE, JSON, KEY, FakeClock, connected, generate_failure
from tests.getimg.scripted_server import EndlessResponse, response, scripted_server
from tests.service import Provider


@asynccontextmanager
async def catalog_of(url: str, clock: FakeClock) -> AsyncIterator[Catalog]:
    config = GetimgConfig(api_key=KEY, base_url=url, timeout=60, max_in_flight=10)
    connection = Connection(config, RateLimiter(10), CircuitBreaker(10, 10))
    try:
        yield Catalog(connection, clock=clock)
    finally:
        await connection.close()


async def test_models_are_those_of_the_api(client: GetimgClient) -> None:
    models = {model.id: model for model in await client.models()}
    assert list(models) == list(MODELS)
    for expected in MODELS.values():
        model = models[expected.id]
        assert tuple(model.aspect_ratios) == expected.aspect_ratios
        assert tuple(model.resolutions) == expected.resolutions
        assert model.max_reference_images == expected.max_references
        assert model.display_name == expected.name
        if expected.lists_rates:
            assert {price.amount for price in model.prices} == {str(price) for price in expected.prices.values()}


async def test_the_catalog_is_read_once_until_it_is_too_old(clock: FakeClock) -> None:
    async with scripted_server(CATALOG) as server, catalog_of(server.url, clock) as catalog:
        await asyncio.gather(*(catalog.models() for _ in range(5)))
        assert server.requested_paths == ["/v2/models?type=image"]
        clock.now += MAX_AGE_SECONDS
        await catalog.models()
        assert len(server.requested_paths) == 1
        clock.now += 1
        await catalog.models()
        assert len(server.requested_paths) == 2


async def test_the_previous_catalog_stays_in_use_if_a_refresh_fails(clock: FakeClock) -> None:
    responses = {"/v2/models": CATALOG}
    async with scripted_server(responses) as server, catalog_of(server.url, clock) as catalog:
        previous = await catalog.models()
        clock.now += MAX_AGE_SECONDS + 1
        responses["/v2/models"] = response(b"{}", "503 Service Unavailable", JSON)
        assert await catalog.models() == previous
        assert len(server.requested_paths) == 2
        responses["/v2/models"] = CATALOG
        await catalog.models()
        assert len(server.requested_paths) == 3, "the next call tries again"


async def test_a_model_that_the_catalog_lacks_is_not_requested(client: GetimgClient, provider: Provider) -> None:
    failure = await generate_failure(client, model="mona-lisa")
    assert failure.retry_delay is None
    assert provider.standin.calls == 0


@pytest.mark.parametrize("body", [b"", INCOMPLETE + b"[", INCOMPLETE], ids=["cut", "half", "head"])
async def test_an_unreadable_catalog_means_that_no_generation_was_sent(body: bytes) -> None:
    async with scripted_server(body) as server, connected(server.url) as client:
        failure = await generate_failure(client)
    assert isinstance(failure, CallNotSent)
    assert failure.retry_delay is not None


async def test_a_catalog_that_times_out_means_that_no_generation_was_sent() -> None:
    async with scripted_server(EndlessResponse(INCOMPLETE)) as server, connected(server.url, timeout=0.1) as client:
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            failure = await generate_failure(client)
    assert isinstance(failure, CallNotSent)
