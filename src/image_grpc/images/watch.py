"""Watching changes of images."""

import asyncio
import time
from collections.abc import AsyncIterator

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageChange, WatchImagesRequest, WatchImagesResponse
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc import tenancy
from image_grpc.errors import HubError
from image_grpc.messages import now
from image_grpc.retry import SOON
from image_grpc.storage import ChangeFeed, Storage
from image_grpc.storage.change_feed import Signal, next_change


class ImageWatcher:
    """Reports changes of images as they happen."""

    def __init__(
        self, storage: Storage, feed: ChangeFeed, stopping: asyncio.Event, *, heartbeat_seconds: float
    ) -> None:
        self._storage, self._feed, self._stopping = storage, feed, stopping
        self._heartbeat_seconds = heartbeat_seconds

    async def watch(self, request: WatchImagesRequest) -> AsyncIterator[WatchImagesResponse]:
        """Yield matching changes and heartbeats until the server stops. Raises HubError if changes may be missing.

        Raises PermissionDenied for another service than the caller's.
        """
        tenancy.resolve_service(request.service, "service")
        with self._feed.watch(RecordKind.RECORD_KIND_IMAGE) as changes:
            heartbeat_at = self._next_heartbeat()
            while not self._stopping.is_set():
                # Changes that the filter excludes must not delay the heartbeat.
                seconds = max(0.0, heartbeat_at - time.monotonic())
                change = await next_change(changes, self._stopping, seconds=seconds)
                if change is Signal.TIMEOUT or time.monotonic() >= heartbeat_at:
                    yield WatchImagesResponse(send_time=now())
                    heartbeat_at = self._next_heartbeat()
                if change is Signal.TIMEOUT:
                    continue
                if change is Signal.GAP:
                    raise HubError("changes may have been missed; list the images and watch again", retry_delay=SOON)
                if isinstance(change, RecordChange) and (response := await self._response(change, request)):
                    yield response
                    heartbeat_at = self._next_heartbeat()

    def _next_heartbeat(self) -> float:
        return time.monotonic() + self._heartbeat_seconds

    async def _response(self, change: RecordChange, request: WatchImagesRequest) -> WatchImagesResponse | None:
        image = await self._storage.images.after_change(change)
        if image is None or not _matches(image, request):
            return None
        return WatchImagesResponse(
            change=_kind_of(change, image), image=await self._storage.images.with_overlay_ids(image), send_time=now()
        )


def _matches(image: Image, request: WatchImagesRequest) -> bool:
    values = (image.type, image.subtype, image.metadata.source_id, image.metadata.service)
    filters = (request.type, request.subtype, request.source_id, request.service)
    return all(not filter_ or filter_ == value for value, filter_ in zip(values, filters, strict=True))


def _kind_of(change: RecordChange, image: Image) -> ImageChange:
    if image.HasField("delete_time"):
        return ImageChange.IMAGE_CHANGE_DELETED
    return ImageChange.IMAGE_CHANGE_UNDELETED if change.restored else ImageChange.IMAGE_CHANGE_STORED
