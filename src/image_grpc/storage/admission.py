"""How many requests a process has in flight at the Storage Service, and which are refused instead of waiting.

A request that waits here is not yet in the Storage Service's queue. So that queue stays short, replies come soon, and
no request is sent again while its first copy is still waiting.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_grpc.deadline import remaining
from image_grpc.errors import Overloaded, ServiceError, StorageServiceError
from image_grpc.origin import Origin, admit_current, current_origin
from image_grpc.retry import SOON
from image_grpc.weighted_fair_semaphore import WeightedFairSemaphore

MAX_IN_FLIGHT = 32
"""Concurrent reads, and separately writes: half of what a replica handles at once."""
MAX_WAIT_SECONDS = 2.0
"""A new call is refused at once if its turn is likely to come later."""
MAX_RETRY_SECONDS = 60.0
"""Longest time after which a refused call is told to come back."""
PATIENCE = 2.0
"""A new call is refused later if its turn has not come after PATIENCE times MAX_WAIT_SECONDS."""
WEIGHT = 0.05
"""Weight of the latest request in the moving average of durations."""


class StorageAdmission:
    """Admits requests of one kind."""

    def __init__(self) -> None:
        self._semaphore = WeightedFairSemaphore(MAX_IN_FLIGHT, {Origin.NEW: 1, Origin.ADMITTED: 3, Origin.ACCEPTED: 3})
        self._seconds = 0.0
        self.last_reply = float("-inf")
        """When a request succeeded last, on the monotonic clock."""
        self._last_turn, self._interval = time.monotonic(), 0.0
        """When a new call got its turn last, on the monotonic clock, and how long after the one before, on average.
        Only calls that had to wait count.
        """
        self._next_return = float("-inf")
        """When the last of the refused calls is told to come back, on the monotonic clock."""

    def require_turn(self) -> None:
        """Raise Overloaded if a request would be refused at once. This spares a call the work of preparing one."""
        patience = _patience()
        if current_origin() is Origin.NEW and self._expected_wait(Origin.NEW) > min(MAX_WAIT_SECONDS, patience):
            raise self._refusal(time.monotonic() - patience)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it within the block. Raises Overloaded, at once if the wait would be too long."""
        self.require_turn()
        origin, began = current_origin(), time.monotonic()
        competes = self._semaphore.turns_until(origin) > 0
        try:
            async with asyncio.timeout(None if origin is Origin.ACCEPTED else _patience()):
                await self._semaphore.acquire(origin)
        except TimeoutError as expired:
            raise self._refusal(began) from expired
        admit_current()
        start = time.monotonic()
        if origin is Origin.NEW:
            if competes:
                self._interval += WEIGHT * (start - self._last_turn - self._interval)
            self._last_turn = start
        try:
            yield
            self.last_reply = time.monotonic()
            self._seconds += WEIGHT * (self.last_reply - start - self._seconds)
        finally:
            self._semaphore.release()

    def _expected_wait(self, origin: Origin) -> float:
        return self._seconds * self._semaphore.turns_until(origin) / self._semaphore.capacity

    def _refusal(self, since: float) -> ServiceError:
        """Return the error for a request without a turn, which depends on whether others succeeded since a time."""
        expected = self._expected_wait(Origin.NEW)
        if self.last_reply < since:
            return StorageServiceError("the Storage Service does not reply", retry_delay=SOON)
        message = f"the Storage Service is busy; a request would wait {expected:.1f} s for its turn"
        return Overloaded(message, retry_delay=self._delay_of_return(expected))

    def _delay_of_return(self, expected: float) -> float:
        """Return when a refused call should come back: no sooner than the calls refused before it have had a turn.

        Told the same time, they would all come back at once, and most of them be refused again.
        """
        now = time.monotonic()
        soonest = now + max(SOON, expected)
        self._next_return = min(max(soonest, self._next_return + self._interval), now + MAX_RETRY_SECONDS)
        return max(soonest, self._next_return) - now

    @property
    def usual_seconds(self) -> float:
        """How long a request takes on average at present, from its turn to its reply."""
        return self._seconds


def _patience() -> float:
    """Return how long the current call may wait for its turn, in seconds."""
    return remaining(PATIENCE * MAX_WAIT_SECONDS if current_origin() is Origin.NEW else float("inf"))
