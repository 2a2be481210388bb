"""Signed renditions, stored for a day so that a client can resume a read at an offset.

Signing a picture again would change its bytes.
"""

from datetime import timedelta

import structlog
from tabletop.image.internal.v1.kept_rendition_pb2 import KeptRendition
from tabletop.image.v1.image_pb2 import ImageContent

from image_grpc.errors import DependencyError, Overloaded, VersionConflict
from image_grpc.messages import from_now
from image_grpc.storage.blobs import PART_BYTES, BlobClient
from image_grpc.storage.collection import Collection
from image_grpc.storage.errors import BlobIncomplete, RecordNotFound

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=1)
LEAST_BYTES = PART_BYTES
"""Smaller renditions are not stored: they are sent at once, so nobody resumes them."""

Kept = tuple[ImageContent, bytes]


class KeptRenditions:
    """Renditions by key, for all processes."""

    def __init__(self, renditions: Collection[KeptRendition], blobs: BlobClient) -> None:
        self._renditions, self._blobs = renditions, blobs

    async def get(self, key: str) -> Kept | None:
        """Return a rendition; None if there is none. Raises StorageServiceError."""
        records = await self._renditions.requester.retrieve([self._renditions.key(key)])
        if not records:
            return None
        content = self._renditions.decode(records[0]).content
        try:
            return content, await self._blobs.read_all(content.sha256, content.byte_size)
        except RecordNotFound:  # expired just now
            return None

    async def keep(self, key: str, content: ImageContent, data: bytes) -> Kept:
        """Store a rendition, and return it, or the one that another process has stored meanwhile.

        If it cannot be stored, that is logged.
        """
        if len(data) < LEAST_BYTES:
            return content, data
        try:
            return await self._store_or_get(key, content, data)
        except (DependencyError, Overloaded, BlobIncomplete) as failure:
            log.warning("rendition not kept", problem=str(failure))
            return content, data

    async def _store_or_get(self, key: str, content: ImageContent, data: bytes) -> Kept:
        last_part = await self._blobs.put_except_last_part(data)
        put = self._renditions.put_if_absent(KeptRendition(key=key, content=content))
        put.expire_time.CopyFrom(from_now(KEPT_FOR))
        try:
            await self._renditions.requester.store([put], blob_parts=[last_part])
        except VersionConflict:
            return await self.get(key) or (content, data)
        return content, data
