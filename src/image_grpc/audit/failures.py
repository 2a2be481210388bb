"""Entries of the audit log about calls that changed nothing because they failed.

They are stored after the calls, many at once, so that they cost the caller no time. Equal failures share an entry, and
the entries of each caller are limited. So no caller can fill the database or the memory by repeating forbidden calls.
"""

import asyncio
import uuid
from collections import Counter

import structlog
from tabletop.image.v1.audit_pb2 import AuditedCall, AuditEntry
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc.errors import DependencyError, Overloaded, ServiceError
from image_grpc.origin import Origin, work_of
from image_grpc.storage import Storage
from image_grpc.telemetry_counters import Counters

log = structlog.get_logger(__name__)

MAX_ENTRIES = 400
"""Maximum number of entries in one batch. Failures that need further ones are only counted."""
MAX_OF_CALLER = 40
"""Entries of a caller that name different images. Its further failures share entries that name none."""
INTERVAL_SECONDS = 2.0
LAST_SECONDS = 0.9
"""Time to store the last entries while the process stops."""
RETRY_SECONDS = 0.1

_Key = tuple[str, str, str, str]
"""Caller, method, outcome and image."""


class FailedCalls:
    """The failed calls of a process that are not stored yet."""

    def __init__(self, storage: Storage, counters: Counters) -> None:
        self._storage, self._counters = storage, counters
        self._waiting: dict[_Key, AuditEntry] = {}
        self._of_caller = Counter[str]()
        self._batch: list[Put] = []
        """What is being stored, under one id until that succeeds."""
        self._batch_id = ""

    def add(self, call: AuditedCall, outcome: str, image_id: str) -> None:
        """Add a call that failed; `image_id` is the image that its request names, if any."""
        key = call.caller, call.method, outcome, image_id
        if key not in self._waiting and self._of_caller[call.caller] >= MAX_OF_CALLER:
            image_id = ""
            key = call.caller, call.method, outcome, image_id
        if (entry := self._waiting.get(key)) is not None:
            entry.count += 1
        elif len(self._waiting) < MAX_ENTRIES:
            self._waiting[key] = AuditEntry(call=call, outcome=outcome, image_id=image_id, count=1)
            self._of_caller[call.caller] += 1
        else:
            self._counters.audit_entries_lost += 1

    async def run(self) -> None:
        """Store the calls from time to time, until cancelled; then store the last ones."""
        try:
            while True:
                await asyncio.sleep(INTERVAL_SECONDS)
                await self._store()
        finally:
            await self._store_last()

    async def _store_last(self) -> None:
        try:
            async with asyncio.timeout(LAST_SECONDS):
                while self._batch or self._waiting:
                    await self._store()
                    if self._batch:
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            self._lose("the process stops", len(self._batch) + len(self._waiting))

    async def _store(self) -> None:
        """Store the calls, or if a dependency fails, try it the next time."""
        if not self._batch:
            audit_log, entries = self._storage.audit_log, self._waiting.values()
            self._batch, self._batch_id = [audit_log.put(entry) for entry in entries], str(uuid.uuid4())
            self._waiting = {}
            self._of_caller.clear()
        if not self._batch:
            return
        try:
            with work_of(Origin.ACCEPTED):
                await self._storage.audit_log.append(self._batch, storage_correlation_id=self._batch_id)
        except (DependencyError, Overloaded) as failure:
            log.warning("failed calls not audited yet", count=len(self._batch), problem=failure.message)
            return
        except ServiceError as failure:  # repeating the same batch would fail forever
            self._lose(failure.message, len(self._batch))
        self._batch = []

    def _lose(self, problem: str, count: int) -> None:
        self._counters.audit_entries_lost += count
        log.error("failed calls not audited", count=count, problem=problem)
