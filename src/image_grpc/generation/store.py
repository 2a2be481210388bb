"""Step *store* of the pipeline: a drawn picture is downloaded, fitted, stored and announced."""

from __future__ import annotations

import time

import structlog
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.jobs_pb2 import ProviderResult
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import CacheMode
from tabletop.storage.v1.record_pb2 import CacheEntry, GenerationRecord

from image_grpc import events, pictures, records
from image_grpc.config import Settings
from image_grpc.errors import ApiError, GenerationError, ImageNotFound, ServiceError
from image_grpc.generation import jobs, kinds, transitions
from image_grpc.generation.book import Book
from image_grpc.generation.estimate import Estimator
from image_grpc.getimg import Downloader, PictureGone
from image_grpc.hub import Ack, Retry, Settlement, topology
from image_grpc.pictures.provenance import xmp
from image_grpc.storage import BlobIncomplete, ImageStorageClient
from image_grpc.telemetry import Counters

log = structlog.get_logger(__name__)

MAX_BAD_PICTURES = 2
"""Times that what was downloaded is no usable picture before it is given up."""


class StoreStep:
    """Takes a generation from its drawn picture to SUCCEEDED."""

    def __init__(
        self,
        settings: Settings,
        storage: ImageStorageClient,
        downloader: Downloader,
        estimator: Estimator,
        book: Book,
        counters: Counters,
    ) -> None:
        self._settings, self._storage, self._downloader = settings, storage, downloader
        self._estimator, self._book, self._counters = estimator, book, counters

    async def __call__(self, record: GenerationRecord, result: ProviderResult, attempt: int) -> Settlement:
        """Stores the picture that GetImg.AI has drawn for a generation; `attempt` counts from 1."""
        if record.provider_result != result:
            record = await self._book.put(transitions.storing(record, result))
        try:
            drawn = await self._downloader.download(result.url)
            image, before = await self._image(record)
            request = kinds.drawn(record)
            picture = await pictures.fit(drawn, request.size, request.format, xmp=xmp(image))
        except ImageNotFound as gone:
            return await self._book.fail(record, gone)
        except (ApiError, GenerationError) as failure:
            if isinstance(failure, PictureGone) and time.time() >= result.expire_time.seconds:
                return await self._draw_again(record, failure)
            if (delay := self._next_download(record, failure, attempt)) is None:
                return await self._book.fail(record, failure)
            return Retry(delay, failure.message)
        try:
            await self._finish(record, image, before, picture)
        except BlobIncomplete as incomplete:
            return Retry(1.0, incomplete.message)
        return Ack()

    def _next_download(self, record: GenerationRecord, failure: ServiceError, attempt: int) -> float | None:
        """Seconds until the picture is downloaded again; None if it shall not be."""
        bad = isinstance(failure, GenerationError) and not isinstance(failure, PictureGone)
        if failure.retry_delay is None or (bad and attempt >= MAX_BAD_PICTURES):
            return None
        delay = max(failure.retry_delay, topology.retry_step_of(attempt))
        waited = time.time() - record.generation.draw_time.ToMilliseconds() / 1000
        return delay if waited + delay < self._settings.generation_timeout_seconds else None

    async def _draw_again(self, record: GenerationRecord, gone: PictureGone) -> Settlement:
        if record.generation.attempts >= self._settings.generation_max_attempts:
            return await self._book.fail(record, gone)
        again = transitions.drawing_again(record)
        await self._storage.store(
            [self._storage.generations.put(again, at_version=record.generation.version)],
            messages=[jobs.generate(again)],
        )
        return Ack()

    async def _image(self, record: GenerationRecord) -> tuple[Image, int]:
        """The image with its new version, still without the bytes, and the version before it (0: it is new).

        Raises ImageNotFound if an image that is to be changed was deleted meanwhile.
        """
        if not record.HasField("picture"):
            return _described(Image(id=record.image_id), record), 0
        # Its newest version: if others have changed it since this was asked for, theirs are kept as well.
        newest = await self._storage.images.retrieve(record.image_id)
        if newest is None:
            raise ImageNotFound(f"image {record.image_id} was deleted meanwhile")
        return _described(newest, record), newest.version

    async def _finish(self, record: GenerationRecord, image: Image, before: int, picture: bytes) -> None:
        """Stores the picture, and with it, all or none: image, generation, cache entry, and the events."""
        id_ = records.derived_id(record.generation.id, "stored")
        image.storage_correlation_id = id_
        image.content.byte_size = len(picture)
        image.content.sha256 = await self._storage.blobs.put(picture)
        done = transitions.succeeded(record, image, storage_correlation_id=id_)
        puts = [
            self._storage.images.put(image, absent=not before, at_version=before or None),
            self._storage.generations.put(done, at_version=record.generation.version),
        ]
        if (entry := await self._cache_entry(record)) is not None:
            ready = transitions.ready(entry, image)
            at_version = entry.version or None
            puts.append(self._storage.cache_entries.put(ready, absent=not entry.version, at_version=at_version))
        await self._storage.store(puts, messages=_announcements(record, image), storage_correlation_id=id_)
        self._counters.images_generated += 1
        seconds = time.time() - record.generation.start_time.ToMilliseconds() / 1000
        self._estimator.learn(seconds)
        log.info(
            "image generated",
            generation_id=record.generation.id,
            image_id=image.id,
            storage_correlation_id=id_,
            seconds=round(seconds, 3),
            byte_size=len(picture),
            cost=record.generation.cost.amount,
        )

    async def _cache_entry(self, record: GenerationRecord) -> CacheEntry | None:
        """The entry by which equal requests will find the picture; None if it is not for this one to change."""
        if not record.fingerprint:
            return None
        entry = await self._storage.cache_entries.retrieve(record.fingerprint)
        if entry is not None and entry.generation_id == record.generation.id:
            return entry
        # A refresh leaves what it replaces in place until it has succeeded.
        refresh = kinds.drawn(record).cache == CacheMode.CACHE_MODE_REFRESH
        return transitions.in_flight(record, version=entry.version if entry else 0) if refresh else None


