"""How many requests a process has in flight at the Storage Service, and which are refused instead of waiting.

A request that waits here is not yet in the Storage Service's queue. So that queue stays short, replies come soon, and
no request is sent again while its first copy is still waiting.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from image_grpc.deadline import remaining
from image_grpc.errors import Overloaded
from image_grpc.retry import SOON
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore

MAX_IN_FLIGHT = 32
"""Concurrent reads, and separately writes: half of what a replica handles at once."""
MAX_WAIT_SECONDS = 30.0
"""Longest wait of a call for its turn, if its deadline is later."""
WEIGHT = 0.05
"""Weight of the latest request in the moving average of durations."""


_accepted: ContextVar[bool] = ContextVar("accepted work", default=False)


@contextmanager
def accepted_work() -> Iterator[None]:
    """Give the requests within the block precedence over new calls, and never refuse them.

    For work that was accepted before, and may have been paid for.
    """
    token = _accepted.set(True)
    try:
        yield
    finally:
        _accepted.reset(token)


class Admission:
    """Admits requests of one kind."""

    def __init__(self) -> None:
        self._semaphore = WeightedFairSemaphore(MAX_IN_FLIGHT, {False: 1, True: 3})
        self._seconds = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it within the block. Raises Overloaded, at once if the wait would be too long."""
        accepted = _accepted.get()
        patience = remaining(MAX_WAIT_SECONDS)
        if not accepted and (expected := self._expected_wait) > patience:
            raise _overloaded(expected)
        try:
            async with asyncio.timeout(None if accepted else patience):
                await self._semaphore.acquire(accepted)
        except TimeoutError as expired:
            raise _overloaded(self._expected_wait) from expired
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds += WEIGHT * (time.monotonic() - began - self._seconds)
            self._semaphore.release()

    @property
    def _expected_wait(self) -> float:
        return self._seconds * self._semaphore.waiting / self._semaphore.capacity

    @property
    def usual_seconds(self) -> float:
        """How long a request takes on average at present, from its turn to its reply."""
        return self._seconds


def _overloaded(expected: float) -> Overloaded:
    message = f"the Storage Service is busy; a request would wait {expected:.1f} s for its turn"
    return Overloaded(message, retry_delay=max(SOON, expected))
