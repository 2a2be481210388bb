"""Queues the jobs of unfinished generations again if they were lost, with a purged queue or a replaced broker.

A generation is stalled if nothing has changed it for some time, no process holds its lease, and its job is not
waiting: its queue is empty, or a newer generation of the same queue has started. If the job still exists, for instance
on the retry ladder while GetImg.AI is unavailable, there are then two. That is harmless, because the first write of a
step fails if the other was faster. Each time, twice as long passes before the next.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import timedelta

import structlog
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder

from image_grpc.errors import GenerationNotFound, ServiceError, VersionConflict
from image_grpc.generation import jobs, states
from image_grpc.generation.steps.generate import PUBLISH_SECONDS
from image_grpc.getimg import GetimgClient
from image_grpc.hub import Hub
from image_grpc.messages import clone
from image_grpc.storage import Storage
from image_grpc.storage.filters import state_labels
from image_grpc.telemetry_counters import Counters

log = structlog.get_logger(__name__)

MAX_DOUBLINGS = 6
PAGE_SIZE = 500
RECENT = 200
"""How many of the newest generations show which queues are processed."""
MAX_PAGES = 20
MAX_INTERVAL_SECONDS = 30.0

_UNFINISHED = state_labels(states.UNFINISHED)
_STARTED = state_labels(set(GenerationState.values()) - {0, GenerationState.GENERATION_STATE_QUEUED})


class StalledGenerations:
    """Finds stalled generations periodically, and requeues them."""

    def __init__(
        self,
        hub: Hub,
        storage: Storage,
        provider: GetimgClient,
        counters: Counters,
        *,
        stalled_after: float,
        capacity: int,
    ) -> None:
        """A generation is stalled after `stalled_after` seconds without a change.

        `capacity` is the number of generations that a process works on at once.
        """
        self._hub, self._storage, self._provider, self._counters = hub, storage, provider, counters
        self._stalled_after, self._capacity = stalled_after, capacity

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(min(self._stalled_after / 4, MAX_INTERVAL_SECONDS))
            try:
                await self.sweep()
            except ServiceError as failure:
                log.warning("stalled generations not checked", problem=failure.message)
            except Exception:  # a bug that one generation triggers must not end the sweeps
                log.exception("stalled generations not checked")

    async def sweep(self) -> None:
        """Requeue what is stalled now, and count what is still unfinished after it was requeued."""
        stalled: set[str] = set()
        oldest: float | None = None
        if self._provider.configured:  # otherwise all jobs wait, and the status says so
            filter_, token = self._old_unfinished(), ""
            for _ in range(MAX_PAGES):
                records, token = await self._storage.generations.list(
                    filter_, page_size=PAGE_SIZE, page_token=token, order=ListOrder.LIST_ORDER_OLDEST_FIRST
                )
                if oldest is None and records:
                    oldest = records[0].generation.create_time.ToMilliseconds() / 1000
                stalled |= {record.generation.id for record in records if record.requeues}
                stalled |= await self._requeue_stalled(records)
                if not token:
                    break
        self._counters.generations_stalled = len(stalled)
        self._counters.oldest_unfinished = oldest

    def _old_unfinished(self) -> ListFilter:
        """Return the filter for the generations that may be stalled."""
        old = ListFilter(states=_UNFINISHED)
        old.create_time_before.FromMilliseconds(int((time.time() - self._stalled_after) * 1000))
        return old

    async def _requeue_stalled(self, records: Sequence[GenerationRecord]) -> set[str]:
        """Requeue those of the records that are stalled, and return their ids."""
        requeued = set()
        async for record in self._without_job(records):
            if await requeue(self._storage, record):
                requeued.add(record.generation.id)
                self._counters.generations_requeued += 1
                log.warning("stalled generation requeued", generation_id=record.generation.id)
        return requeued

    async def _without_job(self, records: Sequence[GenerationRecord]) -> AsyncIterator[GenerationRecord]:
        """Yield the records that have not changed for long enough, and whose job is not waiting."""
        overdue = [record for record in records if _idle_seconds(record) >= self._wait_seconds(record)]
        if not overdue:
            return
        recent, _ = await self._storage.generations.list(ListFilter(states=_STARTED), page_size=RECENT)
        # A process holds more jobs than it works on. They may wait there while it is busy.
        busy = sum(_idle_seconds(record) < 0 for record in recent) >= self._capacity
        newest = _newest_by_queue(recent)
        for record in overdue:
            if busy and record.generation.state == GenerationState.GENERATION_STATE_QUEUED:
                continue
            queue = jobs.next_queue(record)
            created = record.generation.create_time.ToNanoseconds()
            if created < newest.get(queue, 0) or await self._hub.depth(queue) == 0:
                yield record

    def _wait_seconds(self, record: GenerationRecord) -> float:
        return self._stalled_after * 2.0 ** min(record.requeues, MAX_DOUBLINGS)


def _newest_by_queue(records: Iterable[GenerationRecord]) -> dict[str, int]:
    """Return when the newest started generation of each queue was created, in nanoseconds."""
    newest: dict[str, int] = {}
    for record in records:
        if record.generation.HasField("start_time"):
            queue = jobs.generate_queue(record)
            newest[queue] = max(newest.get(queue, 0), record.generation.create_time.ToNanoseconds())
    return newest


async def requeue(storage: Storage, record: GenerationRecord) -> bool:
    """Queue the next job of an unfinished generation, together with a note in its record.

    Returns False if the generation has changed, and so is not stalled.
    """
    again = clone(record)
    again.requeues += 1
    unit = storage.unit_of_work()
    unit.update(storage.generations, again, record.generation.version)
    unit.publish(jobs.next_job(again, record.generation.version + 1))
    try:
        await unit.commit()
    except VersionConflict:
        return False
    return True


async def requeue_selected(storage: Storage, ids: Collection[str], *, idle_for: timedelta) -> int:
    """Requeue generations, by default all unfinished ones without a change for some time. Return their number.

    Raises GenerationNotFound.
    """
    if ids:
        records = [await _require_serving(storage, id_) for id_ in ids]
    else:
        unfinished = await storage.generations.all(ListFilter(states=_UNFINISHED))
        records = [record for record in unfinished if _idle_seconds(record) >= idle_for.total_seconds()]
    unfinished = [record for record in records if not states.is_final(record.generation)]
    return sum([await requeue(storage, record) for record in unfinished])


async def requeue_unfinished(hub: Hub, storage: Storage) -> int:
    """Publish the jobs of unfinished generations, which a hub that is not durable has lost; return their number."""
    records = await storage.generations.all(ListFilter(states=_UNFINISHED))
    for record in records:
        await hub.publish(jobs.next_job(record, record.generation.version), timeout=PUBLISH_SECONDS)
    return len(records)


async def _require_serving(storage: Storage, id_: str) -> GenerationRecord:
    """Return the record of a generation, or of the one that serves it. Raises GenerationNotFound."""
    record = await storage.generations.get_latest(id_)
    if record is not None and record.served_by_id:
        record = await storage.generations.get_latest(record.served_by_id)
    if record is None:
        raise GenerationNotFound.with_id(id_)
    return record


def _idle_seconds(record: GenerationRecord) -> float:
    """Return how long nothing has happened; negative while a lease is valid."""
    seen = max(record.generation.update_time.ToMilliseconds(), record.lease.expire_time.ToMilliseconds())
    return time.time() - seen / 1000
