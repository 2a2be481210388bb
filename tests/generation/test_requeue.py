"""Generations whose job was lost are noticed, and their job is queued again."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.errors import GenerationNotFound
from image_grpc.generation import jobs as job_messages
from image_grpc.generation import requeue, states
from image_grpc.generation.requeue import StalledGenerations, requeue_selected
from image_grpc.hub import topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.storage import Storage
from image_grpc.telemetry_counters import Counters
from tests.generation.builders import new_id, provider_result, queued
from tests.generation.conftest import Database, Jobs, ScriptedProvider

QUEUE = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]
STALLED_AFTER = 120.0


class Sweeps:
    """Sweeps at chosen times after the generations were stored."""

    def __init__(self, hub: MemoryHub, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counters, self.provider = Counters(), ScriptedProvider()
        provider: Any = self.provider
        self._stalled = StalledGenerations(
            hub, storage, provider, self.counters, stalled_after=STALLED_AFTER, capacity=3
        )
        self._monkeypatch = monkeypatch

    async def after(self, seconds: float) -> int:
        """Sweep, and return how many generations were requeued so far."""
        self._monkeypatch.setattr(requeue, "time", SimpleNamespace(time=lambda: time.time() + seconds))
        await self._stalled.sweep()
        return self.counters.generations_requeued


@pytest.fixture
def sweeps(hub: MemoryHub, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Sweeps:
    return Sweeps(hub, storage, monkeypatch)


async def test_a_lost_job_is_queued_again_once_its_generation_is_stalled(
    sweeps: Sweeps, database: Database, jobs: Jobs
) -> None:
    waiting, generated = queued(), states.storing(queued(), provider_result())
    await database.add(waiting, generated, states.cancelled(queued()))
    assert await sweeps.after(STALLED_AFTER - 10) == 0
    assert await sweeps.after(STALLED_AFTER + 1) == 2
    assert await database.requires(waiting, await jobs.take(QUEUE, GenerateJob))
    assert await database.requires(generated, await jobs.take(topology.STORE_QUEUE, StoreJob))
    assert sweeps.counters.generations_stalled == 2


async def test_each_time_it_waits_twice_as_long(sweeps: Sweeps, database: Database, jobs: Jobs) -> None:
    await database.add(queued())
    for count in range(1, 5):
        limit = STALLED_AFTER * 2 ** (count - 1)
        assert await sweeps.after(limit - 10) == count - 1
        assert await sweeps.after(limit + 1) == count
        await jobs.take(QUEUE, GenerateJob)


async def test_a_generation_that_waits_its_turn_is_not_stalled(
    sweeps: Sweeps, database: Database, hub: MemoryHub
) -> None:
    waiting = queued()
    await database.add(waiting)
    await hub.publish(job_messages.generate_job(waiting, waiting.generation.version), timeout=1)
    assert await sweeps.after(STALLED_AFTER + 1) == 0


async def test_a_generation_that_was_overtaken_is_stalled_although_its_queue_is_not_empty(
    sweeps: Sweeps, database: Database, hub: MemoryHub
) -> None:
    lost, waiting = queued(), queued()
    await database.add(lost)
    await database.add(states.generating(queued(), owner="a", lease_seconds=3600))
    await database.add(waiting)
    await hub.publish(job_messages.generate_job(waiting, waiting.generation.version), timeout=1)
    assert await sweeps.after(STALLED_AFTER + 1) == 1
    assert (await database.generation(lost.generation.id)).requeues == 1


@pytest.mark.parametrize(("lease", "count"), [(600, 0), (30, 1)])
async def test_a_leased_generation_is_not_stalled(sweeps: Sweeps, database: Database, lease: float, count: int) -> None:
    await database.add(states.generating(queued(), owner="a", lease_seconds=lease))
    assert await sweeps.after(STALLED_AFTER + 40) == count


async def test_jobs_that_a_busy_process_may_hold_are_not_stalled(sweeps: Sweeps, database: Database) -> None:
    await database.add(queued())
    for _ in range(3):
        await database.add(states.generating(queued(), owner="a", lease_seconds=3600))
    assert await sweeps.after(STALLED_AFTER + 1) == 0


async def test_nothing_is_requeued_without_an_api_key(sweeps: Sweeps, database: Database) -> None:
    await database.add(queued())
    sweeps.provider.configured = False
    assert await sweeps.after(STALLED_AFTER + 1) == 0


async def test_an_operator_requeues_by_id_or_by_idle_time(storage: Storage, database: Database, jobs: Jobs) -> None:
    chosen, other, ended = queued(), queued(), states.cancelled(queued())
    await database.add(chosen, other, ended)

    def ids(*records: GenerationRecord) -> list[str]:
        return [record.generation.id for record in records]

    assert await requeue_selected(storage, ids(chosen, ended), idle_for=timedelta(hours=1)) == 1
    assert await database.requires(chosen, await jobs.take(QUEUE, GenerateJob))
    assert await requeue_selected(storage, (), idle_for=timedelta(hours=1)) == 0
    assert await requeue_selected(storage, (), idle_for=timedelta()) == 2
    pointer = states.served_by(queued(), ended)
    await database.add(pointer)
    assert await requeue_selected(storage, ids(pointer), idle_for=timedelta()) == 0
    with pytest.raises(GenerationNotFound):
        await requeue_selected(storage, [new_id()], idle_for=timedelta())
