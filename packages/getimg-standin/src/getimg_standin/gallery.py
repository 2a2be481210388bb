"""Draws pictures in worker threads and caches them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from getimg_standin.art import Layouts, draw, draw_over, is_layout
from getimg_standin.errors import ApiError
from getimg_standin.picture import Picture

T = TypeVar("T")

_CACHE_BYTES = 256 * 1024 * 1024
_MAX_LAYOUTS = 200
"""Layouts that are kept, of some 100 kB each."""


class Gallery:
    """A cache of encoded pictures, bounded in bytes, that evicts the least recently used ones.

    Used from the event loop only; drawing happens in worker threads.
    """

    def __init__(self, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self._limit = cache_bytes
        self._size = 0
        self._cache: OrderedDict[Picture, bytes] = OrderedDict()
        self._drawing: dict[Picture, asyncio.Task[bytes]] = {}
        self._series: dict[tuple[int, int, str], list[Picture]] = {}
        self._layouts = Layouts()
        self._drawings: OrderedDict[str, bytes] = OrderedDict()
        self._threads: Executor | None = None

    def close(self) -> None:
        """Stop the worker threads after their current picture, without waiting for it."""
        for task in self._drawing.values():
            task.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work`, which takes more than a few milliseconds, in a worker thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="standin-art")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def encoded(self, picture: Picture) -> bytes:
        """Return the encoded picture; concurrent calls for a picture share one drawing."""
        data = self._cache.get(picture)
        if data is not None:
            self._cache.move_to_end(picture)
            return data
        task = self._drawing.get(picture)
        if task is None:
            task = asyncio.create_task(self._draw(picture))
            self._drawing[picture] = task
            task.add_done_callback(lambda _task: self._drawing.pop(picture, None))
        # Shielded, so that the cancellation of one caller does not affect the others.
        return await asyncio.shield(task)

    async def keep_layout(self, references: Sequence[bytes]) -> str | None:
        """Keep the first layout among references, and return its digest; None if there is none."""

        def find() -> bytes | None:
            return next((reference for reference in references if is_layout(reference)), None)

        layout = await self.run(find) if references else None
        if layout is None:
            return None
        digest = hashlib.blake2b(layout, digest_size=16).hexdigest()
        self._drawings[digest] = layout
        self._drawings.move_to_end(digest)
        if len(self._drawings) > _MAX_LAYOUTS:
            self._drawings.popitem(last=False)
        return digest

    async def seed_of(self, reference: bytes) -> int:
        """Return the layout seed for a picture made from the reference."""
        return await self.run(lambda: self._layouts.seed(reference))

    def in_series(self, picture: Picture, call: int, variety: int) -> Picture:
        """Return `picture`, or an earlier one once `variety` pictures of its size and format exist.

        A picture that follows a layout is always itself.
        """
        if picture.following is not None:
            return picture
        series = self._series.setdefault((picture.width, picture.height, picture.format), [])
        if len(series) < variety:
            series.append(picture)
            return picture
        return series[call % variety]

    async def _draw(self, picture: Picture) -> bytes:
        following = picture.following
        layout = self._drawings.get(following.layout) if following is not None else None
        if following is not None and layout is None:
            raise ApiError(404)  # of a stand-in before a restart, or too long ago

        def work() -> bytes:
            if following is not None and layout is not None:
                size = (picture.width, picture.height, picture.format)
                return draw_over(layout, following, picture.brief, picture.seed, *size)
            data = draw(picture.brief, picture.seed, picture.width, picture.height, picture.format)
            self._layouts.remember(data, picture.seed)
            return data

        data = await self.run(work)
        self._store(picture, data)
        return data

    def _store(self, picture: Picture, data: bytes) -> None:
        self._cache[picture] = data
        self._size += len(data)
        while self._size > self._limit and len(self._cache) > 1:
            _, evicted = self._cache.popitem(last=False)
            self._size -= len(evicted)
