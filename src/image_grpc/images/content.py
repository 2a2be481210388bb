"""The bytes of images: as stored, in another format or size, or composed with overlays."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest
from tabletop.image.v1.types_pb2 import ImageFormat, ImageType

from image_grpc.errors import InvalidArgument, OffsetOutOfRange, Violation
from image_grpc.maps.audience import audience_of
from image_grpc.maps.renditions import Renditions
from image_grpc.messages import enum_label
from image_grpc.pictures import Region, View, encoded_format, max_pixels_of
from image_grpc.storage import Storage
from image_grpc.storage.blobs import PART_BYTES

CHUNK_BYTES = PART_BYTES
"""Size of chunks: that of the cached parts of blobs, and below the 4 MiB that clients accept by default."""

_COMPOSED_ONLY = ("audience", "draw_weak_edges", "hide_legend", "hide_scale_bar", "hide_grid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """A picture that is ready to be read."""

    description: ImageContent
    chunk: Callable[[int], Awaitable[bytes]]
    """Returns the n-th chunk of CHUNK_BYTES."""
    start: int
    """Offset of the first byte to read."""
    end: int
    """Offset after the last byte to read."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to `end`, in pieces of at most CHUNK_BYTES."""
        offset = self.start
        while offset < self.end:
            index, skipped = divmod(offset, CHUNK_BYTES)
            data = await self.chunk(index)
            if skipped or self.end - offset < len(data):
                data = data[skipped : skipped + self.end - offset]
            yield data
            offset += len(data)


class ContentReader:
    """Opens pictures for reading."""

    def __init__(self, storage: Storage, renditions: Renditions) -> None:
        self._storage, self._renditions = storage, renditions

    async def open(self, request: ReadImageRequest) -> Content:
        """Prepare the requested bytes. Raises ImageNotFound, InvalidArgument, OffsetOutOfRange."""
        image = await self._storage.images.require_version(request.image_id, request.version)
        description, chunk = await self._prepare(request, image)
        size = description.byte_size
        if request.offset > size:
            raise OffsetOutOfRange(
                f"offset {request.offset} is past the end of the picture, which has {size} bytes",
                violations=[Violation("offset", f"must be at most {size}")],
            )
        end = min(size, request.offset + (request.limit or size))
        return Content(description=description, chunk=chunk, start=request.offset, end=end)

    async def _prepare(
        self, request: ReadImageRequest, image: Image
    ) -> tuple[ImageContent, Callable[[int], Awaitable[bytes]]]:
        """Return the content description and a coroutine function that returns its n-th chunk."""
        stored = image.content
        audience = audience_of(request, image)
        if request.layer != ImageLayer.IMAGE_LAYER_COMPOSED:
            fields = [field for field in _COMPOSED_ONLY if getattr(request, field)]
            if fields:
                raise InvalidArgument.of(
                    [Violation(each, "must be set for the layer COMPOSED only") for each in fields]
                )
        view = _view(request, stored)
        if request.layer == ImageLayer.IMAGE_LAYER_COMPOSED and image.type == ImageType.IMAGE_TYPE_MAP:
            overlays = await self._storage.overlays.of_map(image.id)
            rendition = await self._renditions.composed(image, overlays, view, audience)
        elif view == View(format=view.format) and request.format in (0, stored.format):
            return stored, partial(self._storage.blobs.part, stored.sha256)
        else:
            rendition = await self._renditions.base(image, view)

        async def chunk(index: int) -> bytes:
            return rendition.data[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]

        return rendition.content, chunk


def _view(request: ReadImageRequest, stored: ImageContent) -> View:
    """Return the requested view of a stored picture, without limits that change nothing. Raises InvalidArgument."""
    region = _region(request, stored) if request.HasField("region") else None
    width, height = (region.width, region.height) if region is not None else (stored.size.width, stored.size.height)
    max_side = request.max_side if request.max_side < max(width, height) else 0
    format_ = encoded_format(request.format or stored.format)
    scale = max_side / max(width, height) if max_side else 1
    if width * height * scale**2 > (limit := max_pixels_of(format_)):
        label = enum_label(ImageFormat, format_)
        limited = f"must not be {label} for more than {limit} pixels; set max_side or region"
        raise InvalidArgument.of([Violation("format", limited)])
    return View(format=format_, max_side=max_side, region=region)


def _region(request: ReadImageRequest, stored: ImageContent) -> Region:
    region, violations = request.region, []
    for field, start, name in (("x", region.x, "width"), ("y", region.y, "height")):
        side = getattr(stored.size, name)
        if start >= side:
            violations.append(Violation(f"region.{field}", f"must be less than {side}, the {name} of the picture"))
    if violations:
        raise InvalidArgument.of(violations)
    width = min(region.width, stored.size.width - region.x)
    height = min(region.height, stored.size.height - region.y)
    return Region(region.x, region.y, width, height)
