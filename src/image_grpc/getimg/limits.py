"""How fast GetImg.AI may be called: as its answers say, and not while it is failing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

from image_grpc.errors import ApiError

PATIENCE_SECONDS = 3.0
"""A call waits this long for its turn; when that is not enough, its job comes back later."""
DEFAULT_RETRY_SECONDS = 5.0
MAX_PAUSE_SECONDS = 600.0
"""Longest pause that a header can ask for."""


class NotSent(ApiError):
    """The call was not made, so it cannot have cost anything. `retry_delay` says when to come back."""


class RateLimiter:
    """Calls at once, and a pause when the workspace's budget of requests is spent."""

    def __init__(self, max_in_flight: int, *, clock: Callable[[], float] = time.time) -> None:
        self._slots = asyncio.Semaphore(max_in_flight)
        self._clock = clock
        self._open_at = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Within the block, one call may be made. Raises NotSent when it would have to wait too long."""
        async with self._slots:
            while (wait := self._open_at - self._clock()) > 0:
                if wait > PATIENCE_SECONDS:
                    raise NotSent("GetImg.AI's rate limit is reached", retry_delay=wait)
                await asyncio.sleep(wait)
            yield

    def observe(self, headers: Mapping[str, str], *, limited: bool) -> float:
        """Takes in the headers of an answer; `limited` says that it was a 429. Answers the seconds to wait."""
        wait = self._seconds_to_wait(headers, limited=limited)
        if wait > 0:
            self._open_at = max(self._open_at, self._clock() + wait)
        return wait

    def _seconds_to_wait(self, headers: Mapping[str, str], *, limited: bool) -> float:
        if limited and (after := retry_after(headers.get("retry-after"), self._clock())) is not None:
            return after
        reset = _number(headers.get("x-ratelimit-reset"))
        if reset is not None and _number(headers.get("x-ratelimit-remaining")) == 0:
            # Seen in the wild both as seconds to wait and as a time since the epoch.
            return _pause(reset - self._clock() if reset > 1e9 else reset)
        return DEFAULT_RETRY_SECONDS if limited else 0.0  # limited with requests left: too many at once


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date; None without one."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return _pause(seconds)
    try:
        return _pause(parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _pause(seconds: float) -> float:
    return min(max(0.0, seconds), MAX_PAUSE_SECONDS)


def _number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
