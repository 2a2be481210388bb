"""Records of every kind, plain unless changed, each with ids of its own."""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Any

from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.image_pb2 import Image, ImageContent, ImageMetadata
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType
from tabletop.storage.v1.record_pb2 import CacheEntry, CacheEntryState, Facets, GenerationRecord

MEBIBYTE = 1024 * 1024


def new_id() -> str:
    """An id that nothing else has."""
    return str(uuid.uuid4())


def some_bytes(count: int = 1000) -> bytes:
    """Bytes that no other blob has."""
    return os.urandom(count)


def name_of(data: bytes) -> str:
    """The name of a blob."""
    return hashlib.sha256(data).hexdigest()


def an_image(
    *,
    of: bytes | None = None,
    type_: ImageType = ImageType.IMAGE_TYPE_MAP,
    subtype: ImageSubtype = ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
    **metadata: Any,
) -> Image:
    """A tactical map; `of` are its bytes."""
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
    """A generation that waits."""
    return GenerationRecord(generation=Generation(id=new_id(), state=state), facets=facets, **more)


def an_overlay(**changes: Any) -> Overlay:
    """An overlay of some map."""
    return Overlay(**{"id": new_id(), "map_id": new_id(), "name": "party", **changes})


def a_theme(**changes: Any) -> Theme:
    """A theme of a caller's."""
    return Theme(**{"name": f"theme_{uuid.uuid4().hex}", "display_name": "Theme", **changes})


def a_cache_entry(**changes: Any) -> CacheEntry:
    """A cache entry of a picture that is there."""
    ready = CacheEntryState.CACHE_ENTRY_STATE_READY
    return CacheEntry(**{"fingerprint": name_of(some_bytes()), "state": ready, **changes})
