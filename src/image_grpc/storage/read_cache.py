"""The read cache of a process: the latest versions of records and parts of blobs, both bounded.

The change feed removes what has changed; when it may have missed changes, all records are dropped. Blobs are named
by their content, so they never become stale.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, cast

from cachetools import LRUCache
from google.protobuf.message import Message
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc.deadline import remaining
from image_grpc.single_flight import SingleFlight
from image_grpc.storage.blobs import PART_BYTES, gather_all
from image_grpc.storage.codecs import T
from image_grpc.storage.collection import Collection, ImageStorageClient
from image_grpc.storage.filters import overlays_of_map
from image_grpc.storage.requester import MARGIN_SECONDS, timeout_error
from image_grpc.telemetry_counters import Counters

MAX_MAPS = 1000
"""Maps whose overlays are cached."""
CACHED_KINDS = frozenset({RecordKind.RECORD_KIND_IMAGE, RecordKind.RECORD_KIND_THEME, RecordKind.RECORD_KIND_OVERLAY})
"""Generations and cache entries change too fast to be worth caching."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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
        self._records = _Entries[tuple[RecordKind, str], Message | None](
            LRUCache(limits.max_records), lambda key, record: record is not None and key[0] in CACHED_KINDS
        )
        self._parts = _Entries[tuple[str, int], bytes](
            LRUCache(limits.max_bytes, getsizeof=len), lambda _, part: len(part) <= limits.max_bytes
        )
        self._overlays = _Entries[str, list[Overlay]](LRUCache(MAX_MAPS), lambda *_: True)

    async def record(self, collection: Collection[T], id_: str) -> T | None:
        """Return the latest version of a record, or None if it is missing or deleted."""
        record = await self._read(self._records, (collection.kind, id_), lambda: collection.retrieve(id_))
        return cast("T | None", record)

    async def overlays(self, map_id: str) -> list[Overlay]:
        """Return the overlays of a map in drawing order."""
        return await self._read(self._overlays, map_id, lambda: self._load_overlays(map_id))

    async def part(self, sha256: str, index: int) -> bytes:
        """Return the part of a blob from `index` MiB on: 1 MiB, or less at its end. Raises RecordNotFound."""
        load = partial(self._client.blobs.read, sha256, index * PART_BYTES, PART_BYTES)
        return await self._read(self._parts, (sha256, index), load)

    async def blob(self, sha256: str, byte_size: int) -> bytes:
        """Return a whole blob. Raises RecordNotFound."""
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
        self._records.discard((change.key.kind, change.key.id))
        if change.key.kind == RecordKind.RECORD_KIND_OVERLAY:
            if change.HasField("record"):
                self._overlays.discard(change.record.index.map_id)
            else:
                self._overlays.clear()

    def drop_records(self) -> None:
        """Drop all records: the change feed may have missed changes."""
        self._records.clear()
        self._overlays.clear()

    async def _load_overlays(self, map_id: str) -> list[Overlay]:
        overlays = await self._client.overlays.all(overlays_of_map(map_id))
        return sorted(overlays, key=lambda overlay: (overlay.z_index, overlay.create_time.ToNanoseconds()))

    async def _read(self, entries: "_Entries[K, V]", key: K, load: Callable[[], Coroutine[Any, Any, V]]) -> V:
        cached = entries.cached.get(key)
        if cached is not None:
            self._counters.cache_hits += 1
            return cached
        self._counters.cache_misses += 1
        seconds = remaining(self._client.timeout, margin=MARGIN_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                return await entries.load(key, load)
        except TimeoutError as expired:
            raise timeout_error("the Storage Service did not reply in time", seconds) from expired


class _Entries(Generic[K, V]):
    """The cached values of one type, and the running loads of others; `keep` decides which values are cached."""

    def __init__(self, cached: LRUCache[K, V], keep: Callable[[K, V], bool]) -> None:
        self.cached, self._keep = cached, keep
        self._loads = SingleFlight[K, V]()

    async def load(self, key: K, load: Callable[[], Coroutine[Any, Any, V]]) -> V:
        def on_loaded(value: V) -> None:
            if self._keep(key, value):
                self.cached[key] = value

        return await self._loads.run(key, load, on_loaded=on_loaded)

    def discard(self, key: K) -> None:
        # A running load may have read the old state: its callers get that state, later callers do not.
        self._loads.invalidate(key)
        self.cached.pop(key, None)

    def clear(self) -> None:
        self._loads.invalidate_all()
        self.cached.clear()
