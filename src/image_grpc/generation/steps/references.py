"""Reference images as data URLs for GetImg.AI."""

import base64

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc import pictures
from image_grpc.generation.requests import complete_request, picture_in
from image_grpc.messages import enum_label
from image_grpc.storage import Storage
from image_grpc.workers import HASHING

MAX_BYTES = 2 * 1024 * 1024
"""Larger references are scaled down: GetImg.AI accepts 25 MiB per request, and there may be eight references."""
MAX_SIDE = 2048


class ReferenceLoader:
    """Loads the reference images of a generation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def urls(self, record: GenerationRecord) -> list[str]:
        """Return the reference images as data URLs, without ones deleted meanwhile."""
        if record.reference_version:
            versions = [(record.image_id, record.reference_version)]
        else:
            versions = [(id_, 0) for id_ in picture_in(complete_request(record)).reference_image_ids]
        images = [await self._storage.images.get_version(*version) for version in versions]
        return [await self._url(image) for image in images if image is not None]

    async def _url(self, image: Image) -> str:
        content = image.content
        data = await self._storage.blobs.read_uncached(content.sha256, content.byte_size)
        mime_type = f"image/{enum_label(ImageFormat, content.format)}"
        if len(data) > MAX_BYTES:
            data = await pictures.fit(data, _scaled(content.size), ImageFormat.IMAGE_FORMAT_WEBP)
            mime_type = "image/webp"
        encoded = await HASHING.run(lambda: base64.b64encode(data))
        return f"data:{mime_type};base64,{encoded.decode()}"


def _scaled(size: Size) -> Size:
    scale = min(1.0, MAX_SIDE / max(size.width, size.height))
    return Size(width=max(1, round(size.width * scale)), height=max(1, round(size.height * scale)))
