"""The deadline of the current work. It is passed on implicitly; each step computes the time that remains."""

import time
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar, copy_context

from image_grpc.scoped import scoped

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def deadline_in(seconds: float) -> AbstractContextManager[None]:
    """Set a deadline `seconds` from now for the work within the block; an earlier outer deadline still applies."""
    deadline = time.monotonic() + seconds
    outer = _deadline.get()
    return scoped(_deadline, deadline if outer is None else min(deadline, outer))


def context_without_deadline() -> Context:
    """Return a copy of the current context without its deadline, for work on which others wait as well."""
    context = copy_context()
    context.run(_deadline.set, None)
    return context


def remaining(limit: float, *, margin: float = 0.0) -> float:
    """Return `limit`, or the time to the deadline minus `margin` if that is shorter, in seconds; at least 0.

    Of a short time, the margin takes only a tenth.
    """
    deadline = _deadline.get()
    if deadline is None:
        return limit
    left = deadline - time.monotonic()
    return max(0.0, min(limit, left - min(margin, left / 10)))
