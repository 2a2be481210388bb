"""The correlation id of the current work. Every message and log line carries it."""

import uuid
from contextlib import AbstractContextManager
from contextvars import ContextVar

from image_grpc.scoped import scoped

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


def current_correlation_id() -> str:
    """Return the id of the current work, or an empty string outside of `correlated`."""
    return _correlation_id.get()


def new_correlation_id() -> str:
    """Return the correlation id for something new: that of the current work, or a fresh UUID without one."""
    return current_correlation_id() or str(uuid.uuid4())


def correlated(correlation_id: str) -> AbstractContextManager[None]:
    """Set the correlation id of the work within the block."""
    return scoped(_correlation_id, correlation_id)
