"""Clocks of other hosts that differ from this one's, as the times in their messages show."""

import time

import structlog

log = structlog.get_logger(__name__)

TOLERANCE_SECONDS = 1.0
MEMORY_SECONDS = 60.0
"""How long an observation counts, and the shortest interval between two warnings."""


class ClockSkew:
    """Keeps the largest recent difference."""

    def __init__(self) -> None:
        self._seconds = self._forget_at = self._warn_at = 0.0

    @property
    def seconds(self) -> float:
        """The largest difference seen in the last minute, at least; positive if the other clock is ahead."""
        return self._seconds if time.monotonic() < self._forget_at else 0.0

    def observe(self, sent: float, *, earliest: float = 0.0) -> None:
        """Compare the time at which a message was sent, in whole seconds of its sender's clock, with its arrival now.

        It was sent after `earliest`, by this host's clock.
        """
        now = time.time()
        if sent > now + TOLERANCE_SECONDS:
            self._keep(sent - now)
        elif sent + 1 < earliest - TOLERANCE_SECONDS:
            self._keep(sent + 1 - earliest)

    def _keep(self, seconds: float) -> None:
        if abs(seconds) >= abs(self.seconds):
            self._seconds, self._forget_at = seconds, time.monotonic() + MEMORY_SECONDS
        if time.monotonic() >= self._warn_at:
            self._warn_at = time.monotonic() + MEMORY_SECONDS
            log.warning("clock of another host differs", seconds=round(seconds, 1))
