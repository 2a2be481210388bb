"""Generations as callers see them, and waiting for their changes."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import ListGenerationsRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, RecordChange

from image_grpc.errors import InvalidArgument, Overloaded, StorageServiceError, Violation
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requests import listing_filter
from image_grpc.generation.states import is_final
from image_grpc.messages import clone
from image_grpc.paging import count_fitting
from image_grpc.retry import Backoff
from image_grpc.storage import ChangeFeed, Storage
from image_grpc.storage.change_feed import Changes, Signal, next_change
from image_grpc.storage.filters import state_labels

GENERATION = RecordKind.RECORD_KIND_GENERATION
RETRY_SECONDS = 5.0
"""Time from a read that failed to the next one of a waiting caller."""
ALL_STATES = [state for state in GenerationState.values() if state]
"""A record without a state is only a pointer to the generation that serves its request_id."""
POLLS = Backoff(initial=20.0, maximum=60.0, jitter=10.0)
"""When a waiting caller reads the generation, in case the change feed missed something: rarely, as thousands wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEvent:
    """A change of a generation, or a heartbeat."""

    generation: Generation | None
    """The generation after the change; None for a heartbeat."""
    cursor: str
    """Resumes the watch after this event."""


class GenerationReader:
    """Reads generations and waits for them."""

    def __init__(
        self, generations: GenerationRepository, storage: Storage, feed: ChangeFeed, stopping: asyncio.Event
    ) -> None:
        self._generations, self._storage = generations, storage
        self._feed, self._stopping = feed, stopping

    async def get(self, id_: str) -> Generation:
        """Return the current state of a generation. Raises GenerationNotFound."""
        return await self.present(await self._generations.require(id_))

    async def list(self, request: ListGenerationsRequest, page_size: int) -> tuple[Sequence[Generation], str]:
        """Return a page of generations, newest first, and the token of the next page."""
        filter_ = listing_filter(request)
        filter_.states.extend(state_labels([request.state] if request.state else ALL_STATES))
        page, token = await self._page(filter_, page_size, request.page_token)
        if (fitting := count_fitting(page)) < len(page):  # floor plans may have thousands of walls
            page, token = await self._page(filter_, fitting, request.page_token)
        return page, token

    async def _page(self, filter_: ListFilter, page_size: int, page_token: str) -> tuple[Sequence[Generation], str]:
        generations = self._storage.generations
        records, token = await generations.list(filter_, page_size=page_size, page_token=page_token)
        images = self._storage.images
        references = (record.generation.image for record in records)
        versions = await images.get_versions((each.id, each.version) for each in references if each.id)
        presented = dict(zip(versions, await images.all_with_overlay_ids(versions.values()), strict=True))
        generations_with_images = [
            _with_image(record, presented.get((record.generation.image.id, record.generation.image.version)))
            for record in records
        ]
        return generations_with_images, token

    async def present(self, record: GenerationRecord, change: RecordChange | None = None) -> Generation:
        """Return the generation in a record, with its image filled in.

        `change`, if given, is the last change to that image, which then need not be read.
        """
        images, reference = self._storage.images, record.generation.image
        if not reference.id:
            return _with_image(record, None)
        if change is not None and change.HasField("record"):
            image = await images.after_change(change)
        else:
            image = await images.get_version(reference.id, reference.version, include_deleted=True)
        return _with_image(record, await images.with_overlay_ids(image) if image is not None else None)

    async def wait(self, id_: str, seconds: float, record: GenerationRecord | None = None) -> Generation:
        """Return a generation when it ends, after `seconds`, or when the server stops. Raises GenerationNotFound.

        `record` is its record if the caller has just stored it.
        """
        end, polls, failed = time.monotonic() + seconds, itertools.count(1), False
        with contextlib.ExitStack() as watches:
            changes = watches.enter_context(self._feed.watch(GENERATION, id_))
            record = record or await self._generations.require(id_)
            # One event reports the end of a generation and its image, which then need not be read.
            images = watches.enter_context(self._feed.watch(RecordKind.RECORD_KIND_IMAGE, record.image_id))
            while not is_final(record.generation) and not self._stopping.is_set():
                left = end - time.monotonic()
                if left <= 0:
                    break
                # The Storage Service may be available again before the time is over.
                pause = RETRY_SECONDS if failed else POLLS.delay(next(polls))
                change = await next_change(changes, self._stopping, seconds=min(left, pause))
                failed = True
                with contextlib.suppress(StorageServiceError, Overloaded):
                    record, failed = await self._after(change, id_, record), False
        return await self.present(record, _last_change(images, record.generation.image))

    async def watch(self, id_: str, cursor: str, *, heartbeat_seconds: float) -> AsyncIterator[WatchEvent]:
        """Yield every change after the cursor, and heartbeats, until the generation ends or the server stops.

        Raises GenerationNotFound, InvalidArgument.
        """
        sent = _version_in(cursor)
        with self._feed.watch(GENERATION, id_) as changes:
            latest = await self._generations.require(id_)
            while True:
                for version in range(sent + 1, latest.generation.version):
                    older = await self._storage.generations.get_version(latest.generation.id, version)
                    if older is not None:
                        yield await self._event(older)
                if latest.generation.version > sent:
                    sent = latest.generation.version
                    yield await self._event(latest)
                if is_final(latest.generation) or self._stopping.is_set():
                    return
                latest = await self._next(id_, changes, latest, seconds=heartbeat_seconds)
                if latest.generation.version <= sent and not self._stopping.is_set():
                    yield WatchEvent(generation=None, cursor=str(sent))

    async def _event(self, record: GenerationRecord) -> WatchEvent:
        return WatchEvent(generation=await self.present(record), cursor=str(record.generation.version))

    async def _next(self, id_: str, changes: Changes, record: GenerationRecord, *, seconds: float) -> GenerationRecord:
        """Return the record after the next change, or as read again after `seconds` or a gap."""
        return await self._after(await next_change(changes, self._stopping, seconds=seconds), id_, record)

    async def _after(self, change: RecordChange | Signal, id_: str, record: GenerationRecord) -> GenerationRecord:
        """Return the record in a change; after a gap or a timeout, the one that is stored."""
        if self._stopping.is_set():
            return record
        if isinstance(change, RecordChange) and change.HasField("record"):
            return self._storage.generations.decode(change.record)
        return await self._generations.require(id_)


def _with_image(record: GenerationRecord, image: Image | None) -> Generation:
    generation = clone(record.generation)
    if image is not None:
        generation.image.CopyFrom(image)
    return generation


def _last_change(changes: Changes, image: Image) -> RecordChange | None:
    """Return the last change to the version of an image, or None if it may have been missed."""
    last = None
    while not changes.empty():
        change = changes.get_nowait()
        if change is Signal.GAP:
            last = None
        elif isinstance(change, RecordChange) and (change.key.id, change.key.version) == (image.id, image.version):
            last = change
    return last


def _version_in(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise InvalidArgument.of([Violation("cursor", "is not a cursor of this service")])
    return int(cursor)
