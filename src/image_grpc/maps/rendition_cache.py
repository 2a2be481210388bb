"""Renditions that exist already: in memory, and signed ones in a store that processes share."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import ImageContent

from image_grpc.pictures import is_large
from image_grpc.single_flight import SingleFlight


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture and its description."""

    content: ImageContent
    data: bytes
    is_final: bool = True
    """Whether it is kept. One that could not be signed is not, since signing may succeed the next time."""


class RenditionStore(Protocol):
    """Shares signed renditions between processes."""

    async def get(self, key: str) -> tuple[ImageContent, bytes] | None:
        """Return a rendition; None if there is none."""

    async def keep(self, key: str, content: ImageContent, data: bytes) -> tuple[ImageContent, bytes]:
        """Store a rendition, and return it, or the one that another process has stored meanwhile."""


class RenditionCache:
    """Renders at most `concurrency` pictures at a time, and of large ones a single one, because each takes memory.

    Up to `max_bytes` of renditions are kept in memory. Without a `store`, processes share none.
    """

    def __init__(self, store: RenditionStore | None, *, max_bytes: int, concurrency: int) -> None:
        self._store = store
        self._slots, self._large = asyncio.Semaphore(concurrency), asyncio.Lock()
        self._cache: LRUCache[str, Rendition] = LRUCache(max_bytes, getsizeof=lambda cached: len(cached.data))
        self._renders: SingleFlight[str, Rendition] = SingleFlight(cancel_unwanted=True)

    async def get(self, key: str, stored: ImageContent, render: Callable[[], Awaitable[Rendition]]) -> Rendition:
        """Return the rendition with a key, which is rendered from a stored picture if necessary."""
        if (rendition := self._cache.get(key)) is not None:
            return rendition

        async def render_in_turn() -> Rendition:
            if (shared := await self._shared(key)) is not None:
                rendition = shared
            else:
                # A large picture waits before it takes a slot, so that small ones do not wait for it.
                async with (
                    self._large if is_large(stored.size.width, stored.size.height) else nullcontext(),
                    self._slots,
                ):
                    rendition = await render()
                rendition = await self._share(key, rendition)
            if rendition.is_final and len(rendition.data) <= self._cache.maxsize:
                self._cache[key] = rendition
            return rendition

        return await self._renders.run(key, render_in_turn)

    async def _shared(self, key: str) -> Rendition | None:
        shared = await self._store.get(key) if self._store is not None else None
        return Rendition(*shared) if shared is not None else None

    async def _share(self, key: str, rendition: Rendition) -> Rendition:
        if self._store is None or not rendition.is_final:
            return rendition
        return Rendition(*await self._store.keep(key, rendition.content, rendition.data))


def rendition_key(*parts: bytes | int) -> str:
    """Return the key of a rendition of which `parts` determine every byte."""
    digest = hashlib.sha256()
    for part in parts:
        value = part if isinstance(part, bytes) else str(int(part)).encode()
        digest.update(len(value).to_bytes(8, "big") + value)
    return digest.hexdigest()
