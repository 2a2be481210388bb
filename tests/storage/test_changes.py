"""The change feed keeps the cache true, and wakes those who watch a record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import StorageChanged

from image_grpc import records
from image_grpc.hub import Outcome, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.memory import MemoryHub
from image_grpc.storage import ChangeFeed, ImageStorageClient, ReadCache
from image_grpc.telemetry import Telemetry
from tests.contracts.patience import PATIENCE_SECONDS
from tests.contracts.records import an_image, new_id

IMAGE = RecordKind.RECORD_KIND_IMAGE


@pytest.fixture
def cache(client: ImageStorageClient, telemetry: Telemetry) -> ReadCache:
    return ReadCache(client, telemetry.counters, max_records=10, max_bytes=10, timeout=1)


@pytest.fixture
async def feed(hub: MemoryHub, cache: ReadCache) -> AsyncIterator[ChangeFeed]:
    feed = ChangeFeed(hub, cache)
    await feed.start()
    yield feed
    await feed.stop()


async def tell(hub: MemoryHub, *images: Image) -> None:
    """Publishes what the Storage Service publishes after a commit."""
    event = StorageChanged(storage_correlation_id=new_id())
    for image in images:
        record = Record(image=image)
        event.changes.add(key=records.key(record), record=record)
    envelope = envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id=new_id())
    message = OutboundMessage(exchange=topology.EVENTS, routing_key=topology.STORAGE_CHANGED, envelope=envelope)
    assert await hub.publish(message, timeout=1) is Outcome.CONFIRMED


async def test_every_change_of_a_watched_record_comes_in_order(hub: MemoryHub, feed: ChangeFeed) -> None:
    image = an_image()
    with feed.watch(IMAGE, image.id) as changes:
        for version in (1, 2, 3):
            image.version = version
            await tell(hub, an_image(), image)
        async with asyncio.timeout(PATIENCE_SECONDS):
            seen = [await changes.get() for _ in range(3)]
    assert [change.key.version for change in seen if change] == [1, 2, 3]
    assert changes.empty()


async def test_all_who_watch_a_record_are_woken_and_nobody_else(hub: MemoryHub, feed: ChangeFeed) -> None:
    image, other = an_image(), an_image()
    with (
        feed.watch(IMAGE, image.id) as one,
        feed.watch(IMAGE, image.id) as another,
        feed.watch(IMAGE, other.id) as elsewhere,
        feed.watch(RecordKind.RECORD_KIND_OVERLAY, image.id) as of_another_kind,
    ):
        await tell(hub, image)
        async with asyncio.timeout(PATIENCE_SECONDS):
            for changes in (one, another):
                change = await changes.get()
                assert change is not None
                assert change.record.image == image
        assert elsewhere.empty()
        assert of_another_kind.empty()


async def test_who_no_longer_watches_hears_nothing(hub: MemoryHub, feed: ChangeFeed) -> None:
    image = an_image()
    with feed.watch(IMAGE, image.id) as staying:
        with feed.watch(IMAGE, image.id) as gone:
            pass
        await tell(hub, image)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await staying.get()
    assert gone.empty()


async def test_the_cache_has_forgotten_what_changed_before_the_watcher_hears_of_it(
    hub: MemoryHub, feed: ChangeFeed, cache: ReadCache
) -> None:
    image = an_image()
    image.version = 1
    cache._keep((IMAGE, image.id), Record(image=image))
    with feed.watch(IMAGE, image.id) as changes:
        await tell(hub, image)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await changes.get()
        assert cache.get(IMAGE, image.id) is None


class GapHub(MemoryHub):
    """A hub that can say that events may have been missed."""

    async def subscribe(self, routing_keys, handler, *, on_gap):  # type: ignore[no-untyped-def]
        self.gap = on_gap
        return await super().subscribe(routing_keys, handler, on_gap=on_gap)


async def test_a_gap_empties_the_cache_and_tells_every_watcher_to_read_again(
    client: ImageStorageClient, telemetry: Telemetry
) -> None:
    hub = GapHub()
    await hub.start()
    cache = ReadCache(client, telemetry.counters, max_records=10, max_bytes=10, timeout=1)
    feed = ChangeFeed(hub, cache)
    await feed.start()
    image = an_image()
    with feed.watch(IMAGE, image.id) as changes, feed.watch(IMAGE, new_id()) as others:
        await tell(hub, image)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await changes.get() is not None
        hub.gap()
        assert await changes.get() is None
        assert await others.get() is None
        assert cache.get(IMAGE, image.id) is None
    await feed.stop()
    await hub.close()


async def test_after_the_stop_nothing_is_heard(hub: MemoryHub, feed: ChangeFeed) -> None:
    image = an_image()
    await feed.stop()
    with feed.watch(IMAGE, image.id) as changes:
        await tell(hub, image)
        await asyncio.sleep(0)
        assert changes.empty()
