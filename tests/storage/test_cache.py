"""The read cache: what is read often comes from it, and what has changed never does."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc import records
from image_grpc.deadline import deadline_in
from image_grpc.errors import StorageServiceError
from image_grpc.storage import ImageStorageClient, ReadCache
from image_grpc.telemetry import Telemetry
from tests.contracts.patience import eventually
from tests.contracts.records import MEBIBYTE, a_generation, a_theme, an_image, an_overlay, name_of, some_bytes
from tests.storage.conftest import SECONDS, Shelf

IMAGE = RecordKind.RECORD_KIND_IMAGE


def version(image: Image, number: int) -> Record:
    """An image at a version."""
    record = Record(image=image)
    record.image.version = number
    return record


def change_of(record: Record, *, inline: bool = True) -> RecordChange:
    """What the change feed tells when the record was stored."""
    return RecordChange(key=records.key(record), record=record if inline else None)


@pytest.fixture
def cache(client: ImageStorageClient, telemetry: Telemetry) -> ReadCache:
    return a_cache(client, telemetry)


def a_cache(
    client: ImageStorageClient, telemetry: Telemetry, *, max_records: int = 100, max_bytes: int = 10 * MEBIBYTE
) -> ReadCache:
    return ReadCache(client, telemetry.counters, max_records=max_records, max_bytes=max_bytes, timeout=SECONDS)


async def read(cache: ReadCache, image: Image) -> int | None:
    """The version of an image that the cache answers."""
    found = await cache.record(IMAGE, image.id)
    return found.image.version if found else None


async def load_begun(shelf: Shelf, count: int = 1) -> None:
    """Returns once so many reads have reached the Storage Service."""
    await eventually(lambda: len(shelf.asked) >= count, "the cache asks the Storage Service")


class TestRecords:
    async def test_a_record_is_retrieved_once_and_then_comes_from_memory(
        self, cache: ReadCache, shelf: Shelf, telemetry: Telemetry
    ) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        for _ in range(3):
            assert await read(cache, image) == 1
        assert len(shelf.asked) == 1
        assert (telemetry.counters.cache_hits, telemetry.counters.cache_misses) == (2, 1)
        assert telemetry.counters.cache_hit_rate == pytest.approx(2 / 3)

    async def test_images_themes_and_overlays_are_kept_and_fast_changing_generations_are_not(
        self, cache: ReadCache, shelf: Shelf
    ) -> None:
        kept = [Record(image=an_image()), Record(theme=a_theme()), Record(overlay=an_overlay())]
        passing = Record(generation=a_generation())
        for record in (*kept, passing):
            shelf.put(record)
            key = records.key(record)
            for _ in range(2):
                assert await cache.record(key.kind, key.id) == record
        assert len(shelf.asked) == len(kept) + 2

    async def test_what_is_not_there_is_asked_for_each_time(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        assert await read(cache, image) is None
        shelf.put(version(image, 1))
        assert await read(cache, image) == 1

    async def test_many_who_ask_at_the_same_time_cause_one_retrieval(
        self, cache: ReadCache, shelf: Shelf, telemetry: Telemetry
    ) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        assert await asyncio.gather(*(read(cache, image) for _ in range(50))) == [1] * 50
        assert len(shelf.asked) == 1
        assert telemetry.counters.cache_misses == 50

    async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(
        self, cache: ReadCache, shelf: Shelf
    ) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        shelf.may_answer.clear()
        hasty, patient = (asyncio.create_task(read(cache, image)) for _ in range(2))
        await load_begun(shelf)
        hasty.cancel()
        await asyncio.gather(hasty, return_exceptions=True)
        shelf.may_answer.set()
        assert await patient == 1
        assert await read(cache, image) == 1
        assert len(shelf.asked) == 1

    async def test_each_waits_no_longer_than_its_own_deadline(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        shelf.may_answer.clear()

        async def hasty() -> None:
            with deadline_in(0.3):
                await read(cache, image)

        first = asyncio.create_task(hasty())
        await load_begun(shelf)
        patient = asyncio.create_task(read(cache, image))
        with pytest.raises(StorageServiceError) as failure:
            await first
        assert failure.value.retry_delay
        shelf.may_answer.set()
        assert await patient == 1

    async def test_a_failure_is_told_to_all_who_wait_and_not_kept(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        shelf.failing = True
        failures = await asyncio.gather(*(read(cache, image) for _ in range(3)), return_exceptions=True)
        assert [type(failure) for failure in failures] == [StorageServiceError] * 3
        shelf.failing = False
        assert await read(cache, image) == 1

    async def test_the_records_that_were_not_read_for_longest_make_room(
        self, client: ImageStorageClient, shelf: Shelf, telemetry: Telemetry
    ) -> None:
        cache = a_cache(client, telemetry, max_records=2)
        one, two, three = (an_image() for _ in range(3))
        for image in (one, two, three):
            shelf.put(version(image, 1))
        for image in (one, two, one, three):
            await read(cache, image)
        assert [cache.get(IMAGE, image.id) is not None for image in (one, two, three)] == [True, False, True]


class TestChanges:
    @pytest.mark.parametrize("inline", [True, False])
    async def test_a_changed_record_is_read_again(self, cache: ReadCache, shelf: Shelf, inline: bool) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        await read(cache, image)
        shelf.put(version(image, 2))
        cache.apply(change_of(version(image, 2), inline=inline))
        assert await read(cache, image) == 2

    async def test_a_deleted_record_is_no_longer_known(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        cache.apply(change_of(version(image, 1)))
        deleted = version(image, 1)
        deleted.delete_time.GetCurrentTime()
        cache.apply(change_of(deleted))
        assert await read(cache, image) is None

    async def test_a_change_that_is_told_twice_does_not_bring_a_deleted_record_back(
        self, cache: ReadCache, shelf: Shelf
    ) -> None:
        image = an_image()
        stored, deleted = change_of(version(image, 1)), version(image, 1)
        deleted.delete_time.GetCurrentTime()
        for change in (stored, change_of(deleted), stored):
            cache.apply(change)
        assert await read(cache, image) is None

    @pytest.mark.parametrize("inline", [True, False])
    async def test_a_load_that_a_change_has_overtaken_is_not_kept(
        self, cache: ReadCache, shelf: Shelf, inline: bool
    ) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        shelf.may_answer.clear()
        early = asyncio.create_task(read(cache, image))
        await load_begun(shelf)
        shelf.put(version(image, 2))
        cache.apply(change_of(version(image, 2), inline=inline))
        late = asyncio.create_task(read(cache, image))
        await load_begun(shelf, 2)
        shelf.may_answer.set()
        assert await early == 1  # it asked before the change
        assert await late == 2
        assert await read(cache, image) == 2

    async def test_after_a_gap_every_record_is_read_again(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        await read(cache, image)
        shelf.put(version(image, 2))
        cache.forget_records()
        assert await read(cache, image) == 2

    async def test_a_load_that_a_gap_has_overtaken_is_not_kept(self, cache: ReadCache, shelf: Shelf) -> None:
        image = an_image()
        shelf.put(version(image, 1))
        shelf.may_answer.clear()
        early = asyncio.create_task(read(cache, image))
        await load_begun(shelf)
        shelf.put(version(image, 2))
        cache.forget_records()
        shelf.may_answer.set()
        assert await early == 1
        assert await read(cache, image) == 2


class TestParts:
    async def test_a_piece_of_a_blob_is_read_once_and_then_comes_from_memory(
        self, cache: ReadCache, shelf: Shelf, telemetry: Telemetry
    ) -> None:
        data = some_bytes(MEBIBYTE + 10)
        shelf.put_blob(name_of(data), data)
        for _ in range(2):
            assert await cache.part(name_of(data), 0) == data[:MEBIBYTE]
            assert await cache.part(name_of(data), 1) == data[MEBIBYTE:]
        assert len(shelf.asked) == 2
        assert (telemetry.counters.cache_hits, telemetry.counters.cache_misses) == (2, 2)

    async def test_many_who_ask_for_a_piece_at_the_same_time_cause_one_retrieval(
        self, cache: ReadCache, shelf: Shelf
    ) -> None:
        data = some_bytes()
        shelf.put_blob(name_of(data), data)
        answers = await asyncio.gather(*(cache.part(name_of(data), 0) for _ in range(20)))
        assert answers == [data] * 20
        assert len(shelf.asked) == 1

    async def test_pieces_take_no_more_memory_than_they_may(
        self, client: ImageStorageClient, shelf: Shelf, telemetry: Telemetry
    ) -> None:
        cache = a_cache(client, telemetry, max_bytes=2500)
        blobs = [some_bytes(1000) for _ in range(3)]
        too_large = some_bytes(2501)
        for data in (*blobs, too_large):
            shelf.put_blob(name_of(data), data)
            assert await cache.part(name_of(data), 0) == data
        asked = len(shelf.asked)
        for data in blobs[1:]:
            await cache.part(name_of(data), 0)
        assert len(shelf.asked) == asked  # both are still there
        for data in (blobs[0], too_large):
            await cache.part(name_of(data), 0)
        assert len(shelf.asked) == asked + 2

    async def test_a_gap_does_not_concern_blobs(self, cache: ReadCache, shelf: Shelf) -> None:
        data = some_bytes()
        shelf.put_blob(name_of(data), data)
        await cache.part(name_of(data), 0)
        cache.forget_records()
        await cache.part(name_of(data), 0)
        assert len(shelf.asked) == 1

    async def test_a_failed_read_of_a_piece_is_not_kept(self, cache: ReadCache, shelf: Shelf) -> None:
        data = some_bytes()
        shelf.put_blob(name_of(data), data)
        shelf.failing = True
        with pytest.raises(StorageServiceError):
            await cache.part(name_of(data), 0)
        shelf.failing = False
        assert await cache.part(name_of(data), 0) == data
