"""ImageService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceServicer
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc import records
from image_grpc.deadline import remaining
from image_grpc.errors import ImageNotFound, NotSupported, OffsetOutOfRange, Overloaded, Violation
from image_grpc.rpc.paging import page_size
from image_grpc.storage import ImageStorageClient, ReadCache, RecordMissing

IMAGE = RecordKind.RECORD_KIND_IMAGE
CHUNK_BYTES = 1024 * 1024
"""Chunks are the pieces in which the cache has a blob: below the 4 MiB that clients take by default."""
SLOT_SECONDS = 10.0
"""Longest wait for another download to end."""


class ImageServicer(ImageServiceServicer):
    """Reads, lists and deletes stored pictures. Requests arrive validated."""

    def __init__(self, storage: ImageStorageClient, cache: ReadCache, *, max_downloads: int) -> None:
        self._storage, self._cache = storage, cache
        # A reader that stalls holds some megabytes of what was written for it: only so many at once.
        self._downloads = asyncio.Semaphore(max_downloads)

    async def GetImage(self, request: Any, context: Any) -> pb.GetImageResponse:
        return pb.GetImageResponse(
            image=await self._image(request.image_id, request.version, show_deleted=request.show_deleted)
        )

    async def BatchGetImages(self, request: Any, context: Any) -> pb.BatchGetImagesResponse:
        found = await asyncio.gather(*(self._cache.record(IMAGE, id_) for id_ in request.image_ids))
        return pb.BatchGetImagesResponse(
            images=[record.image for record in found if record is not None],
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
        return pb.ListImagesResponse(images=images, next_page_token=token)

    async def DeleteImage(self, request: Any, context: Any) -> pb.DeleteImageResponse:
        try:
            image = await self._storage.images.delete(
                request.image_id, request.version, storage_correlation_id=_operation("delete", request)
            )
        except RecordMissing as missing:
            raise _not_found(request.image_id) from missing
        self._cache.forget(IMAGE, request.image_id)  # the caller may read before the change feed tells of it
        return pb.DeleteImageResponse(image=image)

    async def UndeleteImage(self, request: Any, context: Any) -> pb.UndeleteImageResponse:
        try:
            image = await self._storage.images.undelete(
                request.image_id, storage_correlation_id=_operation("undelete", request)
            )
        except RecordMissing as missing:
            raise _not_found(request.image_id) from missing
        self._cache.forget(IMAGE, request.image_id)
        return pb.UndeleteImageResponse(image=image)

    async def ReadImage(self, request: Any, context: Any) -> AsyncIterator[pb.ReadImageResponse]:
        image = await self._image(request.image_id, request.version)
        content = image.content
        if request.layer == pb.ImageLayer.IMAGE_LAYER_COMPOSED or request.max_side:
            raise NotSupported("layer COMPOSED and max_side are not implemented yet")
        if request.format not in (0, content.format):
            raise NotSupported("reading in another format than the stored one is not implemented yet")
        if request.offset > content.byte_size:
            raise OffsetOutOfRange(
                f"offset {request.offset} is past the end: the picture has {content.byte_size} bytes",
                violations=[Violation("offset", f"must be at most {content.byte_size}")],
            )
        end = min(content.byte_size, request.offset + (request.limit or content.byte_size))
        try:
            async with asyncio.timeout(remaining(SLOT_SECONDS)):
                await self._downloads.acquire()
        except TimeoutError as full:
            raise Overloaded("as many pictures are being read as it takes", retry_delay=1.0) from full
        try:
            yield pb.ReadImageResponse(content=content)
            offset = request.offset
            while offset < end:
                index, skip = divmod(offset, CHUNK_BYTES)
                part = await self._cache.part(content.sha256, index)
                if skip or end - offset < len(part):
                    part = part[skip : skip + end - offset]
                yield pb.ReadImageResponse(data=part)
                offset += len(part)
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
        return pb.ListImageVersionsResponse(images=images, next_page_token=token)

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


def _operation(name: str, request: Any) -> str:
    """The storage_correlation_id of a change that a request_id names; empty if none does."""
    return records.derived_id(name, request.request_id) if request.request_id else ""


def _not_found(id_: str, version: int = 0) -> ImageNotFound:
    at = f" with version {version}" if version else ""
    return ImageNotFound(f"there is no image {id_}{at}", metadata={"image_id": id_})
