"""The read cache of a process: newest versions of records, and pieces of blobs, both bounded.

What the change feed tells of is taken out; when the feed may have missed something, all records are forgotten.
Blobs are named by their content, so they never go stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import Context
from typing import TypeVar

from cachetools import LRUCache
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.types_pb2 import ImageType
from tabletop.storage.v1.record_pb2 import Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, RecordChange

from image_grpc.deadline import remaining
from image_grpc.errors import StorageServiceError
from image_grpc.records import key
from image_grpc.storage.client import MARGIN_SECONDS, PART_BYTES, ImageStorageClient, together
from image_grpc.telemetry import Counters

MAX_MAPS = 1000
"""Maps whose overlays are kept."""

_V = TypeVar("_V")
_Key = tuple[RecordKind, str]


class ReadCache:
    """Reads through: what is not there is retrieved once, however many ask for it at the same time.

    Records that it answers are shared: whoever changes one copies it first.
    """

    def __init__(
        self, client: ImageStorageClient, counters: Counters, *, max_records: int, max_bytes: int, timeout: float
    ) -> None:
        self._client, self._counters, self._timeout = client, counters, timeout
        self._records: LRUCache[_Key, Record] = LRUCache(max_records)
        self._parts: LRUCache[tuple[str, int], bytes] = LRUCache(max_bytes, getsizeof=len)
        self._loading: dict[_Key, asyncio.Task[Record | None]] = {}
        self._loading_parts: dict[tuple[str, int], asyncio.Task[bytes]] = {}
        self._overlays: LRUCache[str, list[Overlay]] = LRUCache(MAX_MAPS)
        self._overlay_changes = 0

    def get(self, kind: RecordKind, id_: str) -> Record | None:
        """The record if it is cached. It is not deleted."""
        found = self._records.get((kind, id_))
        if found is None:
            self._counters.cache_misses += 1
        else:
            self._counters.cache_hits += 1
        return found

    async def record(self, kind: RecordKind, id_: str) -> Record | None:
        """The newest version of a record, or None if it does not exist or is deleted.

        Raises StorageServiceError.
        """
        found = self.get(kind, id_)
        if found is not None:
            return found
        key = (kind, id_)
        task = self._loading.get(key)
        if task is None:
            # In a context of its own: others may wait longer than the first who asks.
            task = asyncio.create_task(self._load(kind, id_), context=Context())
            self._loading[key] = task
            task.add_done_callback(lambda done: self._loaded(key, done))
        return await self._await(task)

    async def part(self, sha256: str, index: int) -> bytes:
        """The piece of a blob that begins at `index` MiB, 1 MiB or less at its end.

        Raises RecordMissing, StorageServiceError.
        """
        key = (sha256, index)
        found = self._parts.get(key)
        if found is not None:
            self._counters.cache_hits += 1
            return found
        self._counters.cache_misses += 1
        task = self._loading_parts.get(key)
        if task is None:
            read = self._client.blobs.read(sha256, index * PART_BYTES, PART_BYTES)
            task = asyncio.create_task(read, context=Context())
            self._loading_parts[key] = task
            task.add_done_callback(lambda done: self._loaded_part(key, done))
        return await self._await(task)

    async def overlays(self, map_id: str) -> list[Overlay]:
        """The overlays of a map, in the order they are drawn. Raises StorageServiceError."""
        found = self._overlays.get(map_id)
        if found is not None:
            self._counters.cache_hits += 1
            return found
        self._counters.cache_misses += 1
        before = self._overlay_changes
        stored = await self._client.overlays.all(ListFilter(map_id=map_id))
        found = sorted(stored, key=lambda overlay: (overlay.z_index, overlay.create_time.ToNanoseconds()))
        if before == self._overlay_changes:  # else it may be what was before the change
            self._overlays[map_id] = found
        return found

    async def with_overlays(self, image: Image) -> Image:
        """An image as callers see it: with the ids of its overlays, which are records of their own.

        Raises StorageServiceError.
        """
        if image.type != ImageType.IMAGE_TYPE_MAP or not (overlays := await self.overlays(image.id)):
            return image
        seen = Image()
        seen.CopyFrom(image)
        seen.overlays[:] = [overlay.id for overlay in overlays]
        return seen

    async def blob(self, sha256: str, byte_size: int) -> bytes:
        """A whole blob. Raises RecordMissing, StorageServiceError."""
        count = -(-byte_size // PART_BYTES)
        return b"".join(await together(self.part(sha256, index) for index in range(count)))

    def changed(self, records: Iterable[Record]) -> None:
        """Takes in what this process has changed itself, so that it reads its own writes before the feed comes."""
        for record in records:
            self.apply(RecordChange(key=key(record), record=record))

    def apply(self, change: RecordChange) -> None:
        """Takes in what the change feed tells."""
        name = (change.key.kind, change.key.id)
        # A load under way may have read what was before: whoever waits for it gets that, nobody after them.
        self._loading.pop(name, None)
        # Only taken out: the feed tells a change at least once, so what it brings may be older than a deletion.
        self._records.pop(name, None)
        if change.key.kind == RecordKind.RECORD_KIND_OVERLAY:
            self._overlay_changes += 1
            if change.HasField("record"):
                self._overlays.pop(change.record.overlay.map_id, None)
            else:
                self._overlays.clear()

    def forget_records(self) -> None:
        """The change feed may have missed something."""
        self._loading.clear()
        self._records.clear()
        self._overlay_changes += 1
        self._overlays.clear()

    async def _load(self, kind: RecordKind, id_: str) -> Record | None:
        found = await self._client.retrieve([RecordKey(kind=kind, id=id_)])
        return found[0] if found else None

    def _loaded(self, key: _Key, task: asyncio.Task[Record | None]) -> None:
        if self._loading.get(key) is not task:
            return  # overtaken by a change
        del self._loading[key]
        if not task.cancelled() and task.exception() is None and (found := task.result()) is not None:
            self._keep(key, found)

    def _loaded_part(self, key: tuple[str, int], task: asyncio.Task[bytes]) -> None:
        del self._loading_parts[key]
        if not task.cancelled() and task.exception() is None and len(task.result()) <= self._parts.maxsize:
            self._parts[key] = task.result()

    def _keep(self, key: _Key, record: Record) -> None:
        if key[0] in (RecordKind.RECORD_KIND_IMAGE, RecordKind.RECORD_KIND_THEME, RecordKind.RECORD_KIND_OVERLAY):
            self._records[key] = record

    async def _await(self, task: asyncio.Task[_V]) -> _V:
        try:
            async with asyncio.timeout(remaining(self._timeout, margin=MARGIN_SECONDS)):
                return await asyncio.shield(task)
        except TimeoutError as expired:
            raise StorageServiceError("the Storage Service did not answer in time", retry_delay=1.0) from expired
