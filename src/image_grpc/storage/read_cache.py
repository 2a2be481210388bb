"""The read cache of a process: the latest versions of records and parts of blobs, both bounded.

The change feed removes what has changed; when it may have missed changes, all records are dropped. Blobs are named
by their content, so they never become stale.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from cachetools import LRUCache
from google.protobuf.message import Message
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc.deadline import remaining
from image_grpc.errors import StorageServiceError
from image_grpc.single_flight import SingleFlight
from image_grpc.storage.blobs import PART_BYTES, gather_all
from image_grpc.storage.client import ImageStorageClient
from image_grpc.storage.codecs import T
from image_grpc.storage.collection import Collection
from image_grpc.storage.filters import overlays_of_map
from image_grpc.storage.requester import MARGIN_SECONDS
from image_grpc.telemetry import Counters

MAX_MAPS = 1000
"""Maps whose overlays are cached."""
CACHED_KINDS = frozenset({RecordKind.RECORD_KIND_IMAGE, RecordKind.RECORD_KIND_THEME, RecordKind.RECORD_KIND_OVERLAY})
"""Generations and cache entries change too fast to be worth caching."""

V = TypeVar("V")
_Key = tuple[RecordKind, str]
_Part = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheLimits:
    """How much a read cache keeps."""

    max_records: int
    max_bytes: int
    """Bytes of pictures."""


class ReadCache:
    """Loads through: concurrent reads of one record or part share one load.

    The messages that it returns are shared: clone one before changing it.
    """

    def __init__(self, client: ImageStorageClient, counters: Counters, limits: CacheLimits) -> None:
        self._client, self._counters = client, counters
        self._records: LRUCache[_Key, Message] = LRUCache(limits.max_records)
        self._parts: LRUCache[_Part, bytes] = LRUCache(limits.max_bytes, getsizeof=len)
        self._overlays: LRUCache[str, list[Overlay]] = LRUCache(MAX_MAPS)
        self._record_loads: SingleFlight[_Key, Any] = SingleFlight()
        self._part_loads: SingleFlight[_Part, bytes] = SingleFlight()
        self._overlay_loads: SingleFlight[str, list[Overlay]] = SingleFlight()

    async def record(self, collection: Collection[T], id_: str) -> T | None:
        """Return the latest version of a record, or None if it does not exist or is deleted.

        Raises StorageServiceError.
        """
        key = (collection.kind, id_)
        cached = self._count(self._records.get(key))
        if cached is not None:
            return cast(T, cached)

        def keep(loaded: T | None) -> None:
            if loaded is not None and collection.kind in CACHED_KINDS:
                self._records[key] = loaded

        load = self._record_loads.run(key, lambda: collection.retrieve(id_), on_loaded=keep)
        return cast("T | None", await self._wait(load))

    async def overlays(self, map_id: str) -> list[Overlay]:
        """Return the overlays of a map in drawing order. Raises StorageServiceError."""
        cached = self._count(self._overlays.get(map_id))
        if cached is not None:
            return cached

        def keep(loaded: list[Overlay]) -> None:
            self._overlays[map_id] = loaded

        load = self._overlay_loads.run(map_id, lambda: self._load_overlays(map_id), on_loaded=keep)
        return await self._wait(load)

    async def part(self, sha256: str, index: int) -> bytes:
        """Return the part of a blob that starts at `index` MiB: 1 MiB, or less at the end of the blob.

        Raises RecordNotFound, StorageServiceError.
        """
        key = (sha256, index)
        cached = self._count(self._parts.get(key))
        if cached is not None:
            return cached

        def keep(loaded: bytes) -> None:
            if len(loaded) <= self._parts.maxsize:
                self._parts[key] = loaded

        offset = index * PART_BYTES
        load = self._part_loads.run(key, lambda: self._client.blobs.read(sha256, offset, PART_BYTES), on_loaded=keep)
        return await self._wait(load)

    async def blob(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob. Raises RecordNotFound, StorageServiceError."""
        count = -(-byte_size // PART_BYTES)
        return b"".join(await gather_all(self.part(sha256, index) for index in range(count)))

    def invalidate(self, records: Iterable[Record]) -> None:
        """Drop records that this process has changed, so that it reads its own writes before the feed arrives."""
        for record in records:
            self.apply(RecordChange(key=record.key, record=record))

    def apply(self, change: RecordChange) -> None:
        """Drop a record that the change feed reports as changed.

        The record in the change is not kept: the feed delivers at least once, so it may be older than a deletion.
        """
        key = (change.key.kind, change.key.id)
        # A running load may have read the old state: its callers get that state, later callers do not.
        self._record_loads.invalidate(key)
        self._records.pop(key, None)
        if change.key.kind != RecordKind.RECORD_KIND_OVERLAY:
            return
        if change.HasField("record"):
            self._overlay_loads.invalidate(change.record.index.map_id)
            self._overlays.pop(change.record.index.map_id, None)
        else:
            self._overlay_loads.invalidate_all()
            self._overlays.clear()

    def drop_records(self) -> None:
        """Drop all records: the change feed may have missed changes."""
        self._record_loads.invalidate_all()
        self._records.clear()
        self._overlay_loads.invalidate_all()
        self._overlays.clear()

    async def _load_overlays(self, map_id: str) -> list[Overlay]:
        overlays = await self._client.overlays.all(overlays_of_map(map_id))
        return sorted(overlays, key=lambda overlay: (overlay.z_index, overlay.create_time.ToNanoseconds()))

    def _count(self, cached: V | None) -> V | None:
        if cached is None:
            self._counters.cache_misses += 1
        else:
            self._counters.cache_hits += 1
        return cached

    async def _wait(self, load: Coroutine[Any, Any, V]) -> V:
        try:
            async with asyncio.timeout(remaining(self._client.timeout, margin=MARGIN_SECONDS)):
                return await load
        except TimeoutError as expired:
            raise StorageServiceError("the Storage Service did not reply in time", retry_delay=1.0) from expired
