"""Repositories: the one way to read records, through the cache where that is safe."""

import asyncio
from collections.abc import Sequence
from typing import Generic

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageType
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder, RecordChange

from image_grpc.errors import ImageNotFound
from image_grpc.messages import clone
from image_grpc.storage.blobs import BlobClient
from image_grpc.storage.codecs import T
from image_grpc.storage.collection import Collection
from image_grpc.storage.read_cache import ReadCache


class Repository(Generic[T]):
    """The records of one kind."""

    def __init__(self, collection: Collection[T], cache: ReadCache) -> None:
        self.collection, self._cache = collection, cache

    async def get(self, id_: str) -> T | None:
        """Return the latest version of a record, possibly cached, or None if it does not exist or is deleted."""
        return await self._cache.record(self.collection, id_)

    async def get_latest(self, id_: str) -> T | None:
        """Return the latest version of a record from the Storage Service: for writes that depend on it."""
        return await self.collection.retrieve(id_)

    async def get_version(self, id_: str, version: int, *, include_deleted: bool = False) -> T | None:
        """Return a version of a record (0: the latest), or None if it does not exist."""
        if version:
            latest = await self.get(id_)
            if latest is not None and self._version_of(latest) == version:
                return latest
        return await self.collection.retrieve(id_, version, include_deleted=include_deleted)

    async def list(
        self,
        filter_: ListFilter,
        *,
        page_size: int,
        page_token: str = "",
        order: ListOrder = ListOrder.LIST_ORDER_NEWEST_FIRST,
    ) -> tuple[list[T], str]:
        """Return a page of records and the token of the next one, which is empty on the last page."""
        return await self.collection.list(filter_, page_size=page_size, page_token=page_token, order=order)

    async def all(self, filter_: ListFilter) -> Sequence[T]:
        """Return every record of a listing that is known to be short, oldest first."""
        return await self.collection.all(filter_)

    async def count(self, filter_: ListFilter) -> int:
        """Return the number of records in a listing, up to 10,000."""
        return await self.collection.count(filter_)

    async def after_change(self, change: RecordChange) -> T | None:
        """Return the record that a change led to, deleted or not."""
        if change.HasField("record"):
            return self.collection.decode(change.record)
        return await self.collection.retrieve(change.key.id, change.key.version, include_deleted=True)

    def _version_of(self, message: T) -> int:
        return int(self.collection.codec.versioned_part(message).version)


class ImageRepository(Repository[Image]):
    """Images. They do not store the ids of their overlays, which are records of their own."""

    async def require(self, id_: str) -> Image:
        """Return the latest version of an image, possibly cached. Raises ImageNotFound."""
        image = await self.get(id_)
        if image is None:
            raise ImageNotFound.with_id(id_)
        return image

    async def require_version(self, id_: str, version: int, *, include_deleted: bool = False) -> Image:
        """Return a version of an image (0: the latest).

        Raises ImageNotFound; also for all versions of a deleted image, unless deleted ones are included.
        """
        latest = await self.get(id_)
        if latest is not None and version in (0, latest.version):
            return latest
        image = None
        if latest is not None or include_deleted:
            image = await self.collection.retrieve(id_, version, include_deleted=include_deleted)
        if image is None:
            raise ImageNotFound.with_id(id_, version)
        return image

    async def get_many(self, ids: Sequence[str]) -> list[Image | None]:
        """Return the latest versions of images, possibly cached; None for those that do not exist."""
        return await asyncio.gather(*(self.get(id_) for id_ in ids))

    async def with_overlay_ids(self, image: Image) -> Image:
        """Return an image as callers see it: with the ids of its overlays in drawing order."""
        if image.type != ImageType.IMAGE_TYPE_MAP or not (overlays := await self._cache.overlays(image.id)):
            return image
        presented = clone(image)
        presented.overlays[:] = [overlay.id for overlay in overlays]
        return presented


class OverlayRepository(Repository[Overlay]):
    """Overlays of maps."""

    async def of_map(self, map_id: str) -> list[Overlay]:
        """Return the overlays of a map in drawing order, possibly cached."""
        return await self._cache.overlays(map_id)


class BlobRepository:
    """Blobs. Reads go through the cache."""

    def __init__(self, client: BlobClient, cache: ReadCache) -> None:
        self._client, self._cache = client, cache

    async def put(self, data: bytes | memoryview) -> str:
        """Transfer a blob so that a record can refer to it. Return its SHA-256. Raises StorageServiceError."""
        return await self._client.put(data)

    async def part(self, sha256: str, index: int) -> bytes:
        """Return the part of a blob that starts at `index` MiB. Raises RecordNotFound, StorageServiceError."""
        return await self._cache.part(sha256, index)

    async def read(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob, cached. Raises RecordNotFound, StorageServiceError."""
        return await self._cache.blob(sha256, byte_size)

    async def read_uncached(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob that is not worth caching. Raises RecordNotFound, StorageServiceError."""
        return await self._client.read_all(sha256, byte_size)
