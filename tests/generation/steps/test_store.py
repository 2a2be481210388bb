"""The *store* step: what a stored picture leads to."""

from __future__ import annotations

import time

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Size
from tabletop.storage.v1.storage_pb2 import StoreRequest

from image_grpc.errors import VersionConflict
from image_grpc.generation import states
from image_grpc.generation.estimate import INITIAL_SECONDS, WEIGHT, Estimator
from image_grpc.generation.requests import complete_request
from image_grpc.generation.steps.store import StoreStep
from image_grpc.hub import Ack, topology
from image_grpc.pictures import describe
from image_grpc.storage import Storage
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.eventually import eventually
from tests.generation.builders import picture_bytes, portrait, provider_result, queued
from tests.generation.conftest import Database, ScriptedDownloader
from tests.generation.memory_storage import MemoryStorageService
from tests.generation.steps.conftest import generated, revision, run

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
FAILED = GenerationState.GENERATION_STATE_FAILED


async def test_a_picture_is_stored_in_the_requested_size_and_format(
    store_step: StoreStep, downloader: ScriptedDownloader, database: Database, storage: Storage, telemetry: Telemetry
) -> None:
    picture = portrait(size=Size(width=30, height=20), format="IMAGE_FORMAT_WEBP", source={"id": "it"})
    record = await database.add_generation(generated(queued(picture)))
    downloader.results.append(picture_bytes(64, 64))
    assert await run(store_step, record) == Ack()
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


async def test_a_result_that_is_not_in_the_record_yet_is_stored_first(
    store_step: StoreStep, database: Database
) -> None:
    record = await database.add_generation(states.generating(queued(), owner="me", lease_seconds=90))
    result = provider_result("0.2")
    assert await store_step(record, result, 1) == Ack()
    stored = await database.generation(record.generation.id)
    assert stored.generation.cost.amount == "0.2"
    assert stored.provider_result == result


async def test_the_estimator_learns_how_long_the_generation_took(
    store_step: StoreStep, database: Database, estimator: Estimator
) -> None:
    record = generated(queued())
    record.generation.start_time.FromSeconds(int(time.time()) - 300)
    await run(store_step, await database.add_generation(record))
    expected = queued()
    await estimator.set_estimate(expected)
    seconds = expected.generation.expect_finish_time.ToMilliseconds() / 1000 - time.time()
    assert seconds == pytest.approx(INITIAL_SECONDS + (300 - INITIAL_SECONDS) * WEIGHT, abs=1)


# Events


async def test_a_stored_picture_is_announced(store_step: StoreStep, database: Database, events: list[Envelope]) -> None:
    record = await database.add_generation(generated(queued()))
    await run(store_step, record)
    await eventually(lambda: bool(events), "the event arrives")
    [event] = events
    assert (event.type, event.correlation_id) == (topology.IMAGE_GENERATED, record.correlation_id)
    assert event.payload["image_id"] == record.image_id


async def test_an_applied_theme_is_announced_too(
    store_step: StoreStep, database: Database, events: list[Envelope]
) -> None:
    record = generated(queued())
    record.theme_association.theme = "horror"
    record.theme_association.elements.append(1)
    await run(store_step, await database.add_generation(record))
    await eventually(lambda: len(events) == 2, "both events arrive")
    assert [event.type for event in events] == [topology.IMAGE_GENERATED, topology.THEME_APPLIED]
    assert events[1].payload["theme"] == "horror"
    image = await database.image(record.image_id)
    assert image is not None
    assert image.metadata.theme_association.theme == "horror"


async def test_the_trace_of_the_request_goes_on_in_its_events(
    store_step: StoreStep, database: Database, storage_service: MemoryStorageService
) -> None:
    record = generated(queued())
    record.traceparent = "00-trace"
    stored = await database.add_generation(record)
    batches: list[StoreRequest] = []

    async def look(request: StoreRequest) -> None:
        batches.append(request)

    storage_service.before_store = look
    await run(store_step, stored)
    assert [dict(message.headers) for message in batches[0].batch.messages] == [{"traceparent": "00-trace"}]


# New versions


async def test_a_new_version_keeps_what_others_changed_meanwhile(
    store_step: StoreStep, database: Database, storage: Storage
) -> None:
    image, record = await revision(database)
    unit = storage.unit_of_work()
    unit.update(storage.images, image, 1)
    await unit.commit()
    assert await run(store_step, record) == Ack()
    newest = await database.image(image.id)
    assert newest is not None
    assert newest.version == 3
    assert (await database.generation(record.generation.id)).generation.image.version == 3


async def test_a_version_that_is_overtaken_is_tried_again(
    store_step: StoreStep, database: Database, storage: Storage, storage_service: MemoryStorageService
) -> None:
    image, record = await revision(database)

    async def overtake(_: StoreRequest) -> None:
        unit = storage.unit_of_work()
        unit.update(storage.images, image, 1)
        await unit.commit()

    storage_service.before_store = overtake
    with pytest.raises(VersionConflict):
        await run(store_step, record)
    assert await run(store_step, record) == Ack()
    newest = await database.image(image.id)
    assert newest is not None
    assert newest.version == 3


async def test_a_deleted_image_gets_no_new_version(store_step: StoreStep, database: Database) -> None:
    image, record = await revision(database)
    await database.delete_image(image.id)
    assert await run(store_step, record) == Ack()
    stored = (await database.generation(record.generation.id)).generation
    assert (stored.state, stored.error.reason) == (FAILED, "IMAGE_NOT_FOUND")
    assert await database.image(image.id) is None
