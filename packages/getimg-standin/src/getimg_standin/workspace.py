"""The workspace of the API key: settings, balance, limits, faults and counters."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

from getimg_standin.behavior import Behavior
from getimg_standin.errors import ApiError
from getimg_standin.faults import FaultQueue
from getimg_standin.ledger import InsufficientBalance, Ledger
from getimg_standin.rate_limit import RateWindow

_MAX_PROMPTS = 1000

# Retry-After of the response to too many concurrent calls, as from the real service.
_IN_FLIGHT_RETRY_SECONDS = 1.0


class Workspace:
    """State shared by all requests; used from the event loop only."""

    def __init__(self, *, api_key: str, behavior: Behavior, clock: Callable[[], float]) -> None:
        self.api_key = api_key
        self.faults = FaultQueue()
        self.ledger = Ledger(behavior.balance)
        self._behavior = behavior
        self._clock = clock
        self._rate = RateWindow()
        self.in_flight = 0
        self.reset_counters()

    def reset_counters(self) -> None:
        """Set the counters to zero; balance, faults and behavior are unchanged."""
        self.calls = 0
        self.billed = 0
        self.total_cost = Decimal(0)
        self.downloads = 0
        self.max_in_flight_seen = self.in_flight
        self.prompts: deque[dict[str, object]] = deque(maxlen=_MAX_PROMPTS)

    @property
    def behavior(self) -> Behavior:
        return self._behavior

    @behavior.setter
    def behavior(self, behavior: Behavior) -> None:
        if behavior.balance != self._behavior.balance:
            self.ledger.balance = behavior.balance
        self._behavior = behavior

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock()

    def require_key(self, authorization: str | None) -> None:
        """Raise ApiError 401 unless the header is `Bearer` and the API key."""
        expected = f"Bearer {self.api_key}"
        if not hmac.compare_digest((authorization or "").encode(), expected.encode()):
            raise ApiError(401)

    def admit(self) -> None:
        """Count a generation against the rate limit. Raises ApiError 429 above it."""
        wait = self._rate.count(self._behavior.requests_per_minute, self.now())
        if wait is not None:
            raise ApiError(429, "The limit of requests per minute has been reached.", retry_after=wait)

    def rate_headers(self) -> dict[str, str]:
        """Return the current X-RateLimit headers."""
        return self._rate.headers(self._behavior.requests_per_minute, self.now())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a generation as in flight within the block. Raises ApiError 429 if too many are."""
        limit = self._behavior.max_in_flight
        if limit is not None and self.in_flight >= limit:
            message = "Too many requests are in flight."
            code = "concurrency_limit_exceeded"
            raise ApiError(429, message, code=code, retry_after=_IN_FLIGHT_RETRY_SECONDS)
        self.in_flight += 1
        self.max_in_flight_seen = max(self.max_in_flight_seen, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def bill(self, price: Decimal) -> None:
        """Charge `price` USD for one picture. Raises ApiError 402 if the balance does not cover it."""
        try:
            self.ledger.charge(price, datetime.fromtimestamp(self.now(), UTC))
        except InsufficientBalance:
            raise ApiError(402) from None
        self.billed += 1
        self.total_cost += price

    def report(self) -> dict[str, object]:
        """Return counters and settings for `GET /_standin`."""
        return {
            "calls": self.calls,
            "billed": self.billed,
            "total_cost": str(self.total_cost),
            "balance": str(self.ledger.balance),
            "downloads": self.downloads,
            "in_flight": self.in_flight,
            "max_in_flight_seen": self.max_in_flight_seen,
            "behavior": self._behavior.to_json(),
            "faults": self.faults.to_json(),
        }
