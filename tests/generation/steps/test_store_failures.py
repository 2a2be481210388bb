"""The *store* step: what becomes of a picture that cannot be stored."""

from __future__ import annotations

import pytest
from tabletop.image.internal.v1.job_pb2 import GenerateJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import ApiError, VersionConflict
from image_grpc.generation.steps.store import StoreStep
from image_grpc.getimg import PictureGone
from image_grpc.hub import Ack, Retry, topology
from image_grpc.retry import LADDER, MAX_UNUSABLE_PICTURES
from tests.generation.builders import picture_bytes, queued
from tests.generation.conftest import Database, Jobs, ScriptedDownloader
from tests.generation.memory_storage import MemoryStorageService
from tests.generation.steps.conftest import LIMITS, generated, run

STORING = GenerationState.GENERATION_STATE_STORING
FAILED = GenerationState.GENERATION_STATE_FAILED
GONE = PictureGone("the URL no longer works", retry_delay=0.0)
NORMAL_QUEUE = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]


async def test_a_download_that_may_succeed_later_is_retried(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued()))
    for attempt, delay in enumerate((1, 5, 30, 120), start=1):
        downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
        assert await run(store_step, record, attempt) == Retry(delay, "HTTP 503")
    assert await database.generation(record.generation.id) == record


async def test_a_download_is_given_up_after_the_timeout(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued(), age=LIMITS.timeout))
    downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
    assert await run(store_step, record) == Ack()
    assert (await database.generation(record.generation.id)).generation.state == FAILED


async def test_a_refused_download_fails_at_once(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    record = await database.add_generation(generated(queued()))
    downloader.results.append(ApiError("HTTP 400"))
    assert await run(store_step, record) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason, stored.cost.amount) == (FAILED, "API_ERROR", "0.035")


async def test_a_generation_that_changed_meanwhile_is_not_failed(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    """Another delivery may store its picture."""
    record = await database.add_generation(generated(queued()))
    await database.touch(record.generation.id)
    downloader.results.append(ApiError("HTTP 400"))
    with pytest.raises(VersionConflict):
        await run(store_step, record)
    assert (await database.generation(record.generation.id)).generation.state == STORING


@pytest.mark.parametrize("attempt", range(1, MAX_UNUSABLE_PICTURES + 1))
async def test_unusable_pictures_are_limited(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database, attempt: int
) -> None:
    record = await database.add_generation(generated(queued()))
    downloader.results.append(picture_bytes(64, 64)[:60])
    settlement = await run(store_step, record, attempt)
    state = (await database.generation(record.generation.id)).generation.state
    if attempt < MAX_UNUSABLE_PICTURES:
        assert isinstance(settlement, Retry)
        assert state == STORING
    else:
        assert settlement == Ack()
        assert state == FAILED


async def test_a_picture_that_is_gone_too_early_is_downloaded_again(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database
) -> None:
    """It is not generated, and billed, again; and it does not count as unusable."""
    record = await database.add_generation(generated(queued()))
    for attempt in (1, MAX_UNUSABLE_PICTURES):
        downloader.results.append(GONE)
        assert await run(store_step, record, attempt) == Retry(LADDER.after_attempt(attempt), GONE.message)
    assert await database.generation(record.generation.id) == record


@pytest.mark.parametrize(("attempts", "again"), [(LIMITS.max_attempts - 1, True), (LIMITS.max_attempts, False)])
async def test_an_expired_picture_is_generated_again_up_to_the_limit(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database, jobs: Jobs, attempts: int, again: bool
) -> None:
    record = await database.add_generation(generated(queued(), attempts=attempts, expired=True))
    downloader.results.append(GONE)
    assert await run(store_step, record) == Ack()
    stored = await database.generation(record.generation.id)
    assert stored.generation.state == (STORING if again else FAILED)
    assert stored.HasField("provider_result") is not again
    published = await jobs.take(NORMAL_QUEUE, GenerateJob)
    assert await database.requires(record, published) if again else not published


async def test_an_expired_picture_with_another_problem_is_not_generated_again(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database, jobs: Jobs
) -> None:
    record = await database.add_generation(generated(queued(), expired=True))
    downloader.results.append(ApiError("HTTP 503", retry_delay=1.0))
    assert isinstance(await run(store_step, record), Retry)
    assert await jobs.count(NORMAL_QUEUE) == 0


async def test_missing_parts_of_a_blob_are_transferred_again(
    store_step: StoreStep, database: Database, storage_service: MemoryStorageService
) -> None:
    record = await database.add_generation(generated(queued()))

    async def lose(_: StoreRequest) -> None:
        storage_service.lose_blobs()

    storage_service.before_store = lose
    settlement = await run(store_step, record)
    assert isinstance(settlement, Retry)
    assert settlement.delay == 1.0
    assert await database.generation(record.generation.id) == record
    assert await run(store_step, record) == Ack()
    assert await database.image(record.image_id) is not None
