"""The deadline of the work at hand, carried along its calls; each hop computes what remains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """Within the block, the work must be done in `seconds` from now, or sooner if it already had to."""
    at = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(at if outer is None else min(at, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining(most: float, *, margin: float = 0.0) -> float:
    """Seconds that a step may take: at most `most`, and `margin` less than what remains; never negative."""
    at = _deadline.get()
    if at is None:
        return most
    return max(0.0, min(most, at - time.monotonic() - margin))
