"""Admits the calls of limited callers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from image_grpc.quotas.concurrency import Concurrency
from image_grpc.quotas.counters import SharedCounters
from image_grpc.quotas.limits import LimitedCaller, LimitsFile
from image_grpc.quotas.rates import CallRates
from image_grpc.storage import ImageStorageClient


class CallerQuotas:
    """Calls per second and concurrent calls of callers, the same for all replicas."""

    def __init__(self, limits: LimitsFile, client: ImageStorageClient) -> None:
        counters = SharedCounters(client)
        self._limits, self._rates, self._concurrency = limits, CallRates(counters), Concurrency(counters)

    def of(self, caller: str) -> LimitedCaller | None:
        """Return a caller with its limits, or None if it has none."""
        return self._limits.of(caller)

    @asynccontextmanager
    async def admit(self, caller: LimitedCaller, *, stream: bool) -> AsyncIterator[None]:
        """Count a call of a caller within the block. Raises QuotaExceeded."""
        await self._rates.take(caller)
        limits = caller.limits
        kind, limit = ("streams", limits.concurrent_streams) if stream else ("calls", limits.concurrent_calls)
        async with self._concurrency.hold(caller.name, kind, limit):
            yield

    async def run(self) -> None:
        """Keep the counters of concurrent calls up to date, until cancelled."""
        await self._concurrency.run()
