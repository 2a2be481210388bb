"""Concurrent calls and streams of callers, counted by the Storage Service for all replicas.

There is a counter for each period of a few seconds. What a replica holds is counted in the current period and in the
next one, so that it counts without a gap; what a replica held that has crashed counts for two periods at most.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.storage.v1.storage_pb2 import CounterChange

from image_grpc.background import run_to_end
from image_grpc.errors import QuotaExceeded
from image_grpc.names import key_part
from image_grpc.quotas.counters import KEPT_SECONDS, NotCounted, SharedCounters
from image_grpc.retry import SOON
from image_grpc.storage import LimitExceeded

PERIOD_SECONDS = 5.0
UPDATE_SECONDS = 0.5
"""Interval of the updates that count calls in the next period, and no longer those that have ended."""


@dataclass(slots=True)
class _Held:
    """What this replica holds for a caller."""

    name: str
    """Of the caller and the kind of calls, in the names of counters."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the counters are changed."""
    count: int = 0
    counted: dict[int, int] = field(default_factory=dict)
    """What this replica has counted in each period."""

    def change(self, period: int, add: int, maximum: int | None = None) -> CounterChange:
        """Return a change of the counter of a period."""
        end = Timestamp()
        end.FromMilliseconds(int(((period + 1) * PERIOD_SECONDS + KEPT_SECONDS) * 1000))
        return CounterChange(name=f"{self.name}/{period}", add=add, maximum=maximum, expire_time=end)


class Concurrency:
    """Counts calls in progress."""

    def __init__(self, counters: SharedCounters) -> None:
        self._counters = counters
        self._held: dict[str, _Held] = {}

    @asynccontextmanager
    async def hold(self, caller: str, kind: str, limit: int | None) -> AsyncIterator[None]:
        """Count a call of a caller within the block; `kind` is `calls` or `streams`. Raises QuotaExceeded."""
        if limit is None:
            yield
            return
        name = f"concurrent {kind}/{key_part(caller)}"
        async with self._locked(name) as held:
            if not await self._count(held, limit):
                message = f"{caller or 'this caller'} may have {limit} concurrent {kind}"
                raise QuotaExceeded(message, metadata={"caller": caller}, retry_delay=SOON)
            held.count += 1
        try:
            yield
        finally:
            held.count -= 1

    @asynccontextmanager
    async def _locked(self, name: str) -> AsyncIterator[_Held]:
        while True:
            held = self._held.setdefault(name, _Held(name))
            async with held.lock:
                if self._held.get(name) is held:  # not forgotten while this call waited for the lock
                    yield held
                    return

    async def run(self) -> None:
        """Update the counters until cancelled."""
        while True:
            await asyncio.sleep(UPDATE_SECONDS)
            for held in list(self._held.values()):
                async with held.lock:
                    await self._update(held)
                    if not (held.count or any(held.counted.values())):
                        self._held.pop(held.name, None)

    async def _count(self, held: _Held, limit: int) -> bool:
        """Count one more call. Return False if that would exceed the limit."""
        period = _period()
        if held.count < min(held.counted.get(each, 0) for each in (period, period + 1)):
            return True  # counted already: another call has ended since the last update
        if held.counted.get(period, 0) < held.count:
            await self._update(held)
        try:
            await run_to_end(self._add(held, {period: 1, period + 1: 1}, limit=limit))
        except LimitExceeded:
            return False
        except NotCounted:
            return held.count < limit
        return True

    async def _update(self, held: _Held) -> None:
        """Count what is held, no more and no less, in this period and the next one."""
        period = _period()
        held.counted = {each: count for each, count in held.counted.items() if each >= period}
        missing = {each: held.count - held.counted.get(each, 0) for each in (period, period + 1)}
        with contextlib.suppress(NotCounted):
            await run_to_end(self._add(held, {each: add for each, add in missing.items() if add}))

    async def _add(self, held: _Held, changes: dict[int, int], *, limit: int | None = None) -> None:
        """Change the counters of periods; `limit` applies to the first one. Raises LimitExceeded, NotCounted."""
        if not changes:
            return
        first = min(changes)
        await self._counters.change(
            *(held.change(each, add, limit if each == first else None) for each, add in changes.items())
        )
        for each, add in changes.items():
            held.counted[each] = held.counted.get(each, 0) + add


def _period() -> int:
    return int(time.time() / PERIOD_SECONDS)
