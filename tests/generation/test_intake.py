"""Serving a request with an earlier equal one, or with a new generation."""

from __future__ import annotations

from typing import Any

import pytest
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.model_pb2 import Model
from tabletop.image.v1.types_pb2 import CacheMode, Priority
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import GetimgNotConfigured, RequestIdReused, StorageServiceError, VersionConflict
from image_grpc.generation import states
from image_grpc.generation.intake import Intake
from image_grpc.generation.new_record import CallIdentity
from image_grpc.hub import topology
from image_grpc.retry import MAX_CONFLICT_RETRIES
from tests.generation.builders import new_id, portrait, queued, resolved, stored_image
from tests.generation.conftest import Database, Jobs, ScriptedProvider
from tests.generation.memory_storage import MemoryStorageService, Refused

QUEUED = GenerationState.GENERATION_STATE_QUEUED
SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
BYPASS = CacheMode.CACHE_MODE_BYPASS
REFRESH = CacheMode.CACHE_MODE_REFRESH
PRICED = Model(id="priced", prices=[{"amount": "0.05", "currency": "USD"}])
NORMAL_QUEUE = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]


async def submit(intake: Intake, **fields: Any) -> GenerationRecord:
    request = portrait(**fields)
    return await intake.submit(request, resolved(request), CallIdentity.of(request))


async def cached_image(database: Database, **fields: Any) -> Image:
    """Store an image, and the cache entry by which it serves a request."""
    image = stored_image()
    await database.add(image, states.ready_entry(states.in_flight_entry(queued(portrait(**fields))), image_1(image)))
    stored = await database.image(image.id)
    assert stored is not None
    return stored


def image_1(image: Image) -> Image:
    return Image(id=image.id, version=1)


async def test_a_new_request_is_queued_with_its_job(intake: Intake, database: Database, jobs: Jobs) -> None:
    record = await submit(intake)
    generation = record.generation
    assert (generation.state, generation.version) == (QUEUED, 1)
    assert generation.HasField("queue_position")
    assert generation.HasField("expect_finish_time")
    assert record == await database.generation(generation.id)
    assert await database.requires(record, await jobs.take(NORMAL_QUEUE, GenerateJob))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id) == (CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT, generation.id)


@pytest.mark.parametrize("priority", [each for each in Priority.values() if each], ids=Priority.Name)
async def test_a_job_is_queued_by_its_priority(intake: Intake, jobs: Jobs, priority: Priority) -> None:
    await submit(intake, priority=priority)
    assert {each: await jobs.count(queue) for each, queue in topology.GENERATE_QUEUES.items()} == {
        each: int(each == priority) for each in topology.GENERATE_QUEUES
    }


async def test_a_stored_image_serves_an_equal_request_at_no_cost(
    intake: Intake, database: Database, jobs: Jobs
) -> None:
    image = await cached_image(database)
    record = await submit(intake)
    assert (record.generation.state, record.generation.cache_hit) == (SUCCEEDED, True)
    assert (record.generation.image.id, record.generation.image.version) == (image.id, 1)
    assert record == await database.generation(record.generation.id)
    assert await jobs.count(NORMAL_QUEUE) == 0
    assert (await submit(intake, details="other")).generation.state == QUEUED


async def test_a_cached_image_is_served_in_the_version_that_was_generated(
    intake: Intake, database: Database, storage: Any
) -> None:
    image = await cached_image(database)
    unit = storage.unit_of_work()
    unit.update(storage.images, image, 1)
    await unit.commit()
    assert (await submit(intake)).generation.image.version == 1


async def test_a_deleted_image_serves_no_request(intake: Intake, database: Database) -> None:
    image = await cached_image(database)
    await database.delete_image(image.id)
    record = await submit(intake)
    assert record.generation.state == QUEUED
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.generation_id, entry.version) == (record.generation.id, 2)


@pytest.mark.parametrize("mode", [BYPASS, REFRESH], ids=CacheMode.Name)
async def test_bypass_and_refresh_start_a_new_generation_and_leave_the_cache_entry(
    intake: Intake, database: Database, mode: CacheMode
) -> None:
    await cached_image(database)
    fingerprint = queued().fingerprint
    before = await database.cache_entry(fingerprint)
    assert (await submit(intake, cache=mode)).generation.state == QUEUED
    assert await database.cache_entry(fingerprint) == before


async def test_an_equal_request_shares_the_generation_in_progress(intake: Intake, jobs: Jobs) -> None:
    first = await submit(intake)
    assert await submit(intake) == first
    assert await jobs.count(NORMAL_QUEUE) == 1
    assert (await submit(intake, details="other")).generation.id != first.generation.id


async def test_only_a_named_request_leaves_a_pointer_to_the_shared_generation(
    intake: Intake, database: Database, storage_service: MemoryStorageService
) -> None:
    first = await submit(intake)
    stored = storage_service.stored
    await submit(intake)
    assert storage_service.stored == stored
    named = {"request_id": new_id()}
    assert await submit(intake, **named) == first
    assert storage_service.stored == stored + 1
    await database.cancel(first.generation.id)
    again = await submit(intake, **named)
    assert again.generation.id == first.generation.id
    assert again.generation.state == GenerationState.GENERATION_STATE_CANCELLED


