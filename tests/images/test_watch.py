"""WatchImages, over a real channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from tabletop.image.v1.generation_request_pb2 import RegenerateImageRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import (
    DeleteImageRequest,
    ImageChange,
    UndeleteImageRequest,
    WatchImagesRequest,
    WatchImagesResponse,
)
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.hub import Hub
from image_grpc.hub.memory import MemoryHub
from image_grpc.images import ImageWatcher
from image_grpc.storage import ChangeFeed
from image_grpc.storage.codecs import IMAGES
from image_grpc_testkit.contracts.records import an_image
from tests.service import Service, element, item, new_id, portrait, service
from tests.statuses import failed_call, failed_stream
from tests.storage.fake_service import storage_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORED = ImageChange.IMAGE_CHANGE_STORED
DELETED = ImageChange.IMAGE_CHANGE_DELETED
UNDELETED = ImageChange.IMAGE_CHANGE_UNDELETED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("watch"), heartbeat_seconds=0.1) as it:
        yield it


class Watch:
    """An open WatchImages call."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def read(self) -> Any:
        """Return the next response."""
        async with asyncio.timeout(60):
            return await self.call.read()

    async def changes(self, count: int) -> list[tuple[int, Image]]:
        """Return this many changes, without the heartbeats between them."""
        changes: list[tuple[int, Image]] = []
        while len(changes) < count:
            response = await self.read()
            assert response.HasField("send_time")
            if response.HasField("image"):
                changes.append((response.change, response.image))
            else:
                assert response.change == ImageChange.IMAGE_CHANGE_UNSPECIFIED
        return changes


@asynccontextmanager
async def watching(images: Any, **filters: Any) -> AsyncIterator[Watch]:
    """Yield a watch that receives every change within the block."""
    call = images.WatchImages(WatchImagesRequest(**filters))
    watch = Watch(call)
    await watch.read()  # the first heartbeat: the watch has started
    try:
        yield watch
    finally:
        call.cancel()


async def delete(running: Service, image: Image) -> Image:
    return (await running.images.DeleteImage(DeleteImageRequest(image_id=image.id))).image


async def undelete(running: Service, image: Image) -> Image:
    return (await running.images.UndeleteImage(UndeleteImageRequest(image_id=image.id))).image


async def test_all_changes_of_an_image_arrive_in_order(running: Service) -> None:
    async with watching(running.images) as watch:
        first = (await running.generate(portrait(details=new_id()))).image
        changed = RegenerateImageRequest(image_id=first.id, version=1, portrait={"species": "orc"})
        second = (await running.generate(changed)).image
        deleted = await delete(running, first)
        restored = await undelete(running, first)
        uploaded = await running.upload()
        assert await watch.changes(5) == [
            (STORED, first),
            (STORED, second),
            (DELETED, deleted),
            (UNDELETED, restored),
            (STORED, uploaded),
        ]
    assert deleted.HasField("delete_time")
    assert restored == second


async def test_a_changed_map_has_its_overlays(running: Service) -> None:
    image = await running.upload()
    overlay = await running.create_overlay(image.id, element("orc"))
    async with watching(running.images) as watch:
        await delete(running, image)
        await undelete(running, image)
        for _, changed in await watch.changes(2):
            assert list(changed.overlays) == [overlay.id]


@pytest.mark.parametrize("filters", ["type", "subtype", "source_id", "service", "all"])
async def test_only_changes_that_match_the_filters_arrive(running: Service, filters: str) -> None:
    criteria = {
        "type": ImageType.IMAGE_TYPE_CHARACTER,
        "subtype": ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
        "source_id": new_id(),
        "service": new_id(),
    }
    request = criteria if filters == "all" else {filters: criteria[filters]}
    source = {"id": criteria["source_id"], "service": criteria["service"]}
    async with watching(running.images, **request) as watch:
        await running.generate(item(details=new_id()))
        await running.upload()
        match = (await running.generate(portrait(details=new_id(), source=source))).image
        await delete(running, match)
        assert [change for change, image in await watch.changes(2) if image.id == match.id] == [STORED, DELETED]


