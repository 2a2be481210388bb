"""Pictures that callers upload: taken in, checked, described."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import UploadImageDescription, UploadImageRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc import pictures, records
from image_grpc.errors import InvalidArgument, Violation
from image_grpc.maps.validation import grid_violations
from image_grpc.validation import lower_uuids, violations

MIN_SIDE, MAX_SIDE = 32, 4096

_SUBTYPES = {
    ImageType.IMAGE_TYPE_MAP: (ImageSubtype.IMAGE_SUBTYPE_TACTICAL, ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN),
    ImageType.IMAGE_TYPE_CHARACTER: (ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,),
    ImageType.IMAGE_TYPE_ITEM: (
        ImageSubtype.IMAGE_SUBTYPE_WEAPON,
        ImageSubtype.IMAGE_SUBTYPE_ARMOR,
        ImageSubtype.IMAGE_SUBTYPE_OTHER,
    ),
}

_MAP_FIELDS = {
    ImageSubtype.IMAGE_SUBTYPE_TACTICAL: ("grid", "walls"),
    ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN: ("scale", "points_of_interest"),
}


async def receive(
    parts: AsyncIterator[UploadImageRequest], *, max_bytes: int
) -> tuple[UploadImageDescription, bytes]:
    """The description that comes first, and the bytes that follow. Raises InvalidArgument."""
    description: UploadImageDescription | None = None
    data = bytearray()
    async for part in parts:
        lower_uuids(part)
        if found := violations(part):
            raise InvalidArgument.of(found)
        first = part.WhichOneof("part") == "description"
        if first != (description is None):
            raise _refused("description", "must come first, and only then")
        if first:
            description = part.description
            if found := _wrong_with(description):
                raise InvalidArgument.of(found)
        data += part.data
        if len(data) > max_bytes:
            raise _refused("data", f"must be at most {max_bytes} bytes in all")
    if description is None:
        raise _refused("description", "must come first")
    return description, bytes(data)


async def checked(description: UploadImageDescription, data: bytes) -> pictures.Description:
    """What the bytes are, if they are what a description says. Raises InvalidArgument."""
    if not data:
        raise _refused("data", "must not be empty")
    if description.sha256:
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        if sha256 != description.sha256:
            raise _refused("description.sha256", f"is not that of the data, which is {sha256}")
    try:
        found = await pictures.check(data)
    except pictures.BadPicture as bad:
        raise _refused("data", bad.message) from bad
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (found.width, found.height)):
        raise _refused("data", f"is {found.width} x {found.height} pixels: sides must be {MIN_SIDE} to {MAX_SIDE}")
    return found


def uploaded(
    id_: str, description: UploadImageDescription, found: pictures.Description, byte_size: int, theme: Theme
) -> Image:
    """The image that a description with the SHA-256 of the data makes."""
    image = Image(id=id_, type=description.type, subtype=description.subtype, version=1)
    if description.type == ImageType.IMAGE_TYPE_MAP:
        image.map.CopyFrom(description.map)
    image.content.format, image.content.byte_size = found.format, byte_size
    image.content.sha256 = description.sha256
    image.content.size.width, image.content.size.height = found.width, found.height
    metadata, source = image.metadata, description.source
    metadata.theme, metadata.source_id, metadata.service = description.theme, source.id, source.service
    association = metadata.theme_association
    association.theme, association.theme_version, association.strength = theme.name, theme.version, 1.0
    association.apply_time.CopyFrom(records.now())
    return image


def _wrong_with(description: UploadImageDescription) -> list[Violation]:
    found = grid_violations(description.map.grid, "description.map.grid")
    if description.subtype not in _SUBTYPES[description.type]:
        found.append(Violation("description.subtype", "does not belong to that type"))
    if description.HasField("map") and description.type != ImageType.IMAGE_TYPE_MAP:
        found.append(Violation("description.map", "is for maps only"))
    for subtype, fields in _MAP_FIELDS.items():
        for name in fields if description.subtype != subtype else ():
            if any(field.name == name for field, _ in description.map.ListFields()):
                found.append(Violation(f"description.map.{name}", "is for the other kind of map"))
    return found


def _refused(field: str, description: str) -> InvalidArgument:
    return InvalidArgument.of([Violation(field, description)])
