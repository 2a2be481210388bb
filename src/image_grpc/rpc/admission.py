"""How many calls are in progress, of each kind and per peer."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from image_grpc.deadline import remaining
from image_grpc.errors import Overloaded
from image_grpc.fair_slots import FairSlots
from image_grpc.origin import Origin, work_of
from image_grpc.retry import SOON

SLOT_SECONDS = 10.0
"""Longest wait for another transfer to end."""
_LOOPBACK = ("ipv4:127.", "ipv6:%5B::1%5D:", "ipv6:[::1]:", "unix:")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallLimits:
    """The most concurrent calls of each kind."""

    unary: int
    """Calls at work."""
    streams: int
    """Streams in either direction."""
    waits: int
    """Unary calls that wait for a generation to end."""


class CallAdmission:
    """Admits calls. A call that only waits does not count among those at work."""

    def __init__(self, limits: CallLimits) -> None:
        self._unary, self._streams = FairSlots(limits.unary), FairSlots(limits.streams)
        self._waits = FairSlots(limits.waits)

    @contextmanager
    def admit(self, peer: str, *, stream: bool) -> Iterator[None]:
        """Count a call within the block. Raises Overloaded."""
        slots = self._streams if stream else self._unary
        if not slots.acquire(peer):
            kind = "streams" if stream else "calls"
            raise Overloaded(f"too many concurrent {kind} (limit {slots.limit} for all peers)", retry_delay=SOON)
        token = _current.set(_Admitted(peer, slots, self._waits))
        try:
            with work_of(Origin.NEW):
                yield
        finally:
            _current.reset(token)
            slots.release(peer)


@dataclass(frozen=True, slots=True)
class _Admitted:
    peer: str
    slots: FairSlots
    waits: FairSlots


_current: ContextVar[_Admitted | None] = ContextVar("admitted call", default=None)


def current_peer() -> str:
    """Return the peer of the current call."""
    return admitted.peer if (admitted := _current.get()) is not None else ""


@asynccontextmanager
async def transfer_slot(slots: FairSlots, transfers: str) -> AsyncIterator[None]:
    """Hold a slot for the peer of the current call within the block. Raises Overloaded after SLOT_SECONDS.

    `transfers` says what there are too many of.
    """
    async with slots.slot(current_peer(), timeout=remaining(SLOT_SECONDS)) as acquired:
        if not acquired:
            raise Overloaded(f"too many {transfers} at once", retry_delay=SOON)
        yield


@contextmanager
def waiting() -> Iterator[bool]:
    """Count the current call among those that wait, within the block. Yields False if too many wait already."""
    admitted = _current.get()
    if admitted is None:
        yield True
    elif not admitted.waits.acquire(admitted.peer):
        yield False
    else:
        admitted.slots.release(admitted.peer)
        try:
            yield True
        finally:
            admitted.waits.release(admitted.peer)
            admitted.slots.take(admitted.peer)  # even beyond the limit: the call is almost done


def peer_key(peer: str) -> str:
    """Return what identifies a gRPC peer: its address; on the same host, where peers share it, with the port."""
    return peer if peer.startswith(_LOOPBACK) else peer.rpartition(":")[0]
