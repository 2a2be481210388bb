"""Records in the read cache: repeated reads come from memory, reads of changed records do not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc.deadline import deadline_in
from image_grpc.errors import StorageServiceError
from image_grpc.storage.codecs import IMAGES, OVERLAYS
from image_grpc.storage.read_cache import ReadCache
from image_grpc_testkit.contracts.records import (
    a_cache_entry,
    a_generation,
    a_theme,
    an_image,
    an_overlay,
    name_of,
    some_bytes,
)
from tests.storage.conftest import names_of, requests_received
from tests.storage.fake_service import Bench

inline = pytest.mark.parametrize("inline", [True, False], ids=["with record", "without record"])


async def version_of(bench: Bench, image: Image, cache: ReadCache | None = None) -> int | None:
    """Return the version of an image, read through the cache, or None if it does not exist."""
    cached = await (cache or bench.cache).record(bench.client.images, image.id)
    return cached.version if cached is not None else None


class TestRecords:
    async def test_a_record_is_retrieved_once(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        for _ in range(3):
            assert await version_of(bench, image) == 1
        assert len(bench.service.requests) == 1
        counters = bench.telemetry.counters
        assert (counters.cache_hits, counters.cache_misses) == (2, 1)
        assert counters.cache_hit_rate == pytest.approx(2 / 3)

    async def test_only_kinds_that_change_slowly_are_cached(self, bench: Bench) -> None:
        client = bench.client
        cases: list[tuple[Any, Any, int]] = [
            (client.images, an_image(), 1),
            (client.themes, a_theme(), 1),
            (client.overlays, an_overlay(), 1),
            (client.generations, a_generation(), 2),
            (client.cache_entries, a_cache_entry(), 2),
        ]
        for collection, message, loads in cases:
            stored = bench.service.put(collection.codec, message)
            bench.service.requests.clear()
            for _ in range(2):
                assert await bench.cache.record(collection, collection.codec.id_of(stored)) == stored
            assert len(bench.service.requests) == loads, collection.kind

    async def test_a_missing_record_is_not_cached(self, bench: Bench) -> None:
        image = an_image()
        assert await version_of(bench, image) is None
        bench.service.put(IMAGES, image)
        assert await version_of(bench, image) == 1

    async def test_concurrent_reads_share_one_retrieval(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        assert await asyncio.gather(*(version_of(bench, image) for _ in range(50))) == [1] * 50
        assert len(bench.service.requests) == 1
        assert bench.telemetry.counters.cache_misses == 50

    async def test_a_cancelled_reader_does_not_cancel_the_retrieval(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.may_reply.clear()
        cancelled, waiting = (asyncio.create_task(version_of(bench, image)) for _ in range(2))
        await requests_received(bench)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        bench.service.may_reply.set()
        assert await waiting == 1
        assert await version_of(bench, image) == 1
        assert len(bench.service.requests) == 1

    async def test_each_reader_waits_until_its_own_deadline(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.may_reply.clear()

        async def read_until_deadline() -> None:
            with deadline_in(0.3):
                await version_of(bench, image)

        first = asyncio.create_task(read_until_deadline())
        await requests_received(bench)
        waiting = asyncio.create_task(version_of(bench, image))
        with pytest.raises(StorageServiceError, match="did not reply in time") as failure:
            await first
        assert failure.value.retry_delay == 1.0
        bench.service.may_reply.set()
        assert await waiting == 1

    async def test_a_failure_reaches_all_readers_and_is_not_cached(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.error_code = "STORAGE_SERVICE_ERROR"
        failures = await asyncio.gather(*(version_of(bench, image) for _ in range(3)), return_exceptions=True)
        assert [type(failure) for failure in failures] == [StorageServiceError] * 3
        assert len(bench.service.requests) == 1
        bench.service.error_code = ""
        assert await version_of(bench, image) == 1

    async def test_the_least_recently_read_records_are_evicted(self, bench: Bench) -> None:
        cache = bench.new_cache(max_records=2)
        one, two, three = (bench.service.put(IMAGES, an_image()) for _ in range(3))
        for image in (one, two, one, three):
            await version_of(bench, image, cache)
        assert len(bench.service.requests) == 3
        for image in (one, three):
            await version_of(bench, image, cache)
        assert len(bench.service.requests) == 3
        await version_of(bench, two, cache)
        assert len(bench.service.requests) == 4


class TestChanges:
    @inline
    async def test_a_changed_record_is_read_again(self, bench: Bench, inline: bool) -> None:
        image = bench.service.put(IMAGES, an_image())
        await version_of(bench, image)
        bench.service.put(IMAGES, image)
        bench.cache.apply(bench.service.change(IMAGES, image.id, inline=inline))
        assert await version_of(bench, image) == 2

    async def test_a_changed_overlay_is_read_again(self, bench: Bench) -> None:
        overlay = bench.service.put(OVERLAYS, an_overlay())
        await bench.cache.record(bench.client.overlays, overlay.id)
        bench.service.put(OVERLAYS, overlay)
        bench.cache.apply(bench.service.change(OVERLAYS, overlay.id))
        changed = await bench.cache.record(bench.client.overlays, overlay.id)
        assert changed is not None
        assert changed.version == 2

    async def test_a_change_does_not_affect_other_records(self, bench: Bench) -> None:
        image, other = (bench.service.put(IMAGES, an_image()) for _ in range(2))
        await version_of(bench, image)
        bench.cache.apply(bench.service.change(IMAGES, other.id))
        await version_of(bench, image)
        assert len(bench.service.requests) == 1

    async def test_a_deleted_record_is_not_returned(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        await version_of(bench, image)
        bench.service.delete(IMAGES, image.id)
        bench.cache.apply(bench.service.change(IMAGES, image.id))
        assert await version_of(bench, image) is None

    async def test_a_repeated_change_does_not_restore_a_deleted_record(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        stored = bench.service.change(IMAGES, image.id)
        bench.service.delete(IMAGES, image.id)
        for change in (stored, bench.service.change(IMAGES, image.id), stored):
            bench.cache.apply(change)
        assert await version_of(bench, image) is None

    @inline
    async def test_a_load_that_a_change_overtakes_is_not_cached(self, bench: Bench, inline: bool) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.may_reply.clear()
        early = asyncio.create_task(version_of(bench, image))
        await requests_received(bench)
        bench.service.put(IMAGES, image)
        bench.cache.apply(bench.service.change(IMAGES, image.id, inline=inline))
        late = asyncio.create_task(version_of(bench, image))
        await requests_received(bench, 2)
        bench.service.may_reply.set()
        assert await early == 1  # requested before the change
        assert await late == 2
        assert await version_of(bench, image) == 2

    @inline
    async def test_an_overtaken_load_without_a_later_one_is_not_cached(self, bench: Bench, inline: bool) -> None:
        image = bench.service.put(IMAGES, an_image())
        bench.service.may_reply.clear()
        early = asyncio.create_task(version_of(bench, image))
        await requests_received(bench)
        bench.service.put(IMAGES, image)
        bench.cache.apply(bench.service.change(IMAGES, image.id, inline=inline))
        bench.service.may_reply.set()
        assert await early == 1
        assert await version_of(bench, image) == 2


class TestDroppedRecords:
    async def test_every_record_is_read_again(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
        await version_of(bench, image)
        await names_of(bench, overlay.map_id)
        bench.service.put(IMAGES, image)
        overlay.name = "new"
        bench.service.put(OVERLAYS, overlay)
        bench.cache.drop_records()
        assert await version_of(bench, image) == 2
        assert await names_of(bench, overlay.map_id) == ["new"]

    async def test_overtaken_loads_are_not_cached(self, bench: Bench) -> None:
        image = bench.service.put(IMAGES, an_image())
        overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
        bench.service.may_reply.clear()
        early = asyncio.create_task(version_of(bench, image))
        early_names = asyncio.create_task(names_of(bench, overlay.map_id))
        await requests_received(bench, 2)
        bench.service.put(IMAGES, image)
        overlay.name = "new"
        bench.service.put(OVERLAYS, overlay)
        bench.cache.drop_records()
        bench.service.may_reply.set()
        assert (await early, await early_names) == (1, ["old"])
        assert await version_of(bench, image) == 2
        assert await names_of(bench, overlay.map_id) == ["new"]

    async def test_blobs_are_kept(self, bench: Bench) -> None:
        data = some_bytes()
        bench.service.put_blob(name_of(data), data)
        await bench.cache.part(name_of(data), 0)
        bench.cache.drop_records()
        await bench.cache.part(name_of(data), 0)
        assert len(bench.service.requests) == 1


async def test_invalidated_records_are_read_again(bench: Bench) -> None:
    image = bench.service.put(IMAGES, an_image())
    overlay: Overlay = bench.service.put(OVERLAYS, an_overlay(name="old"))
    await version_of(bench, image)
    await names_of(bench, overlay.map_id)
    bench.service.put(IMAGES, image)
    overlay.name = "new"
    bench.service.put(OVERLAYS, overlay)
    records = [bench.service.change(codec, id_).record for codec, id_ in ((IMAGES, image.id), (OVERLAYS, overlay.id))]
    bench.cache.invalidate(records)
    assert await version_of(bench, image) == 2
    assert await names_of(bench, overlay.map_id) == ["new"]
