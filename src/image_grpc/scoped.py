"""Values that are passed on implicitly, for the work within a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def scoped(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Set a variable of the context within the block."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
