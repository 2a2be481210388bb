"""What holds back calls to GetImg.AI: the rate limiter and the circuit breaker."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from enum import Enum

from image_grpc.getimg.errors import CallNotSent

MAX_WAIT_SECONDS = 3.0
"""Longest pause that a call waits out; for longer ones its job is put back and redelivered later."""
DEFAULT_THROTTLE_SECONDS = 5.0
"""Pause after a 429 whose headers do not say how long."""
MAX_PAUSE_SECONDS = 600.0
"""Longest pause that a header can ask for."""


class RateLimiter:
    """Bounds the calls in flight, and pauses all calls while response headers say that the request budget is spent."""

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
    try:
        return _clamp(parsedate_to_datetime(value).timestamp() - now if seconds is None else seconds)
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


class CircuitState(Enum):
    CLOSED = "closed"
    """Calls pass."""
    OPEN = "open"
    """Calls are refused."""
    HALF_OPEN = "half-open"
    """The next call passes as the probe; the others are refused until it ends."""


class CircuitBreaker:
    """Stops calls to a peer that keeps failing, and probes whether it has recovered.

    It opens after `failure_threshold` consecutive failures; after `open_seconds` a single call probes the peer.
    """

    def __init__(
        self, failure_threshold: int, open_seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.open_seconds = open_seconds
        self._failure_threshold, self._clock = failure_threshold, clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> CircuitState:
        if self._opened_at is None:
            return CircuitState.CLOSED
        waiting = self._clock() < self._opened_at + self.open_seconds
        return CircuitState.OPEN if waiting else CircuitState.HALF_OPEN

    @property
    def refuses_calls(self) -> bool:
        """Whether a call would be refused now."""
        return self.state is CircuitState.OPEN or self._probing

    @contextmanager
    def guard(self, *, refusal: Callable[[], Exception], is_failure: Callable[[Exception], bool]) -> Iterator[None]:
        """Run one call within the block. Raises `refusal()` instead while calls are refused.

        Exceptions for which `is_failure` is False show that the peer works. A cancelled call shows nothing.
        """
        if self.refuses_calls:
            raise refusal()
        opened_at = self._opened_at
        self._probing = opened_at is not None
        failures: int | None = None
        try:
            yield
            failures = 0
        except Exception as error:
            failures = self._failures + 1 if is_failure(error) else 0
            raise
        finally:
            if opened_at is not None:
                self._probing = False
            # A call that began before the circuit opened says nothing about the peer now.
            if failures is not None and opened_at == self._opened_at:
                self._failures = failures
                self._opened_at = self._clock() if failures >= self._failure_threshold else None
