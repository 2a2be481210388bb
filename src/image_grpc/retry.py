"""The one retry policy: what may be retried, how often, and after how long. Delays are in seconds.

Three mechanisms use it: the hub's retry ladder (messages come back after a fixed step), calls that are repeated
within a deadline (`Backoff`), and the limits after which a message, a generation or a download is given up.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import uniform
from typing import TypeVar

import stamina

from image_grpc.errors import ServiceError

T = TypeVar("T")

MAX_HANDLER_FAULTS = 5
"""Attempts of a message whose handler keeps raising unexpected exceptions, or whose call keeps failing."""
MAX_TRANSIENT_ATTEMPTS = 10
"""Attempts of a message that has no time-to-live while a peer is unavailable: about an hour on the ladder."""
MAX_DELIVERIES = 100
"""Deliveries of a message that no consumer settled, after which it is dead-lettered."""
MAX_CONFLICT_RETRIES = 10
"""Attempts of a conditional write that concurrent writers keep overtaking."""
MAX_INTERRUPTED_CALLS = 10
"""Provider calls of one generation that ended with their process; each may have been billed."""
MAX_UNUSABLE_PICTURES = 2
"""Downloads of one generated picture by one job that turned out to be no usable picture."""
SOON = 1.0
"""Seconds that callers are told to wait after a failure that should be short."""
PEER_UNAVAILABLE_SECONDS = 5.0
"""Delay before work that only waits for a peer is tried again."""


@dataclass(frozen=True, slots=True)
class RetryLadder:
    """The delays that the hub offers for redelivery, in ascending order."""

    steps: Sequence[float]

    def round_up(self, delay: float) -> float:
        """The shortest step that is at least `delay`, or the longest step."""
        return next((step for step in self.steps if step >= delay), self.steps[-1])

    def round_down(self, delay: float) -> float:
        """The longest step that is at most `delay`, or the shortest step."""
        return next((step for step in reversed(self.steps) if step <= delay), self.steps[0])

    def after_attempt(self, attempt: int) -> float:
        """The step that follows the given attempt, counted from 1; later attempts get the longest step."""
        return self.steps[min(attempt, len(self.steps)) - 1]


LADDER = RetryLadder((1, 5, 30, 120, 600))


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Exponential delays between the attempts of one call, with up to `jitter` added at random."""

    initial: float
    maximum: float
    jitter: float = 0.0

    def delay(self, attempt: int) -> float:
        """Delay after the given attempt, counted from 1."""
        exponential = self.initial * 2.0 ** min(attempt - 1, 32)
        return min(self.maximum, exponential + uniform(0, self.jitter))  # noqa: S311  # not security


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerationLimits:
    """When to give up on a generation whose calls to GetImg.AI keep failing."""

    max_attempts: int
    """Calls to GetImg.AI."""
    timeout: float
    """Time since the first call."""


def delay_before_next_call(
    failure: ServiceError, *, sent: bool, attempts: int, elapsed: float | None, limits: GenerationLimits
) -> float | None:
    """Delay before GetImg.AI is called again for a generation, or None if the generation has failed.

    `sent` is False if the request never reached GetImg.AI, `attempts` counts the calls so far, and `elapsed` is
    the time since the first one (None before it). Calls that GetImg.AI throttles do not count against the limit.
    """
    if failure.retry_delay is None:
        return None
    if elapsed is None:
        return LADDER.round_down(failure.retry_delay)
    throttled = not sent or failure.metadata.get("http_status") == "429"
    if not throttled and attempts >= limits.max_attempts:
        return None
    delay = failure.retry_delay if throttled else max(failure.retry_delay, LADDER.after_attempt(attempts))
    if elapsed + delay >= limits.timeout:
        return None
    # The rate limiter holds back a call that comes early; a step that comes late would miss the timeout.
    return LADDER.round_down(delay) if throttled else delay


def delay_before_next_download(
    failure: ServiceError, *, unusable: bool, attempt: int, elapsed: float, limits: GenerationLimits
) -> float | None:
    """Delay before a generated picture is downloaded again, or None if the generation has failed.

    `unusable` is True if the download succeeded but was no usable picture; `attempt` counts from 1; `elapsed` is
    the time since the picture was generated.
    """
    if failure.retry_delay is None or (unusable and attempt >= MAX_UNUSABLE_PICTURES):
        return None
    delay = max(failure.retry_delay, LADDER.after_attempt(attempt))
    return delay if elapsed + delay < limits.timeout else None


async def retry_calls(call: Callable[[], Awaitable[T]], *, on: type[Exception], backoff: Backoff) -> T:
    """Repeat a call while it raises `on`. The caller bounds the time."""
    with contextlib.suppress(on):  # most calls succeed at once; preparing to repeat them costs more than some of them
        return await call()
    await asyncio.sleep(backoff.delay(1))
    # Not stamina's own timeout: it would let a pause between two attempts go on past the deadline.
    async for attempt in stamina.retry_context(
        on=on,
        attempts=None,
        timeout=None,
        wait_initial=backoff.initial,
        wait_max=backoff.maximum,
        wait_jitter=backoff.jitter,
    ):
        with attempt:
            return await call()
    raise AssertionError("unreachable: the loop returns or raises")
