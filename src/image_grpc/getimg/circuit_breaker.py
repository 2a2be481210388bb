"""A circuit breaker: it stops calls to a peer that keeps failing, and probes whether the peer has recovered."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class CircuitState(Enum):
    CLOSED = "closed"
    """Calls pass."""
    OPEN = "open"
    """Calls are refused."""
    HALF_OPEN = "half-open"
    """The next call passes as the probe; the others are refused until it ends."""


class CircuitBreaker:
    """Opens after `failure_threshold` consecutive failures; after `open_seconds` a single call probes the peer."""

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
        try:
            yield
        except Exception as error:
            if is_failure(error):
                self._record_failure(opened_at)
            else:
                self._record_success(opened_at)
            raise
        else:
            self._record_success(opened_at)
        finally:
            if opened_at is not None:
                self._probing = False

    # A call that began before the circuit opened has another `opened_at`; it says nothing about the peer now.

    def _record_success(self, opened_at: float | None) -> None:
        if opened_at == self._opened_at:
            self._failures, self._opened_at = 0, None

    def _record_failure(self, opened_at: float | None) -> None:
        if opened_at == self._opened_at:
            self._failures += 1
            if self._failures >= self._failure_threshold:
                self._opened_at = self._clock()
