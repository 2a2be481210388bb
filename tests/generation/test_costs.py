"""Recorded costs are compared with those that GetImg.AI reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import structlog

from getimg_standin import Fault
from image_grpc.errors import ApiError
from image_grpc.generation import costs
from image_grpc.generation.costs import CostReconciler, compare_costs
from image_grpc.getimg import GetimgClient, GetimgConfig
from image_grpc.storage import CacheLimits, ImageStorageClient, ReadCache, Storage
from image_grpc.telemetry import Telemetry
from tests.getimg.conftest import generate
from tests.service import PRICE, Service, portrait, service

TODAY = datetime.now(UTC).date()


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path) as running:
        yield running


@asynccontextmanager
async def getimg(platform: Service, api_key: str) -> AsyncIterator[GetimgClient]:
    """Connect to the stand-in with a key within the block."""
    config = GetimgConfig(api_key=api_key, base_url=platform.provider.url, timeout=60, max_in_flight=100)
    client = GetimgClient(Telemetry(), config)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(platform: Service) -> AsyncIterator[GetimgClient]:
    async with getimg(platform, platform.standin.api_key) as client:
        yield client


def storage_of(platform: Service) -> tuple[Storage, ImageStorageClient]:
    telemetry = Telemetry()
    client = ImageStorageClient(platform.running.hub, telemetry, timeout=60)
    cache = ReadCache(client, telemetry.counters, CacheLimits(max_records=1, max_bytes=1))
    return Storage(client, cache), client


def reconciler(platform: Service, client: GetimgClient) -> CostReconciler:
    return CostReconciler(*storage_of(platform), client)


async def test_the_costs_of_each_day_are_compared(
    platform: Service, client: GetimgClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "PAGE_SIZE", 2)
    platform.standin.add_fault(Fault(kind="gone", count=1))  # billed twice
    for number in range(4):
        await platform.generate(portrait(details=str(number)))
    await platform.generate(portrait(details="1"))  # from the cache
    storage, _ = storage_of(platform)
    days = await compare_costs(storage, client, TODAY - timedelta(days=1), TODAY + timedelta(days=1))
    assert [each.day for each in days] == [TODAY + timedelta(days=offset) for offset in (-1, 0, 1)]
    assert (days[0].reported, days[0].recorded) == (0, 0)
    assert sum(each.reported for each in days) == platform.standin.calls * Decimal(PRICE)
    assert sum(each.recorded for each in days) == platform.standin.calls * Decimal(PRICE)
    assert not any(each.differs for each in days)


async def test_what_is_in_no_record_is_a_difference(
    platform: Service, client: GetimgClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "TOLERATED", Decimal("0.1"))
    await platform.generate(portrait())
    await asyncio.gather(*(generate(client) for _ in range(24)))  # by others with the same account
    with structlog.testing.capture_logs() as logs:
        comparing = reconciler(platform, client)
        await comparing.compare(TODAY)
    assert comparing.latest is not None
    assert comparing.latest.difference == Decimal("0.12")
    [warning] = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (warning["reported"], warning["recorded"]) == ("0.125", "0.005")


async def test_one_of_several_processes_compares_a_day(platform: Service, client: GetimgClient) -> None:
    first, second = reconciler(platform, client), reconciler(platform, client)
    for each in (first, second, first):
        await each.compare(TODAY)
    assert first.latest is not None
    assert second.latest is None
    await second.compare(TODAY - timedelta(days=10))
    assert second.latest is not None


async def test_a_comparison_that_fails_is_made_again(
    platform: Service, client: GetimgClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "COMPARISON", timedelta(microseconds=1))
    async with getimg(platform, "wrong") as refused:
        with pytest.raises(ApiError):
            await reconciler(platform, refused).compare(TODAY)
    second = reconciler(platform, client)
    await second.compare(TODAY)
    assert second.latest is not None


async def test_a_day_is_compared_once_however_long_it_takes(
    platform: Service, client: GetimgClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "COMPARISON", timedelta(microseconds=1))
    first, second = reconciler(platform, client), reconciler(platform, client)
    await first.compare(TODAY)
    await second.compare(TODAY)
    assert second.latest is None


async def test_the_difference_is_that_of_the_last_day_that_is_settled(platform: Service, client: GetimgClient) -> None:
    comparing, settled = reconciler(platform, client), costs._last_settled_day()
    assert comparing.difference is None
    comparing.latest = costs.DailyCosts(day=settled, reported=Decimal(2), recorded=Decimal(1))
    assert comparing.difference == 1
    comparing.latest = costs.DailyCosts(day=settled - timedelta(days=1), reported=Decimal(2), recorded=Decimal(1))
    assert comparing.difference is None
