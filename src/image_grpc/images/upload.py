"""Uploads of callers' own pictures."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import UploadImageDescription, UploadImageRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageType, Size

from image_grpc import events, pictures, tenancy
from image_grpc.errors import InvalidArgument, Violation
from image_grpc.generation.kinds import kind_of_subtype, subtypes_of
from image_grpc.maps.properties import complete, light_violations, stairs_violations, wall_violations
from image_grpc.maps.validation import grid_violations, plan_grid_violations
from image_grpc.messages import now, oneof_field
from image_grpc.pictures.claims import try_to_sign, upload_claim
from image_grpc.pictures.credentials import PictureSigner
from image_grpc.plans import layouts
from image_grpc.plans.validation import plan_violations
from image_grpc.storage import Storage
from image_grpc.themes import ThemeCatalog
from image_grpc.validation import find_violations, normalize_uuids
from image_grpc.workers import DECODING, HASHING, RENDERING

MIN_SIDE = 32
"""Minimum width and height in pixels."""


class Uploader:
    """Stores uploaded pictures."""

    def __init__(self, storage: Storage, themes: ThemeCatalog, signer: PictureSigner, *, max_bytes: int) -> None:
        self._storage, self._themes, self._signer, self._max_bytes = storage, themes, signer, max_bytes
        self._large = asyncio.Lock()

    async def upload(self, parts: AsyncIterator[UploadImageRequest]) -> Image:
        """Store the picture that the parts contain and return its image. Raises InvalidArgument, RequestIdReused."""
        description, data = await receive(parts, max_bytes=self._max_bytes)
        theme = await self._themes.get(description.theme)
        if theme is None:
            raise _invalid("description.theme", f"theme {description.theme!r} does not exist")
        if service := tenancy.resolve_service(description.source.service, "description.source.service"):
            description.source.service = service
        # The digest is part of the content that a request_id stands for.
        description.sha256 = await _verified_digest(description, data)
        picture = await self._normalized(description, data)
        sha256 = await self._storage.blobs.put(picture.data)
        unit = self._storage.unit_for("upload", description)
        image = _uploaded_image(unit.new_id("image"), description, picture, theme)
        image.content.sha256 = sha256
        image.storage_correlation_id = unit.id
        unit.create(self._storage.images, image)
        unit.publish(events.image_generated(image, events.Origin(cause=unit.id)))
        return (await unit.commit()).of(self._storage.images)

    async def _normalized(self, description: UploadImageDescription, data: bytes) -> pictures.Normalized:
        """Return the picture as it is stored, after checking that the bytes match their description."""

        def normalize() -> pictures.Normalized:
            normalized = pictures.normalize(data)
            if not normalized.changes:
                return normalized
            signed = try_to_sign(self._signer, normalized.data, lambda: upload_claim(normalized))
            return replace(normalized, data=signed or normalized.data)

        try:
            header = await DECODING.run(lambda: pictures.describe(data))
            _require_size(description, header)
            # Small pictures do not wait for large ones.
            async with self._large if pictures.is_large(header.width, header.height) else nullcontext():
                await pictures.check(data)
                if description.preserve_original:
                    return pictures.Normalized(data, header, ())
                return await RENDERING.run(normalize)
        except pictures.BadPicture as bad:
            raise _invalid("data", bad.message) from None  # its traceback holds the data


async def receive(parts: AsyncIterator[UploadImageRequest], *, max_bytes: int) -> tuple[UploadImageDescription, bytes]:
    """Return the description, which comes first, and the bytes that follow. Raises InvalidArgument."""
    description: UploadImageDescription | None = None
    data = bytearray()
    async for part in parts:
        normalize_uuids(part)
        if violations := find_violations(part):
            raise InvalidArgument.of(violations)
        is_description = oneof_field(part, "part") == "description"
        if is_description != (description is None):
            raise _invalid("description", "must be the first message and only the first")
        if is_description:
            description = part.description
            if violations := _description_violations(description):
                raise InvalidArgument.of(violations)
        data += part.data
        if len(data) > max_bytes:
            raise _invalid("data", f"must be at most {max_bytes} bytes in all")
    if description is None:
        raise _invalid("description", "must be the first message")
    return description, bytes(data)


async def _verified_digest(description: UploadImageDescription, data: bytes) -> str:
    """Return the SHA-256 of the bytes, after checking that it is the one of their description."""
    if not data:
        raise _invalid("data", "must not be empty")
    sha256 = await HASHING.run(lambda: hashlib.sha256(data).hexdigest())
    if description.sha256 not in ("", sha256):
        raise _invalid("description.sha256", f"does not match the data, whose SHA-256 is {sha256}")
    return sha256


def _require_size(description: UploadImageDescription, header: pictures.Description) -> None:
    if not all(MIN_SIDE <= side <= pictures.MAX_SIDE for side in (header.width, header.height)):
        pixels = f"{header.width} x {header.height} pixels"
        raise _invalid("data", f"is {pixels}; each side must be {MIN_SIDE} to {pictures.MAX_SIDE}")
    if description.map.HasField("floor_plan"):
        size = Size(width=header.width, height=header.height)
        violations = layouts.placement_violations(description.map.floor_plan.size, description.map.grid, size)
        fields = {"size": "data", "grid.size": "description.map.grid.size"}
        if violations:
            raise InvalidArgument.of([Violation(fields[each.field], each.description) for each in violations])


def _uploaded_image(id_: str, description: UploadImageDescription, picture: pictures.Normalized, theme: Theme) -> Image:
    header = picture.description
    image = Image(id=id_, type=description.type, subtype=description.subtype, version=1)
    if description.type == ImageType.IMAGE_TYPE_MAP:
        image.map.CopyFrom(description.map)
        if description.map.HasField("floor_plan"):
            plan, grid = image.map.floor_plan, image.map.grid
            layouts.assign_ids(plan)
            layouts.place(grid, plan.size, Size(width=header.width, height=header.height))
            image.map.CopyFrom(layouts.properties_of(plan, grid))
        complete(image.map)
    image.content.format, image.content.byte_size = header.format, len(picture.data)
    image.content.size.width, image.content.size.height = header.width, header.height
    metadata, source = image.metadata, description.source
    metadata.theme, metadata.source_id, metadata.service = description.theme, source.id, source.service
    metadata.normalizations.extend(picture.changes)
    association = metadata.theme_association
    association.theme, association.theme_version, association.strength = theme.name, theme.version, 1.0
    association.apply_time.CopyFrom(now())
    return image


def _description_violations(description: UploadImageDescription) -> list[Violation]:
    violations = grid_violations(description.map.grid, "description.map.grid")
    violations += wall_violations(description.map.walls, "description.map.walls")
    violations += light_violations(description.map.lights, "description.map.lights")
    violations += stairs_violations(description.map.stairs, "description.map.stairs")
    if description.map.HasField("floor_plan"):
        violations += plan_violations(description.map.floor_plan, "description.map.floor_plan")
        violations += [
            Violation(f"description.map.{field}", "must be empty with a floor plan, which has its own")
            for field in ("walls", "lights", "stairs")
            if getattr(description.map, field)
        ]
        violations += plan_grid_violations(description.map.grid, "description.map.grid")
    if description.subtype not in subtypes_of(description.type):
        violations.append(Violation("description.subtype", "does not belong to the type"))
    if not description.HasField("map"):
        return violations
    if description.type != ImageType.IMAGE_TYPE_MAP:
        return [*violations, Violation("description.map", "must be set for maps only")]
    allowed = kind_of_subtype(description.subtype).map_fields
    violations += [
        Violation(f"description.map.{field.name}", f"must be one of {', '.join(allowed)} for this subtype")
        for field, _ in description.map.ListFields()
        if field.name not in allowed
    ]
    return violations


def _invalid(field: str, description: str) -> InvalidArgument:
    return InvalidArgument.of([Violation(field, description)])
