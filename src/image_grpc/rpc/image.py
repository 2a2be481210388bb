"""ImageService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceServicer
from tabletop.image.v1.types_pb2 import ImageType
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, RecordChange

from image_grpc import events, records
from image_grpc.correlation import new_correlation_id
from image_grpc.deadline import remaining
from image_grpc.errors import HubError, ImageNotFound, InvalidArgument, OffsetOutOfRange, Overloaded, Violation
from image_grpc.generation import Themes
from image_grpc.maps.renditions import Renditions
from image_grpc.rpc.operation import Operation
from image_grpc.rpc.paging import page_size
from image_grpc.rpc.upload import checked, receive, uploaded
from image_grpc.storage import ChangeFeed, ImageStorageClient, ReadCache, RecordMissing

IMAGE = RecordKind.RECORD_KIND_IMAGE
CHUNK_BYTES = 1024 * 1024
"""Chunks are the pieces in which the cache has a blob: below the 4 MiB that clients take by default."""
SLOT_SECONDS = 10.0
"""Longest wait for another download to end."""


class ImageServicer(ImageServiceServicer):
    """Stored pictures. Requests arrive validated."""

    def __init__(
        self,
        storage: ImageStorageClient,
        cache: ReadCache,
        feed: ChangeFeed,
        themes: Themes,
        renditions: Renditions,
        stopping: asyncio.Event,
        *,
        max_downloads: int,
        max_upload: int,
        heartbeat_seconds: float,
    ) -> None:
        self._storage, self._cache, self._feed = storage, cache, feed
        self._themes, self._renditions, self._stopping = themes, renditions, stopping
        self._max_upload, self._heartbeat_seconds = max_upload, heartbeat_seconds
        # A reader that stalls holds some megabytes of what was written for it: only so many at once.
        self._downloads = asyncio.Semaphore(max_downloads)

    async def GetImage(self, request: Any, context: Any) -> pb.GetImageResponse:
        image = await self._image(request.image_id, request.version, show_deleted=request.show_deleted)
        return pb.GetImageResponse(image=await self._cache.with_overlays(image))

    async def BatchGetImages(self, request: Any, context: Any) -> pb.BatchGetImagesResponse:
        found = await asyncio.gather(*(self._cache.record(IMAGE, id_) for id_ in request.image_ids))
        return pb.BatchGetImagesResponse(
            images=[await self._cache.with_overlays(record.image) for record in found if record is not None],
            missing_image_ids=[
                id_ for id_, record in zip(request.image_ids, found, strict=True) if record is None
            ],
        )

    async def ListImages(self, request: Any, context: Any) -> pb.ListImagesResponse:
        filter_ = ListFilter(
            type=request.type,
            subtype=request.subtype,
            theme=request.theme,
            source_id=request.source_id,
            service=request.service,
            include_deleted=request.show_deleted,
        )
        images, token = await self._storage.images.list(
            filter_, page_size=page_size(request), page_token=request.page_token
        )
        seen = [await self._cache.with_overlays(image) for image in images]
        return pb.ListImagesResponse(images=seen, next_page_token=token)

    async def DeleteImage(self, request: Any, context: Any) -> pb.DeleteImageResponse:
        key = self._storage.images.key(request.image_id, request.version)
        try:
            deleted = await Operation("delete", request).delete(self._storage, self._cache, key)
        except RecordMissing as missing:
            raise _not_found(request.image_id) from missing
        return pb.DeleteImageResponse(image=await self._cache.with_overlays(deleted.image))

    async def UndeleteImage(self, request: Any, context: Any) -> pb.UndeleteImageResponse:
        key = self._storage.images.key(request.image_id)
        try:
            stored = await Operation("undelete", request).store(self._storage, self._cache, undeletes=[key])
        except RecordMissing as missing:
            raise _not_found(request.image_id) from missing
        return pb.UndeleteImageResponse(image=await self._cache.with_overlays(stored[0].image))

    async def ReadImage(self, request: Any, context: Any) -> AsyncIterator[pb.ReadImageResponse]:
        image = await self._image(request.image_id, request.version)
        async with self._slot():
            content, part = await self._bytes(request, image)
            if request.offset > content.byte_size:
                raise OffsetOutOfRange(
                    f"offset {request.offset} is past the end: the picture has {content.byte_size} bytes",
                    violations=[Violation("offset", f"must be at most {content.byte_size}")],
                )
            end = min(content.byte_size, request.offset + (request.limit or content.byte_size))
            yield pb.ReadImageResponse(content=content)
            offset = request.offset
            while offset < end:
                index, skip = divmod(offset, CHUNK_BYTES)
                data = await part(index)
                if skip or end - offset < len(data):
                    data = data[skip : skip + end - offset]
                yield pb.ReadImageResponse(data=data)
                offset += len(data)

    async def _bytes(self, request: Any, image: Image) -> tuple[ImageContent, Callable[[int], Awaitable[bytes]]]:
        """What is read, described, and how its pieces of 1 MiB are had."""
        stored = image.content
        format_ = request.format or stored.format
        if request.layer == pb.ImageLayer.IMAGE_LAYER_COMPOSED and image.type == ImageType.IMAGE_TYPE_MAP:
            overlays = await self._cache.overlays(image.id)
            made = await self._renditions.composed(image, overlays, format_, request.max_side)
        elif format_ != stored.format or 0 < request.max_side < max(stored.size.width, stored.size.height):
            made = await self._renditions.base(image, format_, request.max_side)
        else:
            return stored, lambda index: self._cache.part(stored.sha256, index)

        async def part(index: int) -> bytes:
            return made.data[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]

        return made.content, part

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(remaining(SLOT_SECONDS)):
                await self._downloads.acquire()
        except TimeoutError as full:
            raise Overloaded("as many pictures are being read as it takes", retry_delay=1.0) from full
        try:
            yield
        finally:
            self._downloads.release()

    async def ListImageVersions(self, request: Any, context: Any) -> pb.ListImageVersionsResponse:
        images, token = await self._storage.images.list(
            ListFilter(versions_of=request.image_id),
            page_size=page_size(request),
            page_token=request.page_token,
        )
        if not images and not request.page_token:
            raise _not_found(request.image_id)
        seen = [await self._cache.with_overlays(image) for image in images]
        return pb.ListImageVersionsResponse(images=seen, next_page_token=token)

    async def RestoreImageVersion(self, request: Any, context: Any) -> pb.RestoreImageVersionResponse:
        operation = Operation("restore version", request)
        newest = await self._storage.images.retrieve(request.image_id)
        old = await self._storage.images.retrieve(request.image_id, request.restore_version)
        if newest is None or old is None:
            raise _not_found(request.image_id, request.restore_version if newest else 0)
        old.storage_correlation_id = operation.id
        announced = events.image_generated(old, cause=operation.id, correlation_id=new_correlation_id())
        put = self._storage.images.put(old, at_version=request.version)
        stored = await operation.store(self._storage, self._cache, [put], messages=[announced])
        return pb.RestoreImageVersionResponse(image=await self._cache.with_overlays(stored[0].image))

    async def UploadImage(self, request: Any, context: Any) -> pb.UploadImageResponse:
        description, data = await receive(request, max_bytes=self._max_upload)
        theme = await self._themes.get(description.theme)
        if theme is None:
            raise InvalidArgument.of([Violation("description.theme", f"there is no theme {description.theme!r}")])
        found = await checked(description, data)
        description.sha256 = await self._storage.blobs.put(data)  # part of what a request_id stands for
        operation = Operation("upload", description)
        image = uploaded(operation.new_id("image"), description, found, len(data), theme)
        image.storage_correlation_id = operation.id
        announced = events.image_generated(image, cause=operation.id, correlation_id=new_correlation_id())
        put = self._storage.images.put(image, absent=True)
        stored = await operation.store(self._storage, self._cache, [put], messages=[announced])
        return pb.UploadImageResponse(image=stored[0].image)

    async def WatchImages(self, request: Any, context: Any) -> AsyncIterator[pb.WatchImagesResponse]:
        with self._feed.watch(IMAGE) as changes:
            while not self._stopping.is_set():
                came, change = await self._feed.next(changes, self._stopping, seconds=self._heartbeat_seconds)
                if not came:
                    yield pb.WatchImagesResponse(send_time=records.now())
                    continue
                if change is None:
                    raise HubError(
                        "changes may have been missed: list the images, and watch anew", retry_delay=1.0
                    )
                image = await self._after(change)
                if image is not None and _wanted(image, request):
                    seen = await self._cache.with_overlays(image)
                    yield pb.WatchImagesResponse(change=_kind(change, image), image=seen, send_time=records.now())

    async def _after(self, change: RecordChange) -> Image | None:
        if change.HasField("record"):
            return change.record.image
        return await self._storage.images.retrieve(change.key.id, change.key.version, include_deleted=True)

    async def _image(self, id_: str, version: int, *, show_deleted: bool = False) -> Image:
        """An image at a version (0: the newest). Raises ImageNotFound."""
        newest = await self._cache.record(IMAGE, id_)
        if newest is not None and version in (0, newest.image.version):
            return newest.image
        if newest is not None or show_deleted:
            image = await self._storage.images.retrieve(id_, version, include_deleted=show_deleted)
            if image is not None:
                return image
        raise _not_found(id_, version)


def _wanted(image: Image, request: pb.WatchImagesRequest) -> bool:
    has = (image.type, image.subtype, image.metadata.source_id, image.metadata.service)
    asked = (request.type, request.subtype, request.source_id, request.service)
    return all(not want or want == value for value, want in zip(has, asked, strict=True))


def _kind(change: RecordChange, image: Image) -> pb.ImageChange:
    if image.HasField("delete_time"):
        return pb.ImageChange.IMAGE_CHANGE_DELETED
    return pb.ImageChange.IMAGE_CHANGE_UNDELETED if change.restored else pb.ImageChange.IMAGE_CHANGE_STORED


def _not_found(id_: str, version: int = 0) -> ImageNotFound:
    at = f" with version {version}" if version else ""
    return ImageNotFound(f"there is no image {id_}{at}", metadata={"image_id": id_})
