"""Drawing in worker threads, each picture once while it is remembered."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from getimg_standin.art import Layouts, draw
from getimg_standin.picture import Picture

T = TypeVar("T")

_REMEMBERED_BYTES = 256 * 1024 * 1024


class Gallery:
    """Encoded pictures, the most recently used ones remembered up to a number of bytes.

    Used from the event loop only; nothing is drawn on it.
    """

    def __init__(self, *, remembered_bytes: int = _REMEMBERED_BYTES) -> None:
        self._limit = remembered_bytes
        self._held = 0
        self._remembered: OrderedDict[Picture, bytes] = OrderedDict()
        self._being_drawn: dict[Picture, asyncio.Task[bytes]] = {}
        self._series: dict[tuple[int, int, str], list[Picture]] = {}
        self._layouts = Layouts()
        self._threads: Executor | None = None

    def close(self) -> None:
        """Ends the worker threads once they are done with what they draw, without waiting for it."""
        for task in self._being_drawn.values():
            task.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def run(self, work: Callable[[], T]) -> T:
        """Runs `work`, which takes more than a few milliseconds, in a worker thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="standin-art")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def bytes_of(self, picture: Picture) -> bytes:
        """The picture, encoded. Those who ask while it is being drawn wait for the same drawing."""
        data = self._remembered.get(picture)
        if data is not None:
            self._remembered.move_to_end(picture)
            return data
        task = self._being_drawn.get(picture)
        if task is None:
            task = asyncio.create_task(self._draw(picture))
            self._being_drawn[picture] = task
            task.add_done_callback(lambda _task: self._being_drawn.pop(picture, None))
        # Shielded: one waiter that goes away must not take the drawing from the others.
        return await asyncio.shield(task)

    async def seed_of(self, reference: bytes) -> int:
        """The seed that a picture made from the reference is laid out by."""
        return await self.run(lambda: self._layouts.seed(reference))

    def in_series(self, picture: Picture, call: int, variety: int) -> Picture:
        """What to hand out for `picture` when only `variety` different ones are drawn per size and format."""
        series = self._series.setdefault((picture.width, picture.height, picture.format), [])
        if len(series) < variety:
            series.append(picture)
            return picture
        return series[call % variety]

    async def _draw(self, picture: Picture) -> bytes:
        def work() -> bytes:
            drawn = draw(picture.brief, picture.seed, picture.width, picture.height, picture.format)
            self._layouts.remember(drawn, picture.seed)
            return drawn

        data = await self.run(work)
        self._remember(picture, data)
        return data

    def _remember(self, picture: Picture, data: bytes) -> None:
        self._remembered[picture] = data
        self._held += len(data)
        while self._held > self._limit and len(self._remembered) > 1:
            _, dropped = self._remembered.popitem(last=False)
            self._held -= len(dropped)
