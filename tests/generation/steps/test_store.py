"""The *store* step: what a stored picture leads to, and what becomes of a picture that cannot be stored."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import CacheMode, Priority, Size
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import ApiError, VersionConflict
from image_grpc.generation import states
from image_grpc.generation.estimate import INITIAL_SECONDS, WEIGHT, Estimator
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requests import complete_request
from image_grpc.generation.steps.store import StoreStep
from image_grpc.getimg import PictureGone
from image_grpc.hub import Ack, Retry, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.pictures import describe
from image_grpc.retry import LADDER, MAX_UNUSABLE_PICTURES, GenerationLimits
from image_grpc.storage import Storage
from image_grpc.telemetry import Telemetry
from tests.contracts.patience import eventually
from tests.generation.builders import new_id, picture_bytes, portrait, provider_result, queued, stored_image
from tests.generation.conftest import Database, Jobs, ScriptedDownloader
from tests.generation.memory_storage import MemoryStorageService

STORING = GenerationState.GENERATION_STATE_STORING
SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
FAILED = GenerationState.GENERATION_STATE_FAILED
READY = CacheEntryState.CACHE_ENTRY_STATE_READY
IN_FLIGHT = CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
LIMITS = GenerationLimits(max_attempts=3, timeout=600)
GONE = PictureGone("the URL no longer works", retry_delay=0.0)
NORMAL_QUEUE = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]


@pytest.fixture
def step(
    generations: GenerationRepository,
    storage: Storage,
    downloader: ScriptedDownloader,
    estimator: Estimator,
    telemetry: Telemetry,
) -> StoreStep:
    return StoreStep(generations, storage, downloader, estimator, telemetry.counters, LIMITS)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def events(hub: MemoryHub) -> AsyncIterator[list[Envelope]]:
    received: list[Envelope] = []
    subscription = await hub.subscribe(
        ["image.generated", "theme.applied"], lambda delivery: received.append(delivery.envelope), on_gap=lambda: None
    )
    yield received
    await subscription.stop(grace=1)


def generated(new: GenerationRecord, *, attempts: int = 1, expired: bool = False, age: float = 0) -> GenerationRecord:
    """Return the record of a generation whose picture GetImg.AI has generated."""
    record = states.generating(new, owner="me", lease_seconds=90)
    record.generation.attempts = attempts
    result = provider_result()
    result.draw_time.FromMilliseconds(int((time.time() - age) * 1000))
    if expired:
        result.expire_time.FromSeconds(int(time.time()) - 1)
    return states.storing(record, result)


async def run(step: StoreStep, record: GenerationRecord, attempt: int = 1) -> Any:
    return await step(record, record.provider_result, attempt)


async def revision(database: Database, **fields: Any) -> tuple[Image, GenerationRecord]:
    """Store an image and the generation of its second version."""
    image = stored_image(overlays=[], **fields)
    await database.add(image)
    record = queued(portrait(cache=CacheMode.CACHE_MODE_BYPASS))
    record.picture.CopyFrom(record.generation.request)
    record.generation.request.regenerate_image.image_id = image.id
    record.image_id = image.id
    return image, await database.add_generation(generated(record))


async def test_a_picture_is_stored_in_the_requested_size_and_format(
    step: StoreStep, downloader: ScriptedDownloader, database: Database, storage: Storage, telemetry: Telemetry
) -> None:
    picture = portrait(size=Size(width=30, height=20), format="IMAGE_FORMAT_WEBP", source={"id": "it"})
    record = await database.add_generation(generated(queued(picture)))
    downloader.results.append(picture_bytes(64, 64))
    assert await run(step, record) == Ack()
    assert downloader.urls == [record.provider_result.url]
    image = await database.image(record.image_id)
    assert image is not None
    assert image.version == 1
    data = await storage.blobs.read(image.content.sha256, image.content.byte_size)
    assert len(data) == image.content.byte_size
    description = describe(data)
    assert (description.width, description.height, description.format) == (30, 20, image.content.format)
    assert (image.metadata.theme, image.metadata.source_id) == ("fantasy", "it")
    assert image.metadata.generation_params.request == complete_request(record)
    assert image.metadata.generation_params.prompt == record.prompt
    assert image.metadata.theme_association.theme == "fantasy"
    stored = await database.generation(record.generation.id)
    assert stored.generation.state == SUCCEEDED
    assert (stored.generation.image.id, stored.generation.image.version) == (image.id, 1)
    assert stored.generation.storage_correlation_id == image.storage_correlation_id != ""
    assert telemetry.counters.images_generated == 1


async def test_a_result_that_is_not_in_the_record_yet_is_stored_first(step: StoreStep, database: Database) -> None:
    record = await database.add_generation(states.generating(queued(), owner="me", lease_seconds=90))
    result = provider_result("0.2")
    assert await step(record, result, 1) == Ack()
    stored = await database.generation(record.generation.id)
    assert stored.generation.cost.amount == "0.2"
    assert stored.provider_result == result


async def test_the_estimator_learns_how_long_the_generation_took(
    step: StoreStep, database: Database, estimator: Estimator
) -> None:
    record = generated(queued())
    record.generation.start_time.FromSeconds(int(time.time()) - 300)
    await run(step, await database.add_generation(record))
    expected = queued()
    await estimator.estimate(expected)
    seconds = expected.generation.expect_finish_time.ToMilliseconds() / 1000 - time.time()
    assert seconds == pytest.approx(INITIAL_SECONDS + (300 - INITIAL_SECONDS) * WEIGHT, abs=1)


# Events


async def test_a_stored_picture_is_announced(step: StoreStep, database: Database, events: list[Envelope]) -> None:
    record = await database.add_generation(generated(queued()))
    await run(step, record)
    await eventually(lambda: bool(events), "the event arrives")
    [event] = events
    assert (event.type, event.correlation_id) == (topology.IMAGE_GENERATED, record.correlation_id)
    assert event.payload["image_id"] == record.image_id


async def test_an_applied_theme_is_announced_too(step: StoreStep, database: Database, events: list[Envelope]) -> None:
    record = generated(queued())
    record.theme_association.theme = "horror"
    record.theme_association.elements.append(1)
    await run(step, await database.add_generation(record))
    await eventually(lambda: len(events) == 2, "both events arrive")
    assert [event.type for event in events] == [topology.IMAGE_GENERATED, topology.THEME_APPLIED]
    assert events[1].payload["theme"] == "horror"
    image = await database.image(record.image_id)
    assert image is not None
    assert image.metadata.theme_association.theme == "horror"


async def test_the_trace_of_the_request_goes_on_in_its_events(
    step: StoreStep, database: Database, storage_service: MemoryStorageService
) -> None:
    record = generated(queued())
    record.traceparent = "00-trace"
    stored = await database.add_generation(record)
    batches: list[StoreRequest] = []

    async def look(request: StoreRequest) -> None:
        batches.append(request)

    storage_service.before_store = look
    await run(step, stored)
    assert [dict(message.headers) for message in batches[0].batch.messages] == [{"traceparent": "00-trace"}]


# New versions


async def test_a_new_version_keeps_what_others_changed_meanwhile(
    step: StoreStep, database: Database, storage: Storage
) -> None:
    image, record = await revision(database)
    unit = storage.unit_of_work()
    unit.update(storage.images, image, 1)
    await unit.commit()
    assert await run(step, record) == Ack()
    newest = await database.image(image.id)
    assert newest is not None
    assert newest.version == 3
    assert (await database.generation(record.generation.id)).generation.image.version == 3


async def test_a_version_that_is_overtaken_is_tried_again(
    step: StoreStep, database: Database, storage: Storage, storage_service: MemoryStorageService
) -> None:
    image, record = await revision(database)

    async def overtake(_: StoreRequest) -> None:
        unit = storage.unit_of_work()
        unit.update(storage.images, image, 1)
        await unit.commit()

    storage_service.before_store = overtake
    with pytest.raises(VersionConflict):
        await run(step, record)
    assert await run(step, record) == Ack()
    newest = await database.image(image.id)
    assert newest is not None
    assert newest.version == 3


async def test_a_deleted_image_gets_no_new_version(step: StoreStep, database: Database) -> None:
    image, record = await revision(database)
    await database.delete_image(image.id)
    assert await run(step, record) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, "IMAGE_NOT_FOUND")
    assert await database.image(image.id) is None


# Cache entries


async def test_an_own_cache_entry_becomes_ready(step: StoreStep, database: Database) -> None:
    record = generated(queued())
    await database.add(states.in_flight_entry(record))
    await run(step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.image_id, entry.image_version) == (READY, record.image_id, 1)


async def test_the_cache_entry_of_another_generation_is_left_alone(step: StoreStep, database: Database) -> None:
    record, other = generated(queued()), queued()
    await database.add(states.in_flight_entry(other))
    await run(step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id, entry.version) == (IN_FLIGHT, other.generation.id, 1)


async def test_a_generation_without_a_cache_entry_creates_none(step: StoreStep, database: Database) -> None:
    record = await database.add_generation(generated(queued()))
    await run(step, record)
    assert await database.cache_entry(record.fingerprint) is None


@pytest.mark.parametrize("existing", [True, False])
async def test_a_refresh_replaces_the_cache_entry_once_it_succeeds(
    step: StoreStep, database: Database, existing: bool
) -> None:
    record = generated(queued(portrait(cache=CacheMode.CACHE_MODE_REFRESH)))
    if existing:
        other = states.in_flight_entry(record)
        other.generation_id = new_id()
        await database.add(states.ready_entry(other, Image(id=new_id(), version=5)))
    await run(step, await database.add_generation(record))
    entry = await database.cache_entry(record.fingerprint)
    assert entry is not None
    assert (entry.state, entry.generation_id) == (READY, record.generation.id)
    assert (entry.image_id, entry.image_version) == (record.image_id, 1)
    assert entry.version == (2 if existing else 1)


# Failures


async def test_a_download_that_may_succeed_later_is_retried(
    step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued()))
    for attempt, delay in enumerate((1, 5, 30, 120), start=1):
        downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
        assert await run(step, record, attempt) == Retry(delay, "HTTP 503")
    assert await database.generation(record.generation.id) == record


async def test_a_download_is_given_up_after_the_timeout(
    step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued(), age=LIMITS.timeout))
    downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
    assert await run(step, record) == Ack()
    assert (await database.generation(record.generation.id)).generation.state == FAILED


async def test_a_refused_download_fails_at_once(
    step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued()))
    downloader.results.append(ApiError("HTTP 400"))
    assert await run(step, record) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason, stored.cost.amount) == (FAILED, "API_ERROR", "0.035")


@pytest.mark.parametrize("attempt", range(1, MAX_UNUSABLE_PICTURES + 1))
async def test_unusable_pictures_are_limited(
    step: StoreStep, downloader: ScriptedDownloader, database: Database, attempt: int
) -> None:
    record = await database.add_generation(generated(queued()))
    downloader.results.append(picture_bytes(64, 64)[:60])
    settlement = await run(step, record, attempt)
    state = (await database.generation(record.generation.id)).generation.state
    if attempt < MAX_UNUSABLE_PICTURES:
        assert isinstance(settlement, Retry)
        assert state == STORING
    else:
        assert settlement == Ack()
        assert state == FAILED


async def test_a_picture_that_is_gone_too_early_is_downloaded_again(
    step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    """It is not generated, and billed, again; and it does not count as unusable."""
    record = await database.add_generation(generated(queued()))
    for attempt in (1, MAX_UNUSABLE_PICTURES):
        downloader.results.append(GONE)
        assert await run(step, record, attempt) == Retry(LADDER.after_attempt(attempt), GONE.message)
    assert await database.generation(record.generation.id) == record


@pytest.mark.parametrize(("attempts", "again"), [(LIMITS.max_attempts - 1, True), (LIMITS.max_attempts, False)])
async def test_an_expired_picture_is_generated_again_up_to_the_limit(
    step: StoreStep, downloader: ScriptedDownloader, database: Database, jobs: Jobs, attempts: int, again: bool
) -> None:
    record = await database.add_generation(generated(queued(), attempts=attempts, expired=True))
    downloader.results.append(GONE)
    assert await run(step, record) == Ack()
    stored = await database.generation(record.generation.id)
    assert stored.generation.state == (STORING if again else FAILED)
    assert stored.HasField("provider_result") is not again
    expected = [GenerateJob(generation_id=record.generation.id)] if again else []
    assert await jobs.take(NORMAL_QUEUE, GenerateJob) == expected


async def test_an_expired_picture_with_another_problem_is_not_generated_again(
    step: StoreStep, downloader: ScriptedDownloader, database: Database, jobs: Jobs
) -> None:
    record = await database.add_generation(generated(queued(), expired=True))
    downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
    assert isinstance(await run(step, record), Retry)
    assert await jobs.count(NORMAL_QUEUE) == 0


async def test_missing_parts_of_a_blob_are_transferred_again(
    step: StoreStep, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(generated(queued()))

    async def lose(_: StoreRequest) -> None:
        storage_service.lose_blobs()

    storage_service.before_store = lose
    settlement = await run(step, record)
    assert isinstance(settlement, Retry)
    assert settlement.delay == 1.0
    assert await database.generation(record.generation.id) == record
    assert await run(step, record) == Ack()
    assert await database.image(record.image_id) is not None
