"""Generation records and their cache entries in the Storage Service."""

from __future__ import annotations

import pytest
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import ApiError, GenerationNotFound, VersionConflict
from image_grpc.generation import repository, states
from image_grpc.generation.repository import GenerationRepository
from image_grpc.telemetry import Telemetry
from tests.generation.builders import new_id, portrait, queued
from tests.generation.conftest import Database
from tests.generation.memory_storage import MemoryStorageService, Refused

FAILURE = ApiError("GetImg.AI rejected the request", metadata={"http_status": "400"})
FAILED = GenerationState.GENERATION_STATE_FAILED
IN_FLIGHT = CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
VOID = CacheEntryState.CACHE_ENTRY_STATE_VOID


@pytest.fixture(autouse=True)
def short_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "PEER_UNAVAILABLE_SECONDS", 0.01)


async def test_a_generation_is_found_by_its_id(generations: GenerationRepository, database: Database) -> None:
    record = await database.add_generation(queued())
    assert await generations.find(record.generation.id) == record
    assert await generations.require(record.generation.id) == record
    assert await generations.find(new_id()) is None
    assert await generations.find_serving(new_id()) is None


async def test_a_pointer_leads_to_the_generation_that_serves_it(
    generations: GenerationRepository, database: Database
) -> None:
    serving = await database.add_generation(queued())
    pointer = await database.add_generation(states.served_by(queued(), serving))
    assert await generations.find_serving(pointer.generation.id) == serving
    assert await generations.require(pointer.generation.id) == serving
    assert await generations.find(pointer.generation.id) == pointer


async def test_an_unknown_generation_is_not_found(generations: GenerationRepository, database: Database) -> None:
    dangling = await database.add_generation(states.served_by(queued(), queued()))
    for id_ in (new_id(), dangling.generation.id):
        with pytest.raises(GenerationNotFound, match=id_):
            await generations.require(id_)


async def test_an_update_requires_the_version_that_was_read(
    generations: GenerationRepository, database: Database
) -> None:
    record = await database.add_generation(queued())
    updated = await generations.update(states.generating(record, owner="me", lease_seconds=90))
    assert updated.generation.version == 2
    assert updated == await database.generation(record.generation.id)
    with pytest.raises(VersionConflict):
        await generations.update(states.cancelled(record))


async def test_an_ended_generation_no_longer_serves_equal_requests(
    generations: GenerationRepository, database: Database
) -> None:
    new = queued()
    await database.add(states.in_flight_entry(new))
    record = await database.add_generation(new)
    ended = await generations.end(states.cancelled(record))
    assert ended == await database.generation(record.generation.id)
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.version) == (VOID, 2)


async def test_the_cache_entry_of_another_generation_is_left_alone(
    generations: GenerationRepository, database: Database
) -> None:
    other, new = queued(), queued()
    await database.add(states.in_flight_entry(other))
    record = await database.add_generation(new)
    assert await generations.own_cache_entry(record) is None
    await generations.end(states.cancelled(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id) == (IN_FLIGHT, other.generation.id)


@pytest.mark.parametrize("mode", [1, 2], ids=["USE", "BYPASS"])
async def test_a_generation_may_have_no_cache_entry(
    generations: GenerationRepository, database: Database, mode: int
) -> None:
    record = await database.add_generation(queued(portrait(cache=mode)))
    assert await generations.cache_entry(record) is None
    ended = await generations.end(states.cancelled(record))
    assert ended.generation.state == GenerationState.GENERATION_STATE_CANCELLED


async def test_a_failure_is_stored_and_counted(
    generations: GenerationRepository, database: Database, telemetry: Telemetry
) -> None:
    record = await database.add_generation(queued())
    await generations.fail(record, FAILURE)
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.error.message) == (FAILED, FAILURE.message)
    assert telemetry.counters.generations_failed == 1


async def test_a_failure_survives_concurrent_changes(
    generations: GenerationRepository, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(queued())

    async def touch(_: StoreRequest) -> None:
        await database.touch(record.generation.id)

    storage_service.before_store = touch
    await generations.fail(record, FAILURE)
    stored = await database.generation(record.generation.id)
    assert (stored.generation.state, stored.generation.version) == (FAILED, 3)


async def test_a_generation_that_ended_meanwhile_does_not_fail(
    generations: GenerationRepository, database: Database, storage_service: MemoryStorageService, telemetry: Telemetry
) -> None:
    record = await database.add_generation(queued())
    storage_service.before_store = lambda _: database.cancel(record.generation.id)
    await generations.fail(record, FAILURE)
    stored = await database.generation(record.generation.id)
    assert stored.generation.state == GenerationState.GENERATION_STATE_CANCELLED
    assert telemetry.counters.generations_failed == 0


async def test_a_generation_that_vanished_does_not_fail(
    generations: GenerationRepository, telemetry: Telemetry
) -> None:
    vanished = queued()
    vanished.generation.version = 3
    await generations.fail(vanished, FAILURE)
    assert telemetry.counters.generations_failed == 0


async def test_a_failure_waits_for_the_storage_service(
    generations: GenerationRepository, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(queued(portrait(cache=2)))
    storage_service.refusals = [Refused("INTERNAL", "the database failed") for _ in range(3)]
    await generations.fail(record, FAILURE)
    assert storage_service.refusals == []
    assert (await database.generation(record.generation.id)).generation.state == FAILED
