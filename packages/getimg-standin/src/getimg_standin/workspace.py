"""The workspace behind the API key: its settings, its money, its limits and what was asked of it."""

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
from getimg_standin.ledger import BalanceSpent, Ledger
from getimg_standin.rate_limit import RateWindow

_PROMPTS_KEPT = 1000

# What a client is told to wait when too many of its calls are running; the real service names no more.
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
        """Sets the counters back to zero; balance, faults and behavior stay."""
        self.calls = 0
        self.billed = 0
        self.total_cost = Decimal(0)
        self.downloads = 0
        self.max_in_flight_seen = self.in_flight
        self.prompts: deque[dict[str, object]] = deque(maxlen=_PROMPTS_KEPT)

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
        """Raises ApiError 401 unless the header's value is `Bearer` and the key."""
        expected = f"Bearer {self.api_key}"
        if not hmac.compare_digest((authorization or "").encode(), expected.encode()):
            raise ApiError(401)

    def admit(self) -> None:
        """Counts a generation against the rate limit. Raises ApiError 429 when it is over."""
        wait = self._rate.count(self._behavior.requests_per_minute, self.now())
        if wait is not None:
            raise ApiError(429, "The limit of requests per minute is reached.", retry_after=wait)

    def rate_headers(self) -> dict[str, str]:
        """The X-RateLimit headers as of now."""
        return self._rate.headers(self._behavior.requests_per_minute, self.now())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a generation as in flight. Raises ApiError 429 when too many already are."""
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
        """Charges one picture of `price` USD. Raises ApiError 402 when the balance is spent."""
        try:
            self.ledger.charge(price, datetime.fromtimestamp(self.now(), UTC))
        except BalanceSpent:
            raise ApiError(402) from None
        self.billed += 1
        self.total_cost += price

    def report(self) -> dict[str, object]:
        """Counters and settings as `GET /_standin` shows them."""
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
