"""The *generate* step: what becomes of a failed call to GetImg.AI."""

from __future__ import annotations

import time

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.errors import ApiError, GenerationError, GetimgNotConfigured
from image_grpc.generation import states
from image_grpc.generation.steps.generate import GenerateStep
from image_grpc.getimg import CallNotSent
from image_grpc.hub import Ack, Retry, topology
from tests.generation.builders import queued
from tests.generation.conftest import Database, Jobs, ScriptedProvider
from tests.generation.steps.conftest import LIMITS, OWNER, leased

NORMAL = Priority.PRIORITY_NORMAL
GENERATING = GenerationState.GENERATION_STATE_GENERATING
FAILED = GenerationState.GENERATION_STATE_FAILED


async def test_a_failure_that_may_pass_is_retried_and_counts(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.results.append(ApiError("HTTP 500", metadata={"http_status": "500"}, retry_delay=1.0))
    assert await generate_step(record, NORMAL) == Retry(1.0, "HTTP 500")
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 1)
    assert not stored.HasField("lease")


async def test_a_call_that_was_not_sent_is_retried_and_does_not_count(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.results.append(CallNotSent("no connection", retry_delay=1.0))
    assert await generate_step(record, NORMAL) == Retry(1.0, "no connection")
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.attempts) == (GENERATING, 0)
    assert not stored.HasField("lease")


async def test_a_paused_provider_leaves_the_generation_queued(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    provider.slot_error = CallNotSent("rate limit", retry_delay=7.0)
    assert await generate_step(record, NORMAL) == Retry(5.0, "rate limit")
    assert await database.generation(record.generation.id) == record


async def test_a_paused_provider_does_not_take_back_an_interrupted_call(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    """It may have been billed."""
    record = await database.add_generation(leased(queued(), owner=OWNER, attempts=2))
    provider.slot_error = CallNotSent("rate limit", retry_delay=1.0)
    assert await generate_step(record, NORMAL) == Retry(1.0, "rate limit")
    assert await database.generation(record.generation.id) == record


@pytest.mark.parametrize(("attempts", "fails"), [(1, False), (2, True)])
async def test_attempts_are_limited(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database, attempts: int, fails: bool
) -> None:
    released = states.released_after_call(leased(queued(), owner=OWNER, attempts=attempts))
    record = await database.add_generation(released)
    provider.results.append(ApiError("HTTP 500", metadata={"http_status": "500"}, retry_delay=1.0))
    settlement = await generate_step(record, NORMAL)
    assert (settlement == Ack()) is fails
    stored = (await database.generation(record.generation.id)).generation
    assert stored.attempts == attempts + 1
    assert (stored.state == FAILED) is fails


async def test_a_generation_that_takes_too_long_fails(
    generate_step: GenerateStep, provider: ScriptedProvider, database: Database
) -> None:
    old = states.released_after_call(leased(queued(), owner=OWNER))
    old.generation.start_time.FromSeconds(int(time.time() - LIMITS.timeout))
    record = await database.add_generation(old)
    provider.results.append(CallNotSent("no connection", retry_delay=1.0))
    assert await generate_step(record, NORMAL) == Ack()
    assert (await database.generation(record.generation.id)).generation.state == FAILED


@pytest.mark.parametrize(
    "failure",
    [ApiError("HTTP 400"), GenerationError("no picture"), GetimgNotConfigured("no key")],
    ids=lambda failure: failure.reason,
)
async def test_a_permanent_failure_ends_the_generation(
    generate_step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    database: Database,
    jobs: Jobs,
    failure: ApiError,
) -> None:
    provider.results.append(failure)
    assert await generate_step(record, NORMAL) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, failure.reason)
    assert await jobs.count(topology.STORE_QUEUE) == 0


async def test_an_unexpected_exception_ends_the_generation_without_details(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database
) -> None:
    """The call may have been billed, so it is not repeated."""
    provider.results.append(ValueError("secret"))
    assert await generate_step(record, NORMAL) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, "GENERATION_ERROR")
    assert "secret" not in stored.error.message
    assert len(provider.requests) == 1
