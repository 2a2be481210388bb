"""A semaphore whose waiters are admitted from one source after the other."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class RoundRobin:
    """At most `count` holders. While sources compete, each gets every other free slot, however many it waits for."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def slot(self, source: str) -> AsyncIterator[None]:
        """Hold a slot within the block."""
        await self._acquire(source)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, source: str) -> None:
        if self._free > 0:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(source, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._release()  # admitted and cancelled at the same time
            raise

    def _release(self) -> None:
        while self._queues:
            source, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[source] = queue  # at the end: the other sources are next
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
