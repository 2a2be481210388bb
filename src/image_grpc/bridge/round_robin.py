"""A semaphore whose waiters are admitted from one source after the other."""

import asyncio
from collections import OrderedDict, deque


class RoundRobin:
    """At most `count` holders. While sources compete, they take turns, however many waiters each has."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def acquire(self, source: str) -> None:
        """Wait for a slot, which `release` returns."""
        if self._free > 0:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(source, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.release()  # admitted and cancelled at the same time
            raise

    def release(self) -> None:
        """Return a slot."""
        while self._queues:
            source, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[source] = queue  # at the end: the other sources are next
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
