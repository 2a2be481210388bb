"""Calls per second of callers, counted by the Storage Service for all replicas.

A replica takes a few calls of a second at a time from the common counter, so that most calls need no request.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field

from cachetools import LRUCache
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.storage.v1.storage_pb2 import CounterChange

from image_grpc.background import run_to_end
from image_grpc.errors import QuotaExceeded
from image_grpc.names import key_part
from image_grpc.quotas.counters import KEPT_SECONDS, NotCounted, SharedCounters
from image_grpc.quotas.limits import LimitedCaller

SHARE = 10
"""A replica takes this fraction of a second's calls at a time."""
MAX_CALLERS = 10_000
"""Callers whose calls are counted at once."""


def now() -> float:
    """Return the time in seconds since 1970."""
    return time.time()


@dataclass(slots=True)
class _Second:
    """The calls of a caller in one second."""

    second: int
    left: int = 0
    """Calls that may be made without asking the Storage Service."""
    taken: int = 0
    """Calls that this replica has taken from the counter."""
    over: bool = False
    """Whether no call is left in the counter."""


@dataclass(slots=True)
class _Caller:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    current: _Second = field(default_factory=lambda: _Second(0))


class CallRates:
    """Counts calls."""

    def __init__(self, counters: SharedCounters) -> None:
        self._counters = counters
        self._callers = LRUCache[str, _Caller](MAX_CALLERS)

    async def take(self, caller: LimitedCaller) -> None:
        """Count a call. Raises QuotaExceeded if the caller has made all calls of this second."""
        rate = caller.limits.calls_per_second
        if rate is None:
            return
        state = self._callers.setdefault(caller.name, _Caller())
        async with state.lock:
            moment = now()
            if state.current.second != int(moment):
                state.current = _Second(int(moment))
            current = state.current
            if not current.left and not current.over:
                await run_to_end(self._lease(caller.name, current, rate))
            if not current.left:
                raise QuotaExceeded(
                    f"{caller.name or 'this caller'} may make {rate} calls per second",
                    metadata={"caller": caller.name},
                    retry_delay=math.ceil((current.second + 1 - moment) * 1000) / 1000,
                )
            current.left -= 1

    async def _lease(self, name: str, current: _Second, rate: int) -> None:
        share = max(1, rate // SHARE)
        change = CounterChange(
            name=f"calls/{current.second}/{key_part(name)}",
            add=share,
            maximum=rate,
            partial=True,
            expire_time=Timestamp(seconds=current.second + KEPT_SECONDS),
        )
        try:
            [result] = await self._counters.change(change)
            added = result.added
        except NotCounted:
            added = min(share, rate - current.taken)
        current.left += added
        current.taken += added
        current.over = added < share
