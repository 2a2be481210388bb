"""Metadata of images: reading, listing, deleting, restoring."""

from collections.abc import Sequence

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import (
    DeleteImageRequest,
    ListImagesRequest,
    ListImageVersionsRequest,
    RestoreImageVersionRequest,
    UndeleteImageRequest,
)
from tabletop.storage.v1.storage_pb2 import ListFilter

from image_grpc import events
from image_grpc.errors import ImageNotFound
from image_grpc.generation.requests import listing_filter
from image_grpc.paging import count_fitting
from image_grpc.storage import RecordNotFound, Storage, UnitOfWork


class ImageLibrary:
    """The images of the platform, each with the ids of its overlays. Changes may raise RequestIdReused."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._images = storage, storage.images

    async def get(self, id_: str, version: int, *, include_deleted: bool) -> Image:
        """Return an image at a version (0: the latest). Raises ImageNotFound."""
        image = await self._images.require_version(id_, version, include_deleted=include_deleted)
        return await self._images.with_overlay_ids(image)

    async def get_many(self, ids: Sequence[str]) -> tuple[list[Image], list[str]]:
        """Return the images that exist, in the order of the ids, and the ids of the others."""
        images = await self._images.get_many(ids)
        existing = await self._images.all_with_overlay_ids(image for image in images if image is not None)
        return existing, [id_ for id_, image in zip(ids, images, strict=True) if image is None]

    async def list(self, request: ListImagesRequest, page_size: int) -> tuple[Sequence[Image], str]:
        """Return a page of images, newest first, and the token of the next page."""
        filter_ = listing_filter(request)
        filter_.include_deleted = request.show_deleted
        return await self._page(filter_, page_size, request.page_token)

    async def list_versions(self, request: ListImageVersionsRequest, page_size: int) -> tuple[Sequence[Image], str]:
        """Return a page of an image's versions, newest first, and the token of the next page. Raises ImageNotFound."""
        await self._require_own(request.image_id)
        images, token = await self._page(ListFilter(versions_of=request.image_id), page_size, request.page_token)
        if not images and not request.page_token:
            raise ImageNotFound.with_id(request.image_id)
        return images, token

    async def delete(self, request: DeleteImageRequest) -> Image:
        """Delete an image with all its versions and return it. Raises ImageNotFound, VersionConflict."""
        await self._require_own(request.image_id)
        unit = self._storage.unit_for("delete", request)
        unit.delete(self._images, request.image_id, request.version)
        return await self._commit(unit, request.image_id)

    async def undelete(self, request: UndeleteImageRequest) -> Image:
        """Restore a deleted image and return it. Raises ImageNotFound."""
        await self._require_own(request.image_id)
        unit = self._storage.unit_for("undelete", request)
        unit.undelete(self._images, request.image_id)
        return await self._commit(unit, request.image_id)

    async def restore_version(self, request: RestoreImageVersionRequest) -> Image:
        """Store an old version of an image as its new version and return it. Raises ImageNotFound, VersionConflict."""
        latest = await self._images.get_latest(request.image_id)
        if latest is None:
            raise ImageNotFound.with_id(request.image_id)
        image = await self._images.retrieve(request.image_id, request.restore_version)
        if image is None:
            raise ImageNotFound.with_id(request.image_id, request.restore_version)
        unit = self._storage.unit_for("restore version", request)
        image.storage_correlation_id = unit.id
        unit.update(self._images, image, request.version)
        unit.publish(events.image_generated(image, events.Origin(cause=unit.id)))
        return await self._commit(unit, request.image_id)

    async def _require_own(self, id_: str) -> None:
        if await self._images.belongs_to_others(id_):
            raise ImageNotFound.with_id(id_)

    async def _commit(self, unit: UnitOfWork, id_: str) -> Image:
        try:
            image = (await unit.commit()).of(self._images)
        except RecordNotFound as missing:
            raise ImageNotFound.with_id(id_) from missing
        return await self._images.with_overlay_ids(image)

    async def _page(self, filter_: ListFilter, page_size: int, page_token: str) -> tuple[Sequence[Image], str]:
        images, token = await self._images.list(filter_, page_size=page_size, page_token=page_token)
        if (fitting := count_fitting(images)) < len(images):  # maps may have thousands of walls
            images, token = await self._images.list(filter_, page_size=fitting, page_token=page_token)
        return await self._images.all_with_overlay_ids(images), token
