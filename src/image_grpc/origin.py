"""Whether the current work is a new call, which may be refused, or has been accepted."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum


class Origin(Enum):
    """Where work comes from, in ascending order of its claim to be done."""

    NEW = "new"
    """A call that has not used anything yet. Only such a call is refused."""
    ADMITTED = "admitted"
    """A call that has been admitted, and would be refused late."""
    ACCEPTED = "accepted"
    """Work that was accepted before, and may have been paid for."""


@dataclass(slots=True)
class _Work:
    """Shared by all tasks of a call, whose contexts are copies."""

    origin: Origin


_current: ContextVar[_Work | None] = ContextVar("current work", default=None)


@contextmanager
def work_of(origin: Origin) -> Iterator[None]:
    """Do the work within the block as work of this origin."""
    token = _current.set(_Work(origin))
    try:
        yield
    finally:
        _current.reset(token)


def current_origin() -> Origin:
    """Return the origin of the current work; NEW if nothing is known about it."""
    work = _current.get()
    return work.origin if work is not None else Origin.NEW


def admit_current() -> None:
    """Note that the current call has been admitted."""
    work = _current.get()
    if work is not None and work.origin is Origin.NEW:
        work.origin = Origin.ADMITTED
