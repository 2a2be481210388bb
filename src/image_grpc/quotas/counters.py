"""The counters that all replicas share, as long as the Storage Service replies."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from tabletop.storage.v1.storage_pb2 import CounterChange, CounterResult

from image_grpc.deadline import context_without_deadline
from image_grpc.errors import ServiceError
from image_grpc.messages import from_now
from image_grpc.origin import Origin, work_of
from image_grpc.storage import ImageStorageClient, LimitExceeded

REPLY_SECONDS = 1.0
"""Longest wait for the Storage Service."""
PROBE_SECONDS = 1.0
"""Interval of the attempts to reach it again."""
KEPT_SECONDS = 60
"""Counters of calls are kept for this time after the period that they count."""

log = structlog.get_logger(__name__)


class NotCounted(Exception):
    """The Storage Service does not reply: the process counts for itself."""


class SharedCounters:
    """Changes counters on behalf of the process, not of the call that leads to it.

    Only one call waits for a Storage Service that does not reply. Then nobody does until it replies to a probe.
    """

    def __init__(self, client: ImageStorageClient) -> None:
        self._client = client
        self._probe: asyncio.Task[None] | None = None

    async def change(self, *changes: CounterChange) -> Sequence[CounterResult]:
        """Change counters and return the results. Raises LimitExceeded, NotCounted."""
        if self._probe is not None:
            raise NotCounted
        try:
            return await self._change(changes)
        except LimitExceeded:
            raise
        except (ServiceError, TimeoutError) as problem:
            if self._probe is None:
                log.warning("limits hold for this process alone", problem=str(problem))
                self._probe = asyncio.create_task(self._probe_until_reply(), context=context_without_deadline())
            raise NotCounted from problem

    async def _change(self, changes: Sequence[CounterChange]) -> Sequence[CounterResult]:
        # Otherwise the change would be refused while the Storage Service is busy, and the limit would not hold.
        with work_of(Origin.ACCEPTED):
            async with asyncio.timeout(REPLY_SECONDS):
                return await self._client.count(*changes)

    async def _probe_until_reply(self) -> None:
        probe = CounterChange(name="probe", expire_time=from_now(timedelta(seconds=KEPT_SECONDS)))
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                await self._change([probe])
            except (ServiceError, TimeoutError):
                continue
            log.info("limits hold for all processes again")
            self._probe = None
            return
