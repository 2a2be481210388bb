"""Slots for concurrent work, of which no peer can take so many that none are left for others."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairSlots:
    """At most `limit` holders. A peer may hold up to twice as many slots as are free.

    So a single peer gets two thirds, the next one two thirds of the rest, and a new peer usually finds a free slot.
    """

    def __init__(self, limit: int) -> None:
        self.limit = self._free = limit
        self._held: Counter[str] = Counter()
        self._released = asyncio.Event()

    def acquire(self, peer: str) -> bool:
        """Take a slot for a peer. Returns False if there is none for it."""
        if self._held[peer] >= 2 * self._free:
            return False
        self.take(peer)
        return True

    def take(self, peer: str) -> None:
        """Take a slot for a peer, whether or not there is one."""
        self._free -= 1
        self._held[peer] += 1

    def release(self, peer: str) -> None:
        """Return a slot of a peer."""
        self._free += 1
        self._held[peer] -= 1
        if not self._held[peer]:
            del self._held[peer]
        self._released.set()

    @asynccontextmanager
    async def slot(self, peer: str, *, timeout: float) -> AsyncIterator[bool]:
        """Hold a slot within the block, after waiting up to `timeout` seconds. Yields False if there is none."""
        acquired = await self._wait(peer, time.monotonic() + timeout)
        try:
            yield acquired
        finally:
            if acquired:
                self.release(peer)

    async def _wait(self, peer: str, end: float) -> bool:
        while not self.acquire(peer):
            self._released.clear()
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await self._released.wait()
            except TimeoutError:
                return False
        return True
