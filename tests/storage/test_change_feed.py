"""The change feed: it invalidates the read cache and delivers changes to watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc.hub.memory import MemoryHub
from image_grpc.storage import ChangeFeed
from image_grpc.storage.change_feed import Changes, Signal, next_change
from image_grpc.storage.codecs import IMAGES, OVERLAYS
from image_grpc_testkit.contracts.records import an_image, an_overlay
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS
from tests.storage.fake_service import Bench, storage_bench

IMAGE = RecordKind.RECORD_KIND_IMAGE
ENDLESS = 3600.0


class GapHub(MemoryHub):
    """A hub that can report that events may have been missed."""

    async def subscribe(self, routing_keys, handler, *, on_gap):  # type: ignore[no-untyped-def]
        self.report_gap = on_gap
        return await super().subscribe(routing_keys, handler, on_gap=on_gap)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with storage_bench(GapHub()) as bench:
        yield bench


@pytest.fixture
async def feed(bench: Bench) -> AsyncIterator[ChangeFeed]:
    feed = ChangeFeed(bench.hub, bench.cache)
    await feed.start()
    yield feed
    await feed.stop()


async def store(bench: Bench, image: Image) -> Image:
    """Store the next version of an image and publish the change."""
    stored = bench.service.put(IMAGES, image)
    await bench.service.publish(bench.service.change(IMAGES, image.id))
    return stored


async def next_of(changes: Changes) -> RecordChange | Signal:
    async with asyncio.timeout(MAX_WAIT_SECONDS):
        return await changes.get()


async def next_version(changes: Changes) -> int:
    change = await next_of(changes)
    assert isinstance(change, RecordChange)
    return change.key.version


class TestWatches:
    async def test_every_change_of_a_record_arrives_in_order(self, bench: Bench, feed: ChangeFeed) -> None:
        image = an_image()
        with feed.watch(IMAGE, image.id) as changes:
            for _ in range(3):
                await store(bench, an_image())
                await store(bench, image)
            assert [await next_version(changes) for _ in range(3)] == [1, 2, 3]
        assert changes.empty()

    async def test_only_watches_of_the_record_get_its_change(self, bench: Bench, feed: ChangeFeed) -> None:
        image, other = an_image(), an_image()
        with (
            feed.watch(IMAGE, image.id) as one,
            feed.watch(IMAGE, image.id) as another,
            feed.watch(IMAGE, other.id) as of_other,
            feed.watch(RecordKind.RECORD_KIND_OVERLAY, image.id) as of_other_kind,
        ):
            stored = await store(bench, image)
            for changes in (one, another):
                change = await next_of(changes)
                assert isinstance(change, RecordChange)
                assert IMAGES.decode(change.record) == stored
            assert of_other.empty()
            assert of_other_kind.empty()

    async def test_a_watch_of_a_kind_gets_the_changes_of_all_its_records(self, bench: Bench, feed: ChangeFeed) -> None:
        overlay = bench.service.put(OVERLAYS, an_overlay())
        with feed.watch(IMAGE) as changes:
            await bench.service.publish(bench.service.change(OVERLAYS, overlay.id))
            images = [await store(bench, an_image()) for _ in range(2)]
            received = [await next_of(changes) for _ in images]
        assert [change.key.id for change in received if isinstance(change, RecordChange)] == [
            image.id for image in images
        ]
        assert changes.empty()

    async def test_all_changes_of_one_commit_arrive(self, bench: Bench, feed: ChangeFeed) -> None:
        images = [bench.service.put(IMAGES, an_image()) for _ in range(2)]
        with feed.watch(IMAGE) as changes:
            await bench.service.publish(*(bench.service.change(IMAGES, image.id) for image in images))
            assert [await next_version(changes) for _ in images] == [1, 1]

    async def test_an_ended_watch_gets_nothing(self, bench: Bench, feed: ChangeFeed) -> None:
        image = an_image()
        with feed.watch(IMAGE, image.id) as remaining:
            with feed.watch(IMAGE, image.id) as ended:
                pass
            await store(bench, image)
            assert await next_version(remaining) == 1
        assert ended.empty()

    async def test_a_record_can_be_watched_again(self, bench: Bench, feed: ChangeFeed) -> None:
        image = an_image()
        for version in (1, 2):
            with feed.watch(IMAGE, image.id) as changes:
                await store(bench, image)
                assert await next_version(changes) == version

    async def test_the_cache_is_invalidated_before_a_watch_gets_the_change(
        self, bench: Bench, feed: ChangeFeed
    ) -> None:
        image = bench.service.put(IMAGES, an_image())
        assert await bench.storage.images.get(image.id) == image
        with feed.watch(IMAGE, image.id) as changes:
            stored = await store(bench, image)
            await next_of(changes)
            assert await bench.storage.images.get(image.id) == stored

    async def test_a_stopped_feed_delivers_nothing(self, bench: Bench, feed: ChangeFeed) -> None:
        image = an_image()
        await feed.stop()
        with feed.watch(IMAGE, image.id) as changes:
            await store(bench, image)
            await asyncio.sleep(0.05)
            assert changes.empty()

    async def test_a_feed_that_was_not_started_can_be_stopped(self, bench: Bench) -> None:
        await ChangeFeed(bench.hub, bench.cache).stop()


async def test_a_gap_drops_all_cached_records_and_is_reported_to_every_watch(bench: Bench, feed: ChangeFeed) -> None:
    assert isinstance(bench.hub, GapHub)
    image = bench.service.put(IMAGES, an_image())
    overlay = bench.service.put(OVERLAYS, an_overlay(map_id=image.id))
    assert await bench.storage.images.get(image.id) == image
    assert await bench.storage.overlays.of_map(image.id) == [overlay]
    newer = bench.service.put(IMAGES, image)  # a change that the feed misses
    bench.service.delete(OVERLAYS, overlay.id)
    assert await bench.storage.images.get(image.id) == image, "cached"
    with feed.watch(IMAGE, image.id) as changes, feed.watch(IMAGE) as of_all:
        bench.hub.report_gap()
        assert await next_of(changes) is Signal.GAP
        assert await next_of(of_all) is Signal.GAP
        assert await bench.storage.images.get(image.id) == newer
        assert await bench.storage.overlays.of_map(image.id) == []


class TestNextChange:
    async def test_a_change_that_is_queued_is_returned_at_once(self) -> None:
        changes: Changes = asyncio.Queue()
        change = RecordChange(restored=True)
        changes.put_nowait(change)
        changes.put_nowait(Signal.GAP)
        assert await next_change(changes, asyncio.Event(), seconds=ENDLESS) is change
        assert await next_change(changes, asyncio.Event(), seconds=ENDLESS) is Signal.GAP

    async def test_without_a_change_it_times_out(self) -> None:
        assert await next_change(asyncio.Queue(), asyncio.Event(), seconds=0.01) is Signal.TIMEOUT

    async def test_a_stop_ends_the_wait(self) -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_soon(stopping.set)
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            assert await next_change(asyncio.Queue(), stopping, seconds=ENDLESS) is Signal.TIMEOUT

    async def test_a_cancelled_wait_takes_no_change_from_the_queue(self) -> None:
        changes: Changes = asyncio.Queue()
        waiting = asyncio.create_task(next_change(changes, asyncio.Event(), seconds=ENDLESS))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        changes.put_nowait(Signal.GAP)
        await asyncio.sleep(0.01)
        assert changes.qsize() == 1
