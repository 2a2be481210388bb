"""Repositories: the one way to read records, through the cache where that is safe."""

import asyncio
from collections.abc import Iterable, Sequence

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageType
from tabletop.storage.v1.storage_pb2 import BlobPart, ListRequest, ListResponse, RecordChange

from image_grpc import tenancy
from image_grpc.errors import ImageNotFound
from image_grpc.messages import clone
from image_grpc.storage.blobs import BlobClient, gather_all
from image_grpc.storage.codecs import T
from image_grpc.storage.collection import Collection
from image_grpc.storage.read_cache import ReadCache


class Repository(Collection[T]):
    """The records of one kind that the current caller may see. Only `get` and what is based on it are cached."""

    def __init__(self, collection: Collection[T], cache: ReadCache) -> None:
        super().__init__(collection.requester, collection.codec)
        self._cache = cache

    async def get(self, id_: str) -> T | None:
        """Return the latest version of a record, possibly cached, or None if it does not exist or is deleted."""
        return await self._visible(await self._cache.record(self, id_))

    async def retrieve(self, id_: str, version: int = 0, *, include_deleted: bool = False) -> T | None:
        """Return one record, or None if it does not exist."""
        return await self._visible(await super().retrieve(id_, version, include_deleted=include_deleted))

    async def _list(self, request: ListRequest) -> ListResponse:
        """Perform a listing, limited to the caller's service unless it is one of versions, see `belongs_to_others`.

        Raises PermissionDenied for another service.
        """
        if self.codec.service_of is not None and tenancy.bound_service():
            index = request.filter.index
            index.service = tenancy.resolve_service(index.service, "service")
        return await super()._list(request)

    async def belongs_to_others(self, id_: str) -> bool:
        """Return whether the record exists, deleted or not, but the current caller may not see it.

        Writes that name a record without reading it must ask first, and so must listings of its versions.
        """
        if not tenancy.bound_service():
            return False
        record = await super().retrieve(id_, include_deleted=True)
        return record is not None and await self._visible(record) is None

    async def get_latest(self, id_: str) -> T | None:
        """Return the latest version of a record from the Storage Service: for writes that depend on it."""
        return await self.retrieve(id_)

    async def get_version(self, id_: str, version: int, *, include_deleted: bool = False) -> T | None:
        """Return a version of a record (0: the latest), or None if it does not exist."""
        if version:
            latest = await self.get(id_)
            if latest is not None and self.codec.versioned_part(latest).version == version:
                return latest
        return await self.retrieve(id_, version, include_deleted=include_deleted)

    async def after_change(self, change: RecordChange) -> T | None:
        """Return the record that a change led to, deleted or not."""
        if change.HasField("record"):
            return await self._visible(self.decode(change.record))
        return await self.retrieve(change.key.id, change.key.version, include_deleted=True)

    async def _visible(self, record: T | None) -> T | None:
        """Return the record if the current caller may see it, otherwise None."""
        service_of = self.codec.service_of
        return record if record is None or service_of is None or tenancy.may_see(service_of(record)) else None


class ImageRepository(Repository[Image]):
    """Images. They do not store the ids of their overlays, which are records of their own."""

    async def require(self, id_: str) -> Image:
        """Return the latest version of an image, possibly cached. Raises ImageNotFound."""
        return await self.require_version(id_, 0)

    async def require_version(self, id_: str, version: int, *, include_deleted: bool = False) -> Image:
        """Return a version of an image (0: the latest).

        Raises ImageNotFound; also for all versions of a deleted image, unless deleted ones are included.
        """
        image = await self.get(id_)
        if image is not None and version in (0, image.version):
            return image
        if image is not None or include_deleted:
            image = await self.retrieve(id_, version, include_deleted=include_deleted)
        if image is None:
            raise ImageNotFound.with_id(id_, version)
        return image

    async def get_many(self, ids: Sequence[str]) -> list[Image | None]:
        """Return the latest versions of images, possibly cached; None for those that do not exist."""
        return await asyncio.gather(*(self.get(id_) for id_ in ids))

    async def get_versions(self, versions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Image]:
        """Return those of the given versions of images that exist, deleted or not, in one request."""
        keys = [self.key(id_, version) for id_, version in set(versions)]
        records = await self.requester.retrieve(keys, include_deleted=True) if keys else []
        images = [await self._visible(self.decode(record)) for record in records]
        return {(image.id, image.version): image for image in images if image is not None}

    async def all_with_overlay_ids(self, images: Iterable[Image]) -> list[Image]:
        """Return images as callers see them, in their order. Their overlays are read at once."""
        return await gather_all(self.with_overlay_ids(image) for image in images)

    async def with_overlay_ids(self, image: Image) -> Image:
        """Return an image as callers see it: with the ids of its overlays in drawing order."""
        if image.type != ImageType.IMAGE_TYPE_MAP or not (overlays := await self._cache.overlays(image.id)):
            return image
        presented = clone(image)
        presented.overlays[:] = [overlay.id for overlay in overlays]
        return presented


class OverlayRepository(Repository[Overlay]):
    """Overlays of maps. Who may see a map may see its overlays."""

    def __init__(self, collection: Collection[Overlay], cache: ReadCache, images: ImageRepository) -> None:
        super().__init__(collection, cache)
        self._images = images

    async def _visible(self, record: Overlay | None) -> Overlay | None:
        if record is None or not tenancy.bound_service():
            return record
        return record if await self._images.get_version(record.map_id, 0, include_deleted=True) is not None else None

    async def of_map(self, map_id: str) -> list[Overlay]:
        """Return the overlays of a map in drawing order, possibly cached."""
        return await self._cache.overlays(map_id)


class BlobRepository:
    """Blobs. Reads go through the cache. Raises StorageServiceError, reads also RecordNotFound."""

    def __init__(self, client: BlobClient, cache: ReadCache) -> None:
        self._client, self._cache = client, cache

    async def put(self, data: bytes | memoryview) -> str:
        """Transfer a blob so that a record can refer to it. Return its SHA-256."""
        return await self._client.put(data)

    async def put_except_last_part(self, data: bytes) -> BlobPart:
        """Transfer a blob except its last part, and return that, for the unit of work that refers to the blob."""
        return await self._client.put_except_last_part(data)

    async def part(self, sha256: str, index: int) -> bytes:
        """Return the part of a blob that starts at `index` MiB."""
        return await self._cache.part(sha256, index)

    async def read(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob, cached."""
        return await self._cache.blob(sha256, byte_size)

    async def read_uncached(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob that is not worth caching."""
        return await self._client.read_all(sha256, byte_size)
