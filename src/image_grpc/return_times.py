"""When refused calls come back: one after the other, at the rate at which others get their turn."""

import time

from image_grpc.retry import SOON

MAX_RETRY_SECONDS = 60.0
"""Longest time after which a refused call is told to come back."""
WEIGHT = 0.05
"""Weight of the latest turn in the moving average of the intervals between turns."""


class ReturnTimes:
    """Told the same time, refused calls would all come back at once, and most of them would be refused again."""

    def __init__(self) -> None:
        self._interval, self._last_turn = 0.0, time.monotonic()
        """How long turns are apart on average in seconds, and when the last one was, on the monotonic clock."""
        self._last_return = float("-inf")
        """When the last of the refused calls is told to come back, on the monotonic clock."""

    def note_turn(self, *, competes: bool) -> None:
        """Note that a call got a turn now. Only those that others wait for say how often that happens."""
        now = time.monotonic()
        if competes:
            self._interval += WEIGHT * (now - self._last_turn - self._interval)
        self._last_turn = now

    def delay(self, at_least: float = SOON) -> float:
        """Return the seconds after which a call that is refused now should come back.

        No sooner than the calls that were refused before it have had a turn.
        """
        now = time.monotonic()
        soonest = now + at_least
        self._last_return = min(max(soonest, self._last_return + self._interval), now + MAX_RETRY_SECONDS)
        return max(soonest, self._last_return) - now
