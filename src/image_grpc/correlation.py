"""The correlation id of the work at hand; it goes with every message and every log line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


def new_correlation_id() -> str:
    """Return the current correlation id, or a new one if there is none."""
    return _correlation_id.get() or str(uuid.uuid4())


def current_correlation_id() -> str:
    """The id of the work at hand; empty for work that has none."""
    return _correlation_id.get()


@contextmanager
def correlated(id_: str) -> Iterator[None]:
    """Within the block, work has this correlation id, and log lines carry it."""
    token = _correlation_id.set(id_)
    try:
        yield
    finally:
        _correlation_id.reset(token)
