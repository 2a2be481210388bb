"""Renditions: a stored picture as a caller wants to have it, composed with what is drawn over it, in another
format, or smaller. Made once for the same content, and kept while there is room."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc import pictures
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing import draw_map, draw_overlay, portraits
from image_grpc.provenance import xmp

PORTRAIT_SIDE = 256
"""Pixels of a token's portrait."""
CACHED_PORTRAIT_BYTES = 16_000_000

ReadBytes = Callable[[ImageContent], Awaitable[bytes]]
"""Reads the bytes of a stored picture."""
FindImage = Callable[[str], Awaitable[Image | None]]
"""The newest version of an image, or None."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture made for a caller."""

    content: ImageContent
    data: bytes


class Renditions:
    """Makes renditions, a few at a time, since each needs much memory, and keeps up to `max_bytes` of them."""

    def __init__(
        self, coverage: Coverage, read: ReadBytes, find: FindImage, *, max_bytes: int, concurrency: int
    ) -> None:
        self._coverage, self._read, self._find = coverage, read, find
        self._slots = asyncio.Semaphore(concurrency)
        self._made: LRUCache[str, Rendition] = LRUCache(max_bytes, getsizeof=lambda made: len(made.data))
        self._making: dict[str, asyncio.Task[Rendition]] = {}
        self._portraits: LRUCache[str, bytes] = LRUCache(CACHED_PORTRAIT_BYTES, getsizeof=len)

    async def base(self, image: Image, format_: ImageFormat, max_side: int) -> Rendition:
        """The stored picture in another format, or smaller."""

        async def make() -> bytes:
            data = await self._read(image.content)
            return await asyncio.to_thread(pictures.render, data, format_, max_side=max_side)

        key = _key(image.content.sha256.encode(), b"base", format_, max_side)
        return await self._once(key, format_, make)

    async def composed(
        self, image: Image, overlays: Sequence[Overlay], format_: ImageFormat, max_side: int
    ) -> Rendition:
        """The stored picture with all that is drawn over it; `overlays` in the order they are drawn."""
        shown = [overlay for overlay in overlays if overlay.visible]
        tokens = await self._token_images(shown)

        async def make() -> bytes:
            art = {id_: await self._portrait(token) for id_, token in tokens.items()}
            data = await self._read(image.content)

            def draw() -> bytes:
                canvas = draw_map(image, shown, self._coverage, art)
                return pictures.render(data, format_, max_side=max_side, drawing=canvas, xmp=xmp(image, composed=True))

            return await asyncio.to_thread(draw)

        said = [each.SerializeToString(deterministic=True) for each in (image, *shown)]
        faces = [token.content.sha256.encode() for token in tokens.values()]
        return await self._once(_key(*said, *faces, b"composed", format_, max_side), format_, make)

    async def svg(self, image: Image, overlays: Sequence[Overlay], *, alone: bool) -> str:
        """What is drawn over a map; `alone`: only the first of the overlays."""
        art = {id_: await self._portrait(token) for id_, token in (await self._token_images(overlays)).items()}

        def draw() -> str:
            if alone:
                return draw_overlay(image, overlays[0], self._coverage, art).svg()
            return draw_map(image, overlays, self._coverage, art).svg()

        return await asyncio.to_thread(draw)

    async def _token_images(self, overlays: Sequence[Overlay]) -> dict[str, Image]:
        """The images that tokens show; those that are gone are left out."""
        found = {id_: await self._find(id_) for id_ in portraits(overlays)}
        return {id_: image for id_, image in found.items() if image is not None}

    async def _portrait(self, image: Image) -> bytes:
        known = self._portraits.get(image.content.sha256)
        if known is None:
            data = await self._read(image.content)
            known = await asyncio.to_thread(pictures.square, data, PORTRAIT_SIDE)
            self._portraits[image.content.sha256] = known
        return known

    async def _once(self, key: str, format_: ImageFormat, make: Callable[[], Awaitable[bytes]]) -> Rendition:
        """What was made before; or made now, once for all who ask meanwhile."""
        if (known := self._made.get(key)) is not None:
            return known
        task = self._making.get(key)
        if task is None:
            # In a context of its own: others may wait longer than the first who asks.
            task = asyncio.create_task(self._make(key, format_, make), context=Context())
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key))
        return await asyncio.shield(task)

    async def _make(self, key: str, format_: ImageFormat, make: Callable[[], Awaitable[bytes]]) -> Rendition:
        async with self._slots:
            data = await make()
            rendition = await asyncio.to_thread(_described, data, format_)
        if len(data) <= self._made.maxsize:
            self._made[key] = rendition
        return rendition


def _described(data: bytes, format_: ImageFormat) -> Rendition:
    content = ImageContent(format=format_, byte_size=len(data), sha256=hashlib.sha256(data).hexdigest())
    content.size.width, content.size.height = pictures.size_of(data)
    return Rendition(content, data)


def _key(*parts: bytes | int) -> str:
    digest = hashlib.sha256()
    for part in parts:
        said = part if isinstance(part, bytes) else str(int(part)).encode()
        digest.update(len(said).to_bytes(8, "big") + said)
    return digest.hexdigest()
