"""Requests per minute, in fixed windows that start with a request."""

from __future__ import annotations

from math import ceil

_WINDOW_SECONDS = 60.0

# Sent in the headers while there is no limit, for clients that pace themselves by them.
_NOMINAL_LIMIT = 10_000


class RateWindow:
    """Counts requests in the current window; times are seconds on one clock of any origin."""

    def __init__(self) -> None:
        self._start = float("-inf")
        self._used = 0

    def count(self, limit: int | None, now: float) -> float | None:
        """Count one request; return None within `limit`, else the seconds until the window ends."""
        if now - self._start >= _WINDOW_SECONDS:
            self._start, self._used = now, 0
        self._used += 1
        if limit is None or self._used <= limit:
            return None
        return self._seconds_left(now)

    def headers(self, limit: int | None, now: float) -> dict[str, str]:
        """Return X-RateLimit-Limit and -Remaining in requests, -Reset in whole seconds from now."""
        remaining_seconds = self._seconds_left(now)
        used = self._used if remaining_seconds else 0
        remaining = _NOMINAL_LIMIT if limit is None else max(0, limit - used)
        return {
            "X-RateLimit-Limit": str(_NOMINAL_LIMIT if limit is None else limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(remaining_seconds or int(_WINDOW_SECONDS)),
        }

    def _seconds_left(self, now: float) -> int:
        return max(0, ceil(self._start + _WINDOW_SECONDS - now)) if self._used else 0
