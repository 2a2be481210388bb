"""The *generate* step: no billed result is lost."""

from __future__ import annotations

import pytest
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import StorageServiceError
from image_grpc.generation import states
from image_grpc.generation.steps.generate import PUBLISH_ATTEMPTS, Generated, GenerateStep
from image_grpc.hub import Ack, Outcome, Retry, topology
from image_grpc.retry import PEER_UNAVAILABLE_SECONDS
from tests.generation.builders import provider_result, queued
from tests.generation.conftest import Database, Jobs, ScriptedProvider
from tests.generation.memory_storage import MemoryStorageService, Refused
from tests.generation.steps.conftest import Outcomes

NORMAL = Priority.PRIORITY_NORMAL
STORING = GenerationState.GENERATION_STATE_STORING


@pytest.fixture
async def kept(database: Database) -> GenerationRecord:
    """A generation whose result is in its record already, as stored."""
    return await database.add_generation(states.storing(queued(), provider_result()))


@pytest.mark.parametrize("refusals", [1, PUBLISH_ATTEMPTS - 1])
async def test_a_publication_is_repeated(
    generate_step: GenerateStep, kept: GenerationRecord, outcomes: Outcomes, jobs: Jobs, refusals: int
) -> None:
    outcomes.next.extend([Outcome.UNKNOWN] * refusals)
    assert await generate_step(kept, NORMAL) == Ack()
    assert outcomes.attempts == refusals + 1
    assert await jobs.count(topology.STORE_QUEUE) == 1


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNKNOWN, Outcome.RETURNED])
async def test_a_job_waits_while_the_hub_refuses_the_next_one(
    generate_step: GenerateStep,
    kept: GenerationRecord,
    provider: ScriptedProvider,
    outcomes: Outcomes,
    outcome: Outcome,
) -> None:
    outcomes.next.extend([outcome] * PUBLISH_ATTEMPTS)
    settlement = await generate_step(kept, NORMAL)
    assert isinstance(settlement, Retry)
    assert settlement.delay == PEER_UNAVAILABLE_SECONDS
    assert outcomes.attempts == PUBLISH_ATTEMPTS
    assert await generate_step(kept, NORMAL) == Ack()
    assert provider.requests == []


async def test_the_hub_alone_makes_a_result_durable(
    generate_step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    storage_service: MemoryStorageService,
    jobs: Jobs,
) -> None:
    async def fail() -> None:
        storage_service.refusals = [Refused("INTERNAL", "the database failed")]

    provider.during_call = fail
    assert await generate_step(record, NORMAL) == Ack()
    assert storage_service.refusals == []
    assert await jobs.count(topology.STORE_QUEUE) == 1


async def test_a_result_that_cannot_be_kept_anywhere_is_held(
    generate_step: GenerateStep,
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
    assert isinstance(await generate_step(record, NORMAL), Generated)
    assert len(provider.requests) == 1
    assert outcomes.attempts == 2 * PUBLISH_ATTEMPTS
    assert (await database.generation(record.generation.id)).generation.state == STORING


async def test_a_record_that_changes_during_the_call_does_not_lose_the_result(
    generate_step: GenerateStep, record: GenerationRecord, provider: ScriptedProvider, database: Database, jobs: Jobs
) -> None:
    async def touch() -> None:
        await database.touch(record.generation.id)

    provider.during_call = touch
    assert await generate_step(record, NORMAL) == Ack()
    assert await jobs.count(topology.STORE_QUEUE) == 1


async def test_the_storage_service_must_be_available_before_the_call(
    generate_step: GenerateStep,
    record: GenerationRecord,
    provider: ScriptedProvider,
    storage_service: MemoryStorageService,
) -> None:
    async def fail(_: StoreRequest) -> None:
        storage_service.refusals = [Refused("INTERNAL", "the database failed")]

    storage_service.before_store = fail
    with pytest.raises(StorageServiceError):
        await generate_step(record, NORMAL)
    assert provider.requests == []
