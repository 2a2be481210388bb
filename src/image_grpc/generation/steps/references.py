"""Reference images as data URLs for GetImg.AI."""

import base64

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_request_pb2 import GenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import ImageFormat, Size

from image_grpc import pictures
from image_grpc.generation.requests import FORMATS, complete_request, kind_in, picture_in
from image_grpc.storage import Storage
from image_grpc.workers import HASHING, RENDERING

MAX_BYTES = 2 * 1024 * 1024
"""Larger references are scaled down: GetImg.AI accepts 25 MiB per request, and there may be eight references."""
MAX_SIDE = 2048


class ReferenceLoader:
    """Loads the reference images of a generation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def urls(self, record: GenerationRecord) -> list[str]:
        """Return the reference images as data URLs, without ones deleted meanwhile."""
        request = complete_request(record)
        versions = [(record.image_id, record.reference_version)] if record.reference_version else []
        if not versions or kind_in(request).must_follow(picture_in(request)):
            versions += [(id_, 0) for id_ in picture_in(request).reference_image_ids]
        images = [await self._storage.images.get_version(*version) for version in versions]
        return [await self._url(image) for image in images if image is not None]

    async def _url(self, image: Image) -> str:
        content = image.content
        data = await self._storage.blobs.read_uncached(content.sha256, content.byte_size)
        format_ = content.format
        if format_ in FORMATS:
            data = (await RENDERING.run(lambda: pictures.normalize(data))).data
        if len(data) > MAX_BYTES or format_ not in FORMATS:
            format_ = ImageFormat.IMAGE_FORMAT_WEBP
            data = await pictures.fit(data, _scaled(content.size), format_)
        encoded = await HASHING.run(lambda: base64.b64encode(data))
        return f"data:{pictures.media_type(format_)};base64,{encoded.decode()}"


async def layout_url(request: GenerationRequest, ratio: float | None) -> str:
    """Return the layout that a picture follows as a data URL, for a model whose pictures have a ratio."""
    kind, picture = kind_in(request), picture_in(request)
    data = await RENDERING.run(lambda: kind.layout(picture, ratio))
    assert data is not None, "the request has a layout"
    encoded = await HASHING.run(lambda: base64.b64encode(data))
    return f"data:image/png;base64,{encoded.decode()}"


def _scaled(size: Size) -> Size:
    scale = min(1.0, MAX_SIDE / max(size.width, size.height))
    return Size(width=max(1, round(size.width * scale)), height=max(1, round(size.height * scale)))
