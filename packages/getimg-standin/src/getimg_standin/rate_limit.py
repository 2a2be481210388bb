"""Requests per minute: a fixed window that opens with the first request after the last one closed."""

from __future__ import annotations

from math import ceil

_WINDOW_SECONDS = 60.0

# Shown in the headers while no limit is enforced, for clients that pace themselves by them.
_NOMINAL_LIMIT = 10_000


class RateWindow:
    """Counts requests in the current window; times are in seconds on one clock of any origin."""

    def __init__(self) -> None:
        self._opened = float("-inf")
        self._used = 0

    def count(self, limit: int | None, now: float) -> float | None:
        """Counts one request: None when it is within `limit`, else the seconds until the window closes."""
        if now - self._opened >= _WINDOW_SECONDS:
            self._opened, self._used = now, 0
        self._used += 1
        if limit is None or self._used <= limit:
            return None
        return self._seconds_left(now)

    def headers(self, limit: int | None, now: float) -> dict[str, str]:
        """X-RateLimit-Limit and -Remaining in requests, -Reset in whole seconds from now."""
        left = self._seconds_left(now)
        used = self._used if left else 0
        remaining = _NOMINAL_LIMIT if limit is None else max(0, limit - used)
        return {
            "X-RateLimit-Limit": str(_NOMINAL_LIMIT if limit is None else limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(left or int(_WINDOW_SECONDS)),
        }

    def _seconds_left(self, now: float) -> int:
        return max(0, ceil(self._opened + _WINDOW_SECONDS - now)) if self._used else 0
