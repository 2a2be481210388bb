"""The caller of the current call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tabletop.image.v1.access_pb2 import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody whose identity is known."""

    name: str
    """Of an API key or a certificate's entry, or the subject of a token."""
    role: Role
    service: str = ""
    """The only service whose pictures the caller may use; empty for all."""


ANYBODY = Caller(name="", role=Role.ROLE_ADMIN)
"""Every caller of a server without authentication."""

_current: ContextVar[Caller] = ContextVar("current caller", default=ANYBODY)


@contextmanager
def calling_as(caller: Caller) -> Iterator[None]:
    """Do the work within the block for this caller."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)


def current_caller() -> Caller:
    """Return the caller that the current work is done for."""
    return _current.get()
