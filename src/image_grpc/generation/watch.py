"""Reading generations, and waiting for their changes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import GenerationRecord, RecordKind
from tabletop.storage.v1.storage_pb2 import RecordChange

from image_grpc.errors import GenerationNotFound, InvalidArgument, StorageServiceError, Violation
from image_grpc.generation.transitions import ended
from image_grpc.storage import ChangeFeed, ImageStorageClient, ReadCache

GENERATION = RecordKind.RECORD_KIND_GENERATION
POLL_SECONDS = 5.0
"""A waiting caller looks for itself this often, should the change feed have missed something."""


class GenerationReader:
    """Generations as callers see them."""

    def __init__(
        self, storage: ImageStorageClient, cache: ReadCache, feed: ChangeFeed, stopping: asyncio.Event
    ) -> None:
        self._storage, self._cache, self._feed = storage, cache, feed
        self._stopping = stopping

    async def record(self, id_: str) -> GenerationRecord:
        """The record of a generation, or of the one that answers for it. Raises GenerationNotFound."""
        record = await self._storage.generations.retrieve(id_)
        if record is not None and record.answered_by:
            record = await self._storage.generations.retrieve(record.answered_by)
        if record is None:
            raise GenerationNotFound(f"there is no generation {id_}")
        return record

    async def get(self, id_: str) -> Generation:
        """A generation. Raises GenerationNotFound."""
        return await self.present(await self.record(id_))

    async def present(self, record: GenerationRecord) -> Generation:
        """What callers see of a record: the generation with all that is known of its image."""
        generation = Generation()
        generation.CopyFrom(record.generation)
        if generation.image.id:
            image = await self._image(generation.image.id, generation.image.version)
            if image is not None:
                generation.image.CopyFrom(await self._cache.with_overlays(image))
        return generation

    async def _image(self, id_: str, version: int) -> Image | None:
        newest = await self._cache.record(RecordKind.RECORD_KIND_IMAGE, id_)
        if newest is not None and newest.image.version == version:
            return newest.image
        return await self._storage.images.retrieve(id_, version, include_deleted=True)

    async def wait(self, id_: str, seconds: float) -> Generation:
        """A generation once it has ended, or as it is after `seconds` or when the server stops."""
        until = time.monotonic() + seconds
        with self._feed.watch(GENERATION, id_) as changes:
            record = await self.record(id_)
            with contextlib.suppress(StorageServiceError):  # it may be back before the time is over
                while not ended(record.generation) and not self._stopping.is_set():
                    rest = until - time.monotonic()
                    if rest <= 0:
                        break
                    change = await self._next(changes, min(rest, POLL_SECONDS))
                    record = await self._changed(id_, change, record)
        return await self.present(record)

    async def watch(
        self, id_: str, cursor: str, *, heartbeat_seconds: float
    ) -> AsyncIterator[tuple[Generation | None, str]]:
        """Every change after the cursor with its own cursor, None when nothing changed for a while; ends when
        the generation has ended or the server stops. Raises GenerationNotFound, InvalidArgument."""
        seen = _version_of(cursor)
        with self._feed.watch(GENERATION, id_) as changes:
            newest = await self.record(id_)
            while True:
                for version in range(seen + 1, newest.generation.version):
                    if (
                        older := await self._storage.generations.retrieve(newest.generation.id, version)
                    ) is not None:
                        yield await self.present(older), str(version)
                if newest.generation.version > seen:
                    seen = newest.generation.version
                    yield await self.present(newest), str(seen)
                if ended(newest.generation) or self._stopping.is_set():
                    return
                change = await self._next(changes, heartbeat_seconds)
                newest = await self._changed(id_, change, newest)
                if newest.generation.version <= seen and change is None:
                    yield None, str(seen)

    async def _next(self, changes: asyncio.Queue[RecordChange | None], seconds: float) -> RecordChange | None:
        """The next change; None if there is none, or some may have been missed."""
        _, change = await self._feed.next(changes, self._stopping, seconds=seconds)
        return change

    async def _changed(self, id_: str, change: RecordChange | None, before: GenerationRecord) -> GenerationRecord:
        if self._stopping.is_set():
            return before
        if change is not None and change.HasField("record"):
            return change.record.generation
        return await self.record(id_)


def _version_of(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise InvalidArgument.of([Violation("cursor", "is not one that this service gave")])
    return int(cursor)
