"""The *generate* step: when GetImg.AI is called."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import StoreJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.errors import StorageServiceError
from image_grpc.generation import states
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.steps import generate
from image_grpc.generation.steps.generate import LEASE_POLL_SECONDS, NOT_CONFIGURED_SECONDS, Generated, GenerateStep
from image_grpc.hub import Ack, Retry, topology
from image_grpc.retry import MAX_INTERRUPTED_CALLS
from image_grpc.storage import UnitOfWork
from image_grpc.telemetry import Telemetry
from image_grpc.weighted_fair_semaphore import Closed, WeightedFairSemaphore
from tests.generation.builders import SIDE, portrait, provider_result, queued
from tests.generation.conftest import CAPACITY, Database, Jobs, ScriptedProvider
from tests.generation.steps.conftest import OWNER, leased

NORMAL = Priority.PRIORITY_NORMAL
GENERATING = GenerationState.GENERATION_STATE_GENERATING
STORING = GenerationState.GENERATION_STATE_STORING
FAILED = GenerationState.GENERATION_STATE_FAILED


async def test_a_picture_is_generated_and_its_result_kept(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    result = provider_result()
    provider.results.append(result)
    generated = await generate_step(record, NORMAL)
    [request] = provider.requests
    assert (request.prompt, request.model) == (record.prompt, record.generation.model)
    assert (request.size.width, request.format) == (SIDE, 1)
    assert request.reference_urls == []
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (STORING, 1)
    assert stored.provider_result == result
    assert not stored.HasField("lease")
    assert generated == Generated(stored)
    assert await jobs.count(topology.STORE_QUEUE) == 0


async def test_an_existing_result_is_left_to_a_store_job(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    record = await database.add_generation(states.storing(queued(), provider_result()))
    assert await generate_step(record, NORMAL) == Ack()
    assert provider.requests == []
    published = await jobs.take(topology.STORE_QUEUE, StoreJob)
    assert await database.requires(record, published)
    assert published[0].result == record.provider_result
    assert await database.generation(record.generation.id) == record


# Leases


async def test_the_lease_is_stored_before_the_call(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    during: list[GenerationRecord] = []

    async def look() -> None:
        during.append(await database.generation(record.generation.id))

    provider.during_call = look
    await generate_step(record, NORMAL)
    [stored] = during
    assert stored.lease.owner == OWNER
    assert stored.lease.expire_time.ToMilliseconds() / 1000 == pytest.approx(time.time() + 90, abs=10)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 1)


async def test_a_record_that_changed_meanwhile_is_not_called_for(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    await database.cancel(record.generation.id)
    with pytest.raises(generate.VersionConflict):
        await generate_step(record, NORMAL)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("seconds", "longest"), [(90.0, LEASE_POLL_SECONDS), (3.0, 3.0)], ids=["long lease", "short lease"]
)
async def test_a_lease_of_another_process_is_respected(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database, seconds: float, longest: float
) -> None:
    record = await database.add_generation(leased(queued(), owner="another", seconds=seconds))
    settlement = await generate_step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert 0 < settlement.delay <= longest
    assert settlement.delay == pytest.approx(longest, abs=2)
    assert "another" in settlement.reason
    assert provider.requests == []
    assert await database.generation(record.generation.id) == record


async def test_a_lease_is_respected_to_its_end(
    generate_step: GenerateStep, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await database.add_generation(leased(queued(), owner="another"))
    end = record.lease.expire_time.ToMilliseconds() / 1000
    monkeypatch.setattr(generate, "time", SimpleNamespace(time=lambda: end - 0.25))
    settlement = await generate_step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == pytest.approx(0.25)
    monkeypatch.setattr(generate, "time", SimpleNamespace(time=lambda: end))
    assert isinstance(await generate_step(record, NORMAL), Generated)


async def test_even_the_last_attempt_of_another_process_is_respected(
    generate_step: GenerateStep, database: Database
) -> None:
    record = await database.add_generation(leased(queued(), owner="another", attempts=MAX_INTERRUPTED_CALLS))
    assert isinstance(await generate_step(record, NORMAL), Retry)


@pytest.mark.parametrize(("owner", "seconds"), [(OWNER, 90.0), ("another", -1.0)], ids=["own", "expired"])
async def test_an_own_or_expired_lease_is_ignored(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database, owner: str, seconds: float
) -> None:
    record = await database.add_generation(leased(queued(), owner=owner, seconds=seconds))
    assert isinstance(await generate_step(record, NORMAL), Generated)
    assert len(provider.requests) == 1
    assert (await database.generation(record.generation.id)).generation.attempts == 2


@pytest.mark.parametrize(("attempts", "fails"), [(MAX_INTERRUPTED_CALLS - 1, False), (MAX_INTERRUPTED_CALLS, True)])
async def test_interrupted_calls_are_limited(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database, attempts: int, fails: bool
) -> None:
    record = await database.add_generation(leased(queued(), owner=OWNER, attempts=attempts))
    assert isinstance(await generate_step(record, NORMAL), Ack if fails else Generated)
    stored = (await database.generation(record.generation.id)).generation
    assert stored.state == (FAILED if fails else STORING)
    assert len(provider.requests) == (0 if fails else 1)
    if fails:
        assert stored.error.reason == "GENERATION_ERROR"


async def test_calls_that_were_not_interrupted_do_not_count_against_that_limit(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    released = states.released_after_call(leased(queued(), owner=OWNER, attempts=MAX_INTERRUPTED_CALLS))
    record = await database.add_generation(released)
    assert isinstance(await generate_step(record, NORMAL), Generated)
    assert len(provider.requests) == 1


# Waiting


async def test_without_an_api_key_a_job_waits(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.configured = False
    settlement = await generate_step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == NOT_CONFIGURED_SECONDS
    assert await database.generation(record.generation.id) == record


async def test_a_stopping_process_makes_no_call(
    generate_step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    semaphore: WeightedFairSemaphore[Priority],
) -> None:
    semaphore.close()
    with pytest.raises(Closed):
        await generate_step(record, NORMAL)
    assert provider.requests == []


async def test_concurrent_calls_are_limited(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    may_finish = asyncio.Event()
    calling, most = 0, 0

    async def count() -> None:
        nonlocal calling, most
        calling += 1
        most = max(most, calling)
        if calling == CAPACITY:
            may_finish.set()
        await may_finish.wait()
        calling -= 1

    provider.during_call = count
    records = [await database.add_generation(queued(portrait(details=str(number)))) for number in range(10)]
    await asyncio.gather(*(generate_step(each, NORMAL) for each in records))
    assert most == CAPACITY


async def test_a_lease_whose_storing_failed_is_no_interrupted_call(
    generate_step: GenerateStep, database: Database, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply was late, so the job comes back and finds its own lease, without a call."""
    record = await database.add_generation(queued())
    commit = GenerationRepository.commit

    async def late(self: GenerationRepository, unit: UnitOfWork) -> GenerationRecord:
        await commit(self, unit)
        raise StorageServiceError("no reply", retry_delay=1.0)

    monkeypatch.setattr(GenerationRepository, "commit", late)
    for _ in range(MAX_INTERRUPTED_CALLS + 1):
        with pytest.raises(StorageServiceError):
            await generate_step(record, NORMAL)
        record = await database.generation(record.generation.id)
        assert record.generation.attempts == 1
    assert provider.requests == []
    monkeypatch.undo()
    assert isinstance(await generate_step(record, NORMAL), Generated)
    assert len(provider.requests) == 1


async def test_an_interrupted_call_is_counted_with_its_expected_cost(
    generate_step: GenerateStep, database: Database, provider: ScriptedProvider, telemetry: Telemetry
) -> None:
    record = leased(queued(), owner="ended", seconds=-1)
    price = {"amount": "0.04", "currency": "USD", "unit": "image"}
    provider.models[record.generation.model] = Model(id=record.generation.model, prices=[price])
    await database.add(record)
    assert isinstance(await generate_step(await database.generation(record.generation.id), NORMAL), Generated)
    assert telemetry.counters.interrupted_calls == 1
    assert str(telemetry.counters.interrupted_cost) == "0.04"