def _announcements(record: GenerationRecord, image: Image) -> list[OutboundMessage]:
    cause, correlation_id, headers = record.generation.id, record.correlation_id, jobs.trace(record)
    found = [events.image_generated(image, cause=cause, correlation_id=correlation_id, headers=headers)]
    if record.HasField("theme_association"):
        applied = record.theme_association
        found.append(
            events.theme_applied(
                image.id,
                applied.theme,
                applied.elements,
                cause=cause,
                correlation_id=correlation_id,
                headers=headers,
            )
        )
    return found


def _described(before: Image, record: GenerationRecord) -> Image:
    """The next version of an image, as a generation makes it, but for its bytes."""
    generation, facets, request = record.generation, record.facets, kinds.drawn(record)
    asked = record.picture if record.HasField("picture") else generation.request
    image = Image()
    image.CopyFrom(before)
    image.version = before.version + 1
    image.type, image.subtype = facets.type, facets.subtype
    image.references[:] = request.reference_image_ids
    if (properties := kinds.map_properties(asked)) is not None:
        image.map.CopyFrom(properties)
    image.content.Clear()
    image.content.format = request.format
    image.content.size.CopyFrom(request.size)
    metadata = image.metadata
    metadata.theme, metadata.source_id, metadata.service = facets.theme, facets.source_id, facets.service
    association = metadata.theme_association
    if record.HasField("theme_association"):
        association.CopyFrom(record.theme_association)
    else:
        association.Clear()
        association.theme, association.theme_version, association.strength = (
            facets.theme,
            record.theme_version,
            1.0,
        )
    association.apply_time.CopyFrom(records.now())
    params = metadata.generation_params
    params.request.CopyFrom(asked)
    params.prompt, params.model, params.generation_id = record.prompt, generation.model, generation.id
    return image
