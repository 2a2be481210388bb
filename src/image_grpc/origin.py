"""Whether the current work is a new call, which may be refused, or has been accepted."""

from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum

from image_grpc.scoped import scoped


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


def work_of(origin: Origin) -> AbstractContextManager[None]:
    """Do the work within the block as work of this origin."""
    return scoped(_current, _Work(origin))


def current_origin() -> Origin:
    """Return the origin of the current work; NEW if nothing is known about it."""
    work = _current.get()
    return work.origin if work is not None else Origin.NEW


def admit_current() -> None:
    """Note that the current call has been admitted."""
    work = _current.get()
    if work is not None and work.origin is Origin.NEW:
        work.origin = Origin.ADMITTED
