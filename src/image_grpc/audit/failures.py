"""Entries of the audit log about calls that changed nothing because they failed.

They are stored after the calls, many at once, so that they cost the caller no time. Equal failures share an entry:
whoever repeats a forbidden call cannot fill the database.
"""

import asyncio
import uuid

import structlog
from tabletop.image.v1.audit_pb2 import AuditedCall, AuditEntry

from image_grpc.errors import ServiceError
from image_grpc.origin import Origin, work_of
from image_grpc.storage import Storage
from image_grpc.telemetry import Counters

log = structlog.get_logger(__name__)

MAX_WAITING = 400
"""Entries that wait, which are then stored at once. Further ones are counted and lost."""
INTERVAL_SECONDS = 2.0
LAST_SECONDS = 0.9
"""Time to store the last entries while the process stops."""

_Key = tuple[str, str, str, str]
"""Caller, method, outcome and image."""


class FailedCalls:
    """The failed calls of a process that are not stored yet."""

    def __init__(self, storage: Storage, counters: Counters) -> None:
        self._storage, self._counters = storage, counters
        self._waiting: dict[_Key, AuditEntry] = {}
        self._batch: list[AuditEntry] = []
        """What is being stored, under one id until that succeeds."""
        self._batch_id = ""

    def add(self, call: AuditedCall, outcome: str, image_id: str) -> None:
        """Add a call that failed; `image_id` is the image that its request names, if any."""
        key = call.caller, call.method, outcome, image_id
        if (entry := self._waiting.get(key)) is not None:
            entry.count += 1
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[key] = AuditEntry(call=call, outcome=outcome, image_id=image_id, count=1)
        else:
            self._counters.audit_entries_lost += 1

    async def run(self) -> None:
        """Store the calls from time to time, until cancelled; then store the last ones."""
        try:
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                await self._store()
        finally:
            try:
                async with asyncio.timeout(LAST_SECONDS):
                    while self._batch or self._waiting:
                        await self._store()
            except TimeoutError:
                log.warning("failed calls not audited", count=len(self._batch) + len(self._waiting))

    async def _store(self) -> None:
        """Store the calls. If that fails, they are stored the next time."""
        if not self._batch:
            self._batch, self._waiting = list(self._waiting.values()), {}
            self._batch_id = str(uuid.uuid4())
        if not self._batch:
            return
        try:
            with work_of(Origin.ACCEPTED):
                await self._storage.audit_log.append(self._batch, storage_correlation_id=self._batch_id)
        except ServiceError as failure:
            log.warning("failed calls not audited yet", count=len(self._batch), problem=failure.message)
            await asyncio.sleep(0)
        else:
            self._batch = []