@pytest.mark.parametrize("end", ["cancelled", "vanished", "void"])
async def test_a_generation_that_ended_without_a_picture_serves_no_request(
    intake: Intake, database: Database, end: str
) -> None:
    record = queued()
    entry = states.in_flight_entry(record)
    if end == "cancelled":
        await database.add(states.cancelled(record))
    if end == "void":
        await database.add(record)
        entry = states.void_entry(entry)
    await database.add(entry)
    new = await submit(intake)
    assert (new.generation.state, new.generation.id != record.generation.id) == (QUEUED, True)
    replaced = await database.cache_entry(record.fingerprint)
    assert replaced is not None
    assert (replaced.generation_id, replaced.version) == (new.generation.id, 2)


async def test_a_repeated_request_id_gets_the_same_generation(intake: Intake, jobs: Jobs) -> None:
    request = {"request_id": new_id(), "cache": BYPASS}
    first = await submit(intake, **request)
    assert await submit(intake, **request) == first
    assert await submit(intake, **request, wait_for={"seconds": 7}) == first
    assert await jobs.count(NORMAL_QUEUE) == 1


async def test_a_request_id_must_not_be_reused_with_other_content(intake: Intake, database: Database) -> None:
    request_id = new_id()
    first = await submit(intake, request_id=request_id)
    with pytest.raises(RequestIdReused) as caught:
        await submit(intake, request_id=request_id, details="other")
    assert [violation.field for violation in caught.value.violations] == ["request_id"]
    assert await database.generation(first.generation.id) == first


async def test_calls_without_a_request_id_are_not_repetitions(
    intake: Intake, storage_service: MemoryStorageService
) -> None:
    storage_service.retrieved.clear()
    first, second = await submit(intake, cache=BYPASS), await submit(intake, cache=BYPASS)
    assert first.generation.id != second.generation.id
    assert storage_service.retrieved == [], "no earlier call is looked up"


async def test_a_request_that_is_overtaken_by_an_equal_one_shares_its_generation(
    intake: Intake, storage_service: MemoryStorageService, jobs: Jobs
) -> None:
    overtaking: list[GenerationRecord] = []

    async def overtake(_: StoreRequest) -> None:
        overtaking.append(await submit(intake))

    storage_service.before_store = overtake
    assert [await submit(intake)] == overtaking
    assert await jobs.count(NORMAL_QUEUE) == 1


async def test_the_same_call_twice_at_once_is_one_generation(
    intake: Intake, storage_service: MemoryStorageService, jobs: Jobs
) -> None:
    request = {"request_id": new_id(), "cache": BYPASS}
    overtaking: list[GenerationRecord] = []

    async def overtake(_: StoreRequest) -> None:
        overtaking.append(await submit(intake, **request))

    storage_service.before_store = overtake
    assert [await submit(intake, **request)] == overtaking
    assert await jobs.count(NORMAL_QUEUE) == 1


@pytest.mark.parametrize("conflicts", [MAX_CONFLICT_RETRIES - 1, MAX_CONFLICT_RETRIES])
async def test_conflicts_are_retried_up_to_the_limit(
    intake: Intake, storage_service: MemoryStorageService, monkeypatch: pytest.MonkeyPatch, conflicts: int
) -> None:
    attempts = 0

    async def conflict(self: object, request: StoreRequest) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= conflicts:
            raise Refused("VERSION_CONFLICT")

    async def store(request: StoreRequest) -> Any:
        await conflict(storage_service, request)
        return await original(request)

    original = storage_service._store
    monkeypatch.setattr(storage_service, "_store", store)
    if conflicts < MAX_CONFLICT_RETRIES:
        assert (await submit(intake)).generation.state == QUEUED
    else:
        with pytest.raises(StorageServiceError, match="too many equal requests") as caught:
            await submit(intake)
        assert caught.value.retry_delay == 1.0
    assert attempts == MAX_CONFLICT_RETRIES


async def test_storing_an_existing_generation_is_a_conflict(intake: Intake, database: Database) -> None:
    record = await database.add_generation(queued())
    with pytest.raises(VersionConflict):
        await intake.store(record, resolved())


def test_without_an_api_key_nothing_can_be_generated(intake: Intake, provider: ScriptedProvider) -> None:
    intake.require_provider()
    provider.configured = False
    with pytest.raises(GetimgNotConfigured, match="GETIMG_API_KEY"):
        intake.require_provider()


async def test_a_preview_has_the_expected_cost_and_stores_nothing(
    intake: Intake, storage_service: MemoryStorageService, jobs: Jobs
) -> None:
    request = portrait(validate_only=True, request_id=new_id())
    resolution = resolved(request, model=PRICED)
    preview = await intake.submit(request, resolution, CallIdentity.of(request))
    assert preview.generation.id == ""
    assert preview.generation.state == GenerationState.GENERATION_STATE_UNSPECIFIED
    assert preview.generation.request == resolution.request
    assert preview.generation.model == resolution.picture.model
    assert (preview.generation.cost.amount, preview.generation.cost.currency) == ("0.05", "USD")
    assert preview.prompt.startswith("Character portrait")
    assert storage_service.stored == 0
    assert await jobs.count(NORMAL_QUEUE) == 0


@pytest.mark.parametrize("model", [None, Model(id="unpriced")], ids=["no model", "no price"])
async def test_a_preview_without_a_price_has_no_cost(intake: Intake, model: Model | None) -> None:
    request = portrait(validate_only=True)
    preview = await intake.submit(request, resolved(request, model=model), CallIdentity.of(request))
    assert not preview.generation.HasField("cost")
