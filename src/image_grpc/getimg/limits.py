"""Rate limiting: calls in flight, and pauses that the response headers of GetImg.AI ask for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

from image_grpc.getimg.errors import CallNotSent

MAX_WAIT_SECONDS = 3.0
"""Longest pause that a call waits out; for longer ones its job is put back and redelivered later."""
DEFAULT_THROTTLE_SECONDS = 5.0
"""Pause after a 429 whose headers do not say how long."""
MAX_PAUSE_SECONDS = 600.0
"""Longest pause that a header can ask for."""


class RateLimiter:
    """Bounds the calls in flight, and pauses all calls while the workspace's request budget is spent."""

    def __init__(self, max_in_flight: int, *, clock: Callable[[], float] = time.time) -> None:
        self._slots = asyncio.Semaphore(max_in_flight)
        self._clock = clock
        self._paused_until = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot for one call. Raises CallNotSent if the pause exceeds MAX_WAIT_SECONDS."""
        async with self._slots:
            while (wait := self._paused_until - self._clock()) > 0:
                if wait > MAX_WAIT_SECONDS:
                    raise CallNotSent("the GetImg.AI rate limit is reached", retry_delay=wait)
                await asyncio.sleep(wait)
            yield

    def observe(self, headers: Mapping[str, str]) -> float:
        """Pause calls if the response says that the budget is spent. Return the pause in seconds."""
        return self._pause(_budget_pause(headers, self._clock()) or 0.0)

    def observe_throttling(self, headers: Mapping[str, str]) -> float:
        """Pause calls as the headers of a 429 ask for. Return the pause in seconds."""
        now = self._clock()
        pause = retry_after(headers.get("retry-after"), now)
        if pause is None:
            pause = _budget_pause(headers, now)
        # Without either there were too many calls at once.
        return self._pause(DEFAULT_THROTTLE_SECONDS if pause is None else pause)

    def _pause(self, seconds: float) -> float:
        if seconds > 0:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
        return seconds


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header (seconds or an HTTP date) asks for; None if it is invalid."""
    if value is None:
        return None
    seconds = _parse_number(value)
    if seconds is not None:
        return _clamp(seconds)
    try:
        return _clamp(parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _budget_pause(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds until the spent request budget is renewed, or None if the headers do not say so."""
    reset = _parse_number(headers.get("x-ratelimit-reset"))
    if reset is None or _parse_number(headers.get("x-ratelimit-remaining")) != 0:
        return None
    # Observed in two forms: seconds from now, and seconds since the epoch.
    return _clamp(reset - now if reset > 1e9 else reset)


def _clamp(seconds: float) -> float:
    return min(max(0.0, seconds), MAX_PAUSE_SECONDS)


def _parse_number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