async def test_each_watch_gets_every_change(running: Service) -> None:
    async with watching(running.images) as one, watching(running.images) as other:
        image = await running.upload()
        assert await one.changes(1) == await other.changes(1) == [(STORED, image)]


async def test_changes_of_large_images_arrive_complete(running: Service) -> None:
    wall = {"start": {"x": 0, "y": 0, "unit": 2}, "end": {"x": 2, "y": 0, "unit": 2}}
    async with watching(running.images) as watch:
        image = await running.upload(map={"walls": [wall] * 2000})
        assert image.ByteSize() > 16 * 1024, "too large to be inline in the change feed"
        # Such an image is read when its change arrives, so the next change waits for that.
        changes = await watch.changes(1)
        deleted = await delete(running, image)
        changes += await watch.changes(1)
        restored = await undelete(running, image)
        changes += await watch.changes(1)
    assert [change for change, _ in changes] == [STORED, DELETED, UNDELETED]
    assert changes[1:] == [(DELETED, deleted), (UNDELETED, restored)]


async def test_a_watch_without_changes_gets_heartbeats(running: Service) -> None:
    async with watching(running.images, source_id=new_id()) as watch:
        for _ in range(3):
            heartbeat = await watch.read()
            assert heartbeat == WatchImagesResponse(send_time=heartbeat.send_time)


async def test_excluded_changes_do_not_delay_heartbeats() -> None:
    async with storage_bench() as bench:
        feed = ChangeFeed(bench.hub, bench.cache)
        await feed.start()
        watcher = ImageWatcher(bench.storage, feed, asyncio.Event(), heartbeat_seconds=0.2)
        image = bench.service.put(IMAGES, an_image())

        async def change_often() -> None:
            while True:
                await bench.service.publish(bench.service.change(IMAGES, image.id))
                await asyncio.sleep(0.02)

        changing = asyncio.create_task(change_often())
        async with asyncio.timeout(60):
            responses = watcher.watch(WatchImagesRequest(source_id=new_id()))
            for _ in range(2):
                assert not (await anext(responses)).HasField("image")
        await responses.aclose()  # type: ignore[attr-defined]
        changing.cancel()
        await feed.stop()


async def test_invalid_filters_are_rejected(running: Service) -> None:
    error = await failed_stream(running.images.WatchImages(WatchImagesRequest(source_id="7", type=99)))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["type", "source_id"])


async def test_a_watch_ends_when_the_service_stops(tmp_path: Path) -> None:
    async with service(tmp_path, heartbeat_seconds=0.1, shutdown_grace_seconds=60) as it:
        # The service's own channel is closed before the server stops.
        channel = grpc.aio.insecure_channel(it.running.address)
        call = ImageServiceStub(channel).WatchImages(WatchImagesRequest())
        await call.read()
    async with asyncio.timeout(30):
        while (response := await call.read()) is not grpc.aio.EOF:
            assert not response.HasField("image")
    assert await call.code() is grpc.StatusCode.OK
    await channel.close()


async def test_a_watch_that_may_have_missed_changes_fails_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap_handlers = []
    original = MemoryHub.subscribe

    async def subscribe(hub: Hub, keys: list[str], handler: Any, *, on_gap: Any) -> Any:
        gap_handlers.append(on_gap)
        return await original(hub, keys, handler, on_gap=on_gap)

    monkeypatch.setattr(MemoryHub, "subscribe", subscribe)
    async with service(tmp_path, heartbeat_seconds=0.1) as it:
        async with watching(it.images) as watch:
            image = await it.upload()
            await watch.changes(1)
            for report_gap in gap_handlers:  # as after a lost connection
                report_gap()
            error = await failed_call(watch.changes(1))
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "MESSAGE_HUB_ERROR")
        assert error.retry_seconds
        async with watching(it.images) as repeated:
            await delete(it, image)
            assert [change for change, _ in await repeated.changes(1)] == [DELETED]
