"""Unfinished generations are counted by state."""

from __future__ import annotations

import pytest

from image_grpc.background import background
from image_grpc.errors import StorageServiceError
from image_grpc.generation import census, states
from image_grpc.generation.census import GenerationCensus
from image_grpc.storage import ImageStorageClient
from image_grpc_testkit.eventually import eventually
from tests.generation.builders import provider_result, queued
from tests.generation.conftest import Database


async def test_each_unfinished_state_is_counted(client: ImageStorageClient, database: Database) -> None:
    counted = GenerationCensus(client)
    assert counted.counts == {}
    await counted.count()
    assert counted.counts == {"queued": 0, "generating": 0, "storing": 0}
    await database.add(
        *(queued() for _ in range(3)),
        *(states.generating(queued(), owner="a", lease_seconds=60) for _ in range(2)),
        states.storing(queued(), provider_result()),
        states.cancelled(queued()),
    )
    await counted.count()
    assert counted.counts == {"queued": 3, "generating": 2, "storing": 1}


async def test_counting_goes_on_after_a_failure(client: ImageStorageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[Exception] = [StorageServiceError("unavailable"), RuntimeError("unexpected")]
    counted, count = GenerationCensus(client), GenerationCensus.count

    async def fail_first(self: GenerationCensus) -> None:
        if failures:
            raise failures.pop()
        await count(self)

    monkeypatch.setattr(census, "INTERVAL_SECONDS", 0.001)
    monkeypatch.setattr(GenerationCensus, "count", fail_first)
    async with background(counted.run(), name="census"):
        await eventually(lambda: bool(counted.counts), "the generations are counted")
