"""The *generate* step: when GetImg.AI is called, and what becomes of its result or failure."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import SimpleNamespace

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import StoreJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import ApiError, GenerationError, GetimgNotConfigured, StorageServiceError
from image_grpc.generation import states
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.steps import generate
from image_grpc.generation.steps.generate import (
    LEASE_POLL_SECONDS,
    NOT_CONFIGURED_DELAY,
    PUBLISH_ATTEMPTS,
    GeneratePolicy,
    GenerateStep,
)
from image_grpc.generation.steps.references import ReferenceLoader
from image_grpc.generation.weighted_fair_semaphore import Closed, WeightedFairSemaphore
from image_grpc.getimg import CallNotSent
from image_grpc.hub import Ack, Outcome, Retry, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.retry import MAX_INTERRUPTED_CALLS, PEER_UNAVAILABLE_DELAY, GenerationLimits
from image_grpc.storage import Storage
from tests.generation.builders import SIDE, portrait, provider_result, queued
from tests.generation.conftest import CAPACITY, Database, Jobs, ScriptedProvider
from tests.generation.memory_storage import MemoryStorageService, Refused

NORMAL = Priority.PRIORITY_NORMAL
GENERATING = GenerationState.GENERATION_STATE_GENERATING
STORING = GenerationState.GENERATION_STATE_STORING
FAILED = GenerationState.GENERATION_STATE_FAILED
OWNER = "this-process"
LIMITS = GenerationLimits(max_attempts=3, timeout=600)


class Outcomes:
    """What the hub returns for the next publications; then it confirms them."""

    def __init__(self, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> None:
        self._publish = hub.publish
        self.next: deque[Outcome] = deque()
        self.attempts = 0
        monkeypatch.setattr(hub, "publish", self.publish)

    async def publish(self, message: OutboundMessage, **options: float) -> Outcome:
        if message.routing_key != topology.STORE_QUEUE:
            return await self._publish(message, **options)
        self.attempts += 1
        if self.next:
            return self.next.popleft()
        return await self._publish(message, **options)


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "HOLD_SECONDS", 0.01)


@pytest.fixture
def outcomes(hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    return Outcomes(hub, monkeypatch)


@pytest.fixture
def step(
    generations: GenerationRepository,
    provider: ScriptedProvider,
    storage: Storage,
    semaphore: WeightedFairSemaphore[Priority],
    hub: MemoryHub,
) -> GenerateStep:
    policy = GeneratePolicy(owner=OWNER, lease_seconds=90, limits=LIMITS)
    return GenerateStep(generations, provider, ReferenceLoader(storage), semaphore, hub, policy)  # type: ignore[arg-type]


@pytest.fixture
async def record(database: Database) -> GenerationRecord:
    """A queued generation, as stored."""
    return await database.add_generation(queued())


def leased(record: GenerationRecord, *, owner: str, seconds: float = 90.0, attempts: int = 1) -> GenerationRecord:
    """Return a generation that a process was working on."""
    record = states.generating(record, owner=owner, lease_seconds=seconds)
    record.generation.attempts = attempts
    return record


async def test_a_picture_is_generated_and_handed_over(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    result = provider_result()
    provider.results.append(result)
    assert await step(record, NORMAL) == Ack()
    [request] = provider.requests
    assert (request.prompt, request.model) == (record.prompt, record.generation.model)
    assert (request.size.width, request.format) == (SIDE, 1)
    assert request.reference_urls == []
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (STORING, 1)
    assert stored.provider_result == result
    assert not stored.HasField("lease")
    assert await jobs.take(topology.STORE_QUEUE, StoreJob) == [
        StoreJob(generation_id=record.generation.id, result=result)
    ]


async def test_an_existing_result_is_handed_over_without_a_call(
    step: GenerateStep, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    record = await database.add_generation(states.storing(queued(), provider_result()))
    assert await step(record, NORMAL) == Ack()
    assert provider.requests == []
    [job] = await jobs.take(topology.STORE_QUEUE, StoreJob)
    assert job == StoreJob(generation_id=record.generation.id, result=record.provider_result)
    assert await database.generation(record.generation.id) == record


# Leases


async def test_the_lease_is_stored_before_the_call(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    during: list[GenerationRecord] = []

    async def look() -> None:
        during.append(await database.generation(record.generation.id))

    provider.during_call = look
    await step(record, NORMAL)
    [stored] = during
    assert stored.lease.owner == OWNER
    assert stored.lease.expire_time.ToMilliseconds() / 1000 == pytest.approx(time.time() + 90, abs=10)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 1)


async def test_a_record_that_changed_meanwhile_is_not_called_for(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    await database.cancel(record.generation.id)
    with pytest.raises(generate.VersionConflict):
        await step(record, NORMAL)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("seconds", "longest"), [(90.0, LEASE_POLL_SECONDS), (3.0, 3.0)], ids=["long lease", "short lease"]
)
async def test_a_lease_of_another_process_is_respected(
    step: GenerateStep, provider: ScriptedProvider, database: Database, seconds: float, longest: float
) -> None:
    record = await database.add_generation(leased(queued(), owner="another", seconds=seconds))
    settlement = await step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert 0 < settlement.delay <= longest
    assert settlement.delay == pytest.approx(longest, abs=2)
    assert "another" in settlement.reason
    assert provider.requests == []
    assert await database.generation(record.generation.id) == record


async def test_a_lease_is_respected_to_its_end(
    step: GenerateStep, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await database.add_generation(leased(queued(), owner="another"))
    end = record.lease.expire_time.ToMilliseconds() / 1000
    monkeypatch.setattr(generate, "time", SimpleNamespace(time=lambda: end - 0.25))
    settlement = await step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == pytest.approx(0.25)
    monkeypatch.setattr(generate, "time", SimpleNamespace(time=lambda: end))
    assert await step(record, NORMAL) == Ack()


async def test_even_the_last_attempt_of_another_process_is_respected(step: GenerateStep, database: Database) -> None:
    record = await database.add_generation(leased(queued(), owner="another", attempts=MAX_INTERRUPTED_CALLS))
    assert isinstance(await step(record, NORMAL), Retry)


@pytest.mark.parametrize(("owner", "seconds"), [(OWNER, 90.0), ("another", -1.0)], ids=["own", "expired"])
async def test_an_own_or_expired_lease_is_ignored(
    step: GenerateStep, provider: ScriptedProvider, database: Database, owner: str, seconds: float
) -> None:
    record = await database.add_generation(leased(queued(), owner=owner, seconds=seconds))
    assert await step(record, NORMAL) == Ack()
    assert len(provider.requests) == 1
    assert (await database.generation(record.generation.id)).generation.attempts == 2


@pytest.mark.parametrize(("attempts", "fails"), [(MAX_INTERRUPTED_CALLS - 1, False), (MAX_INTERRUPTED_CALLS, True)])
async def test_interrupted_calls_are_limited(
    step: GenerateStep, provider: ScriptedProvider, database: Database, attempts: int, fails: bool
) -> None:
    record = await database.add_generation(leased(queued(), owner=OWNER, attempts=attempts))
    assert await step(record, NORMAL) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert stored.state == (FAILED if fails else STORING)
    assert len(provider.requests) == (0 if fails else 1)
    if fails:
        assert stored.error.reason == "GENERATION_ERROR"


async def test_calls_that_were_not_interrupted_do_not_count_against_that_limit(
    step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    released = states.released_after_call(leased(queued(), owner=OWNER, attempts=MAX_INTERRUPTED_CALLS))
    record = await database.add_generation(released)
    assert await step(record, NORMAL) == Ack()
    assert len(provider.requests) == 1


# Waiting


async def test_without_an_api_key_a_job_waits(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.configured = False
    settlement = await step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == NOT_CONFIGURED_DELAY
    assert await database.generation(record.generation.id) == record


async def test_a_stopping_process_makes_no_call(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, semaphore: WeightedFairSemaphore[Priority]
) -> None:
    semaphore.close()
    with pytest.raises(Closed):
        await step(record, NORMAL)
    assert provider.requests == []


async def test_concurrent_calls_are_limited(step: GenerateStep, provider: ScriptedProvider, database: Database) -> None:
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
    await asyncio.gather(*(step(each, NORMAL) for each in records))
    assert most == CAPACITY


# Failures


async def test_a_failure_that_may_pass_is_retried_and_counts(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.results.append(ApiError("HTTP 500", metadata={"http_status": "500"}, retry_delay=1.0))
    assert await step(record, NORMAL) == Retry(1.0, "HTTP 500")
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 1)
    assert not stored.HasField("lease")


async def test_a_call_that_was_not_sent_is_retried_and_does_not_count(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.results.append(CallNotSent("no connection", retry_delay=1.0))
    assert await step(record, NORMAL) == Retry(1.0, "no connection")
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 0)
    assert not stored.HasField("lease")


async def test_a_paused_provider_leaves_the_generation_queued(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.slot_error = CallNotSent("rate limit", retry_delay=7.0)
    assert await step(record, NORMAL) == Retry(5.0, "rate limit")
    assert await database.generation(record.generation.id) == record


async def test_a_paused_provider_does_not_take_back_an_interrupted_call(
    step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    """It may have been billed."""
    record = await database.add_generation(leased(queued(), owner=OWNER, attempts=2))
    provider.slot_error = CallNotSent("rate limit", retry_delay=1.0)
    assert await step(record, NORMAL) == Retry(1.0, "rate limit")
    assert await database.generation(record.generation.id) == record


@pytest.mark.parametrize(("attempts", "fails"), [(1, False), (2, True)])
async def test_attempts_are_limited(
    step: GenerateStep, provider: ScriptedProvider, database: Database, attempts: int, fails: bool
) -> None:
    released = states.released_after_call(leased(queued(), owner=OWNER, attempts=attempts))
    record = await database.add_generation(released)
    provider.results.append(ApiError("HTTP 500", metadata={"http_status": "500"}, retry_delay=1.0))
    settlement = await step(record, NORMAL)
    assert (settlement == Ack()) is fails
    stored = (await database.generation(record.generation.id)).generation
    assert stored.attempts == attempts + 1
    assert (stored.state == FAILED) is fails


async def test_a_generation_that_takes_too_long_fails(
    step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    old = states.released_after_call(leased(queued(), owner=OWNER))
    old.generation.start_time.FromSeconds(int(time.time() - LIMITS.timeout))
    record = await database.add_generation(old)
    provider.results.append(CallNotSent("no connection", retry_delay=1.0))
    assert await step(record, NORMAL) == Ack()
    assert (await database.generation(record.generation.id)).generation.state == FAILED


@pytest.mark.parametrize(
    "failure",
    [ApiError("HTTP 400"), GenerationError("no picture"), GetimgNotConfigured("no key")],
    ids=lambda failure: failure.reason,
)
async def test_a_permanent_failure_ends_the_generation(
    step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    database: Database,
    jobs: Jobs,
    failure: ApiError,
) -> None:
    provider.results.append(failure)
    assert await step(record, NORMAL) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, failure.reason)
    assert await jobs.count(topology.STORE_QUEUE) == 0


async def test_an_unexpected_exception_ends_the_generation_without_details(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    """The call may have been billed, so it is not repeated."""
    provider.results.append(ValueError("secret"))
    assert await step(record, NORMAL) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, "GENERATION_ERROR")
    assert "secret" not in stored.error.message
    assert len(provider.requests) == 1


# Handing over


@pytest.mark.parametrize("refusals", [1, PUBLISH_ATTEMPTS - 1])
async def test_a_publication_is_repeated(
    step: GenerateStep, record: GenerationRecord, outcomes: Outcomes, jobs: Jobs, refusals: int
) -> None:
    outcomes.next.extend([Outcome.UNKNOWN] * refusals)
    assert await step(record, NORMAL) == Ack()
    assert outcomes.attempts == refusals + 1
    assert await jobs.count(topology.STORE_QUEUE) == 1


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN, Outcome.RETURNED])
async def test_the_result_is_kept_while_the_hub_refuses(
    step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    database: Database,
    outcomes: Outcomes,
    outcome: Outcome,
) -> None:
    outcomes.next.extend([outcome] * PUBLISH_ATTEMPTS)
    settlement = await step(record, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == PEER_UNAVAILABLE_DELAY
    assert outcomes.attempts == PUBLISH_ATTEMPTS
    kept = await database.generation(record.generation.id)
    assert kept.generation.state == STORING
    assert await step(kept, NORMAL) == Ack()
    assert len(provider.requests) == 1


async def test_the_hub_alone_makes_a_result_durable(
    step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    storage_service: MemoryStorageService,
    jobs: Jobs,
) -> None:
    async def fail() -> None:
        storage_service.refusals = [Refused("INTERNAL", "the database failed")]

    provider.during_call = fail
    assert await step(record, NORMAL) == Ack()
    assert storage_service.refusals == []
    assert await jobs.count(topology.STORE_QUEUE) == 1


async def test_a_result_that_cannot_be_kept_anywhere_is_held(
    step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    database: Database,
    storage_service: MemoryStorageService,
    outcomes: Outcomes,
) -> None:
    async def fail() -> None:
        storage_service.refusals = [Refused("INTERNAL", "the database failed") for _ in range(2)]

    provider.during_call = fail
    outcomes.next.extend([Outcome.REFUSED] * (2 * PUBLISH_ATTEMPTS))
    assert await step(record, NORMAL) == Ack()
    assert len(provider.requests) == 1
    assert outcomes.attempts == 2 * PUBLISH_ATTEMPTS + 1
    assert (await database.generation(record.generation.id)).generation.state == STORING


async def test_a_record_that_changes_during_the_call_does_not_lose_the_result(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    async def touch() -> None:
        await database.touch(record.generation.id)

    provider.during_call = touch
    assert await step(record, NORMAL) == Ack()
    assert await jobs.count(topology.STORE_QUEUE) == 1


async def test_the_storage_service_must_be_available_before_the_call(
    step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, storage_service: MemoryStorageService
) -> None:
    async def fail(_: StoreRequest) -> None:
        storage_service.refusals = [Refused("INTERNAL", "the database failed")]

    storage_service.before_store = fail
    with pytest.raises(StorageServiceError):
        await step(record, NORMAL)
    assert provider.requests == []
