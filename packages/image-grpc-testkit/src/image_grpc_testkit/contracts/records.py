"""Builders for messages of every kind of record, each with ids of its own."""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Any

from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry, CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import Facets, GenerationRecord
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.image_pb2 import Image, ImageContent, ImageMetadata
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

MEBIBYTE = 1024 * 1024


def new_id() -> str:
    """Return a new id."""
    return str(uuid.uuid4())


def some_bytes(count: int = 1000) -> bytes:
    """Return random bytes, so that no other blob has the same name."""
    return os.urandom(count)


def name_of(data: bytes) -> str:
    """Return the name of a blob."""
    return hashlib.sha256(data).hexdigest()


def an_image(
    *,
    of: bytes | None = None,
    type_: ImageType = ImageType.IMAGE_TYPE_MAP,
    subtype: ImageSubtype = ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
    **metadata: Any,
) -> Image:
    """Return a tactical map whose content, if any, is `of`."""
    content = ImageContent(sha256=name_of(of), byte_size=len(of)) if of is not None else None
    return Image(
        id=new_id(),
        type=type_,
        subtype=subtype,
        content=content,
        metadata=ImageMetadata(**{"theme": "fantasy", **metadata}),
    )


def a_generation(
    *, state: GenerationState = GenerationState.GENERATION_STATE_QUEUED, facets: Facets | None = None, **more: Any
) -> GenerationRecord:
    """Return a queued generation."""
    return GenerationRecord(generation=Generation(id=new_id(), state=state), facets=facets, **more)


def an_overlay(**changes: Any) -> Overlay:
    """Return an overlay of a map that may not exist."""
    return Overlay(**{"id": new_id(), "map_id": new_id(), "name": "party", **changes})


def a_theme(**changes: Any) -> Theme:
    """Return a custom theme."""
    return Theme(**{"name": f"theme_{uuid.uuid4().hex}", "display_name": "Theme", **changes})


def a_cache_entry(**changes: Any) -> CacheEntry:
    """Return a cache entry of a stored image."""
    ready = CacheEntryState.CACHE_ENTRY_STATE_READY
    return CacheEntry(**{"fingerprint": name_of(some_bytes()), "state": ready, **changes})
