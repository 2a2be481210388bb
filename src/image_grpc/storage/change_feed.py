"""The Storage Service's change feed: invalidates the read cache and wakes those who watch records."""

import asyncio
import enum
from collections.abc import Iterator
from contextlib import contextmanager

from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange, StorageChanged

from image_grpc.hub import Consumer, Delivery, Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage.read_cache import ReadCache

ALL = ""
"""Instead of an id: all records of the kind."""


class Signal(enum.Enum):
    """What a watch may report besides a change."""

    GAP = "gap"
    """Changes may have been missed, so the record must be read again."""
    TIMEOUT = "timeout"
    """Nothing happened within the time, or the process is stopping."""


Changes = asyncio.Queue[RecordChange | Signal]


class ChangeFeed:
    """The subscription of one process."""

    def __init__(self, hub: Hub, cache: ReadCache) -> None:
        self._hub, self._cache = hub, cache
        self._watches: dict[tuple[RecordKind, str], set[Changes]] = {}
        self._consumer: Consumer | None = None

    async def start(self) -> None:
        """Subscribe."""
        self._consumer = await self._hub.subscribe([topology.STORAGE_CHANGED], self._deliver, on_gap=self._report_gap)

    async def stop(self) -> None:
        """End the subscription, if there is one."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop(grace=1)

    @contextmanager
    def watch(self, kind: RecordKind, id_: str = ALL) -> Iterator[Changes]:
        """Within the block, collect every change of a record, or of all records of the kind, in the queue."""
        queue: Changes = asyncio.Queue()
        watches = self._watches.setdefault((kind, id_), set())
        watches.add(queue)
        try:
            yield queue
        finally:
            watches.discard(queue)
            if not watches:
                self._watches.pop((kind, id_), None)

    def _deliver(self, delivery: Delivery) -> None:
        for change in envelopes.payload(delivery.envelope, StorageChanged).changes:
            self._cache.apply(change)
            for id_ in (change.key.id, ALL):
                for watch in self._watches.get((change.key.kind, id_), ()):
                    watch.put_nowait(change)

    def _report_gap(self) -> None:
        self._cache.drop_records()
        for watches in self._watches.values():
            for watch in watches:
                watch.put_nowait(Signal.GAP)


async def next_change(changes: Changes, stopping: asyncio.Event, *, seconds: float) -> RecordChange | Signal:
    """Return the next change or gap, or TIMEOUT after `seconds` or when the process stops."""
    get = asyncio.ensure_future(changes.get())
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({get, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return get.result() if get.done() else Signal.TIMEOUT
    finally:
        get.cancel()
        stop.cancel()
