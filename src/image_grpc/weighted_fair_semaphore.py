"""A semaphore whose waiters are admitted by the weights of their classes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Closed(Exception):
    """The semaphore is closed: the process is stopping."""


class WeightedFairSemaphore(Generic[C]):
    """At most `capacity` holders. While classes compete, each is admitted in proportion to its weight (stride
    scheduling), so a class with a small weight waits longer but never starves."""

    def __init__(self, capacity: int, weights: Mapping[C, int]) -> None:
        self.capacity = self._free = capacity
        self._weights = dict(weights)
        self._queues: dict[C, deque[asyncio.Future[None]]] = {class_: deque() for class_ in weights}
        self._passes = dict.fromkeys(weights, 0.0)
        self._current_pass = 0.0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of waiters."""
        return sum(len(queue) for queue in self._queues.values())

    def turns_until(self, class_: C) -> float:
        """Return the estimated number of admissions up to and including a new waiter of this class; 0: at once."""
        if self._free > 0:
            return 0
        own = len(self._queues[class_]) + 1
        share = own / self._weights[class_]
        others = ((len(queue), share * self._weights[each]) for each, queue in self._queues.items() if each != class_)
        return own + sum(min(waiting, turns) for waiting, turns in others)

    @asynccontextmanager
    async def slot(self, class_: C) -> AsyncIterator[None]:
        """Hold a slot within the block. Raises Closed."""
        await self.acquire(class_)
        try:
            yield
        finally:
            self.release()

    def close(self) -> None:
        """Refuse all current and future waiters."""
        self._closed = True
        for queue in self._queues.values():
            for waiter in queue:
                if not waiter.done():
                    waiter.set_exception(Closed())
            queue.clear()

    async def acquire(self, class_: C) -> None:
        """Wait for a slot, which `release` returns. Raises Closed."""
        if self._closed:
            raise Closed
        if self._free > 0:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._queues[class_]:  # an idle class does not accumulate credit
            self._passes[class_] = max(self._passes[class_], self._current_pass)
        self._queues[class_].append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release()  # admitted and cancelled at the same time
            elif waiter in self._queues[class_]:
                self._queues[class_].remove(waiter)
            raise

    def release(self) -> None:
        """Return a slot."""
        while waiting := [class_ for class_, queue in self._queues.items() if queue]:
            class_ = min(waiting, key=lambda each: self._passes[each])  # has received least for its weight
            waiter = self._queues[class_].popleft()
            if not waiter.done():
                self._current_pass = self._passes[class_]
                self._passes[class_] += 1 / self._weights[class_]
                waiter.set_result(None)
                return
        self._free += 1
