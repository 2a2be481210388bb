"""Cancelling generations, also while the pipeline works on them."""

from __future__ import annotations

import pytest
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import CancelOutcome
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import GenerationNotFound
from image_grpc.generation import states
from image_grpc.generation.cancel import cancel
from image_grpc.generation.repository import GenerationRepository
from tests.generation.builders import new_id, portrait, provider_result, queued, stored_image
from tests.generation.conftest import Database
from tests.generation.memory_storage import MemoryStorageService

STOPPED = CancelOutcome.CANCEL_OUTCOME_STOPPED
TOO_LATE = CancelOutcome.CANCEL_OUTCOME_TOO_LATE
ALREADY_ENDED = CancelOutcome.CANCEL_OUTCOME_ALREADY_ENDED


async def test_a_queued_generation_is_stopped(generations: GenerationRepository, database: Database) -> None:
    record = queued()
    await database.add(record, states.in_flight_entry(record))
    cancelled, outcome = await cancel(generations, record.generation.id)
    assert outcome == STOPPED
    assert cancelled.generation.state == GenerationState.GENERATION_STATE_CANCELLED
    assert cancelled == await database.generation(record.generation.id)
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert entry.state == CacheEntryState.CACHE_ENTRY_STATE_VOID


async def test_a_generation_that_getimg_was_called_for_is_not_stopped(
    generations: GenerationRepository, database: Database
) -> None:
    called = states.generating(queued(), owner="me", lease_seconds=90)
    stored = await database.add_generation(called)
    record, outcome = await cancel(generations, called.generation.id)
    assert outcome == TOO_LATE
    assert record == stored == await database.generation(called.generation.id)


async def test_a_generated_picture_is_not_discarded(generations: GenerationRepository, database: Database) -> None:
    record = states.storing(states.generating(queued(), owner="me", lease_seconds=90), provider_result())
    await database.add(record)
    assert (await cancel(generations, record.generation.id))[1] == TOO_LATE


async def test_an_ended_generation_stays_as_it_is(generations: GenerationRepository, database: Database) -> None:
    ended = await database.add_generation(states.served_from_cache(queued(), stored_image(version=1)))
    record, outcome = await cancel(generations, ended.generation.id)
    assert (record, outcome) == (ended, ALREADY_ENDED)
    again = await database.add_generation(states.cancelled(queued()))
    assert (await cancel(generations, again.generation.id))[1] == ALREADY_ENDED


async def test_a_pointer_cancels_the_generation_that_it_refers_to(
    generations: GenerationRepository, database: Database
) -> None:
    serving, request = queued(), queued(portrait(request_id=new_id()))
    await database.add(serving, states.served_by(request, serving))
    record, outcome = await cancel(generations, request.generation.id)
    assert (record.generation.id, outcome) == (serving.generation.id, STOPPED)


async def test_an_unknown_generation_is_not_found(generations: GenerationRepository) -> None:
    with pytest.raises(GenerationNotFound):
        await cancel(generations, new_id())


async def test_the_pipeline_may_be_faster(
    generations: GenerationRepository, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(queued())

    async def call_getimg(_: StoreRequest) -> None:
        await generations.update(states.generating(record, owner="me", lease_seconds=90))

    storage_service.before_store = call_getimg
    _, outcome = await cancel(generations, record.generation.id)
    assert outcome == TOO_LATE
    latest = await database.generation(record.generation.id)
    assert latest.generation.state == GenerationState.GENERATION_STATE_GENERATING


async def test_an_unrelated_change_does_not_prevent_the_cancellation(
    generations: GenerationRepository, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(queued())

    async def touch(_: StoreRequest) -> None:
        await database.touch(record.generation.id)

    storage_service.before_store = touch
    cancelled, outcome = await cancel(generations, record.generation.id)
    assert (cancelled.generation.version, outcome) == (3, STOPPED)
