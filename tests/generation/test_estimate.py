"""Estimates of when a generation will finish."""

from __future__ import annotations

import asyncio
import time

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.errors import HubError
from image_grpc.generation import jobs
from image_grpc.generation.estimate import INITIAL_SECONDS, WEIGHT, Estimator
from image_grpc.hub.memory import MemoryHub
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore
from tests.generation.builders import portrait, queued
from tests.generation.conftest import CAPACITY

PRIORITIES = [Priority.PRIORITY_HIGH, Priority.PRIORITY_NORMAL, Priority.PRIORITY_LOW]


async def estimated(estimator: Estimator, priority: Priority = Priority.PRIORITY_NORMAL) -> GenerationRecord:
    record = queued(portrait(priority=priority))
    await estimator.set_estimate(record)
    return record


async def seconds(estimator: Estimator) -> float:
    """Return the estimated seconds until a new generation finishes."""
    started = time.time()
    record = await estimated(estimator)
    return record.generation.expect_finish_time.ToMilliseconds() / 1000 - started


async def fill_queue(hub: MemoryHub, count: int, priority: Priority = Priority.PRIORITY_NORMAL) -> None:
    for _ in range(count):
        await hub.publish(jobs.generate_job(queued(portrait(priority=priority)), 1), timeout=1)


async def test_the_first_estimate_is_the_initial_duration(estimator: Estimator) -> None:
    assert await seconds(estimator) == pytest.approx(INITIAL_SECONDS, abs=1)


async def test_one_generation_moves_the_estimate_by_its_weight(estimator: Estimator) -> None:
    estimator.record_duration(INITIAL_SECONDS + 100)
    assert await seconds(estimator) == pytest.approx(INITIAL_SECONDS + 100 * WEIGHT, abs=1)


@pytest.mark.parametrize("duration", [0.5, 60.0])
async def test_the_estimate_approaches_the_real_duration(estimator: Estimator, duration: float) -> None:
    for _ in range(100):
        estimator.record_duration(duration)
    assert await seconds(estimator) == pytest.approx(duration, abs=1)


async def test_the_position_counts_the_queue_of_the_priority_and_the_waiters(
    hub: MemoryHub, estimator: Estimator, semaphore: WeightedFairSemaphore[Priority]
) -> None:
    await fill_queue(hub, 3)
    await fill_queue(hub, 1, Priority.PRIORITY_HIGH)
    positions = [(await estimated(estimator, each)).generation.queue_position for each in PRIORITIES]
    assert positions == [1, 3, 0]

    async def wait() -> None:
        async with semaphore.slot(Priority.PRIORITY_LOW):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(wait()) for _ in range(CAPACITY + 2)]
    await asyncio.sleep(0)
    positions = [(await estimated(estimator, each)).generation.queue_position for each in PRIORITIES]
    assert positions == [3, 5, 2]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_expected_finish_time_grows_with_the_position(hub: MemoryHub, estimator: Estimator) -> None:
    for rounds in range(3):
        assert await seconds(estimator) == pytest.approx(INITIAL_SECONDS * (1 + rounds), abs=1)
        await fill_queue(hub, CAPACITY)


async def test_nothing_is_set_while_the_hub_cannot_report_the_length_of_the_queue(
    hub: MemoryHub, estimator: Estimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def depth(queue: str) -> int:
        raise HubError("not connected")

    monkeypatch.setattr(hub, "depth", depth)
    generation = (await estimated(estimator)).generation
    assert not generation.HasField("queue_position")
    assert not generation.HasField("expect_finish_time")
