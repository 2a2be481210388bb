"""The Storage Service's change feed: keeps the read cache true and wakes those who watch records."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange, StorageChanged

from image_grpc.hub import Consumer, Delivery, Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.storage.cache import ReadCache

EVERY = ""
"""In place of an id: all records of the kind."""

_Watch = asyncio.Queue[RecordChange | None]


class ChangeFeed:
    """One subscription for the whole process."""

    def __init__(self, hub: Hub, cache: ReadCache) -> None:
        self._hub, self._cache = hub, cache
        self._watches: dict[tuple[RecordKind, str], set[_Watch]] = {}
        self._consumer: Consumer | None = None

    async def start(self) -> None:
        """Subscribes."""
        self._consumer = await self._hub.subscribe(
            [topology.STORAGE_CHANGED], self._deliver, on_gap=self._missed_something
        )

    async def stop(self) -> None:
        """Ends the subscription, if there is one."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop(grace=1)

    @contextmanager
    def watch(self, kind: RecordKind, id_: str = EVERY) -> Iterator[_Watch]:
        """Within the block, every change of the record (or of every record of the kind) comes into the queue; None
        says that some may have been missed, so the record has to be read again."""
        queue: _Watch = asyncio.Queue()
        watches = self._watches.setdefault((kind, id_), set())
        watches.add(queue)
        try:
            yield queue
        finally:
            watches.discard(queue)
            if not watches:
                self._watches.pop((kind, id_), None)

    async def next(
        self, changes: _Watch, stopping: asyncio.Event, *, seconds: float
    ) -> tuple[bool, RecordChange | None]:
        """Whether something came into the queue within the time and before the process stops, and what."""
        get = asyncio.ensure_future(changes.get())
        stop = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({get, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return (True, get.result()) if get.done() else (False, None)
        finally:
            get.cancel()
            stop.cancel()

    def _deliver(self, delivery: Delivery) -> None:
        for change in envelopes.payload(delivery.envelope, StorageChanged).changes:
            self._cache.apply(change)
            for id_ in (change.key.id, EVERY):
                for watch in self._watches.get((change.key.kind, id_), ()):
                    watch.put_nowait(change)

    def _missed_something(self) -> None:
        self._cache.forget_records()
        for watches in self._watches.values():
            for watch in watches:
                watch.put_nowait(None)
