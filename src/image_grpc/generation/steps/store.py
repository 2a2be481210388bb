"""The *store* step: downloads a generated picture, fits it to the request, stores and announces it."""

import time
from decimal import Decimal

import structlog
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.theme_pb2 import ThemeAssociation
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc import events
from image_grpc.audit_context import audited
from image_grpc.errors import ApiError, GenerationError, ImageNotFound, ServiceError
from image_grpc.generation import jobs, states
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requests import changed_fields, complete_request, kind_in, picture_in
from image_grpc.generation.steps.adherence import best_earlier, measured, wants_another
from image_grpc.generation.steps.fetching import PictureFetcher
from image_grpc.getimg import PictureGone
from image_grpc.hub import Ack, Retry, Settlement
from image_grpc.idempotency import derived_id
from image_grpc.messages import clone, now
from image_grpc.quotas import budgets
from image_grpc.retry import GenerationLimits, delay_before_next_download
from image_grpc.storage import BlobIncomplete, Storage, UnitOfWork
from image_grpc.telemetry_counters import Counters

log = structlog.get_logger(__name__)

MAX_ATTEMPTS_FOR_BETTER = 3
"""Attempts of one job to download an earlier picture that follows the layout better, before the latest is kept."""


class StoreStep:
    """Takes a generation from its generated picture to SUCCEEDED."""

    def __init__(
        self,
        generations: GenerationRepository,
        storage: Storage,
        fetcher: PictureFetcher,
        estimator: Estimator,
        counters: Counters,
        limits: GenerationLimits,
    ) -> None:
        self._generations, self._storage, self._fetcher = generations, storage, fetcher
        self._estimator, self._counters, self._limits = estimator, counters, limits

    async def __call__(self, record: GenerationRecord, result: ProviderResult, attempt: int) -> Settlement:
        """Store the picture that GetImg.AI generated; `attempt` counts from 1."""
        if not record.settled and any(each.result == result for each in record.tries):
            return Ack()  # delivered again: another picture has been requested since
        if record.provider_result != result:
            record = await self._generations.update(states.storing(record, result))
        try:
            previous = await self._previous_version(record)
            image = _next_version(previous, record)
            picture = picture_in(complete_request(record))
            fitted = await self._fetcher.fetch(result, picture, image)
            fidelity = await measured(record, fitted.data)
        except ImageNotFound as error:
            await self._generations.fail(record, error, if_unchanged=True)
            return Ack()
        except (ApiError, GenerationError) as failure:
            return await self._after_failure(record, failure, attempt)
        if fidelity is not None:
            if wants_another(record, fidelity):
                return await self._generate_again(states.tried(record, fidelity))
            if (better := best_earlier(record, fidelity)) is not None:
                try:
                    fitted = await self._fetcher.fetch(better.result, picture, image)
                    fidelity = better.fidelity
                except (ApiError, GenerationError) as failure:
                    if not isinstance(failure, PictureGone) and attempt < MAX_ATTEMPTS_FOR_BETTER:
                        return await self._after_failure(record, failure, attempt)
                    log.warning("better picture lost", generation_id=record.generation.id, problem=failure.message)
            fidelity.tries = len(record.tries) + (not record.settled)
            image.map.fidelity.CopyFrom(fidelity)
        data = await self._fetcher.sign(fitted, image)
        try:
            with audited(record.audited_call):
                await self._finish(record, image, previous.version, data, attempt)
        except BlobIncomplete as incomplete:
            return Retry(1.0, str(incomplete))
        return Ack()

    async def _after_failure(self, record: GenerationRecord, failure: ServiceError, attempt: int) -> Settlement:
        gone = isinstance(failure, PictureGone)
        if gone and time.time() >= record.provider_result.expire_time.seconds:
            if not record.settled and record.generation.attempts - len(record.tries) < self._limits.max_attempts:
                return await self._generate_again(states.generating_again(record))
            return await self._give_up(record, failure)
        delay = delay_before_next_download(
            failure,
            unusable=isinstance(failure, GenerationError) and not gone,
            attempt=attempt,
            elapsed=time.time() - record.generation.generate_time.ToMilliseconds() / 1000,
            limits=self._limits,
        )
        if delay is None:
            return await self._give_up(record, failure)
        return Retry(delay, failure.message)

    async def _give_up(self, record: GenerationRecord, failure: ServiceError) -> Settlement:
        """Keep the best of the earlier pictures, if there are any; otherwise fail."""
        if record.settled or not record.tries:
            await self._generations.fail(record, failure, if_unchanged=True)
            return Ack()
        log.warning("earlier picture kept", generation_id=record.generation.id, problem=failure.message)
        settled = states.settled(record)
        unit = self._storage.unit_of_work()
        self._generations.add_update(unit, settled)
        unit.publish(jobs.next_job(settled, settled.generation.version + 1))
        await unit.commit()
        return Ack()

    async def _generate_again(self, again: GenerationRecord) -> Settlement:
        """Store the record of a generation that needs another call, together with its job."""
        unit = self._storage.unit_of_work()
        self._generations.add_update(unit, again)
        unit.publish(jobs.generate_job(again, again.generation.version + 1))
        await unit.commit()
        return Ack()

    async def _previous_version(self, record: GenerationRecord) -> Image:
        """Return the latest version of the image to change, or a new image with only an id. Raises ImageNotFound."""
        if not record.HasField("picture"):
            return Image(id=record.image_id)
        # The latest version, not the one that the request named: changes that others made meanwhile are kept.
        latest = await self._storage.images.get_latest(record.image_id)
        if latest is None:
            raise ImageNotFound(f"image {record.image_id} was deleted before its new version was stored")
        return latest

    async def _finish(
        self, record: GenerationRecord, image: Image, previous_version: int, data: bytes, attempt: int
    ) -> None:
        """Store the picture, then image, generation, cache entry and events together."""
        unit = self._storage.unit_of_work(derived_id(record.generation.id, "stored"))
        image.storage_correlation_id = unit.id
        image.content.byte_size = len(data)
        last_part = await self._storage.blobs.put_except_last_part(data)
        image.content.sha256 = last_part.sha256
        unit.put_part(last_part)
        succeeded = states.succeeded(record, image, storage_correlation_id=unit.id)
        if previous_version:
            unit.update(self._storage.images, image, previous_version)
        else:
            unit.create(self._storage.images, image)
        self._generations.add_update(unit, succeeded)
        budgets.settle(unit, succeeded, succeeded=True)
        await self._add_cache_entry(unit, record, image, attempt)
        if record.shared_fingerprint:
            unit.put(self._storage.cache_entries, states.shared_entry(record, image))
        unit.publish(*_events(record, image))
        await unit.commit()
        self._report(succeeded, image)

    async def _add_cache_entry(self, unit: UnitOfWork, record: GenerationRecord, image: Image, attempt: int) -> None:
        if not record.fingerprint:
            return  # a new version of an image serves no other request
        if record.cache_entry_version and attempt == 1:
            # If the entry has changed since, the commit fails, and the next attempt reads it.
            ready = states.ready_entry(states.in_flight_entry(record), image)
            unit.update(self._storage.cache_entries, ready, record.cache_entry_version)
            return
        own = await self._generations.own_cache_entry(record)
        if own is not None:
            self._generations.replace_cache_entry(unit, own, states.ready_entry(own, image))
        elif picture_in(complete_request(record)).cache == CacheMode.CACHE_MODE_REFRESH:
            # A refresh leaves the entry that it replaces in place until it succeeds.
            replaced = await self._generations.cache_entry(record)
            ready = states.ready_entry(states.in_flight_entry(record), image)
            self._generations.replace_cache_entry(unit, replaced, ready)

    def _report(self, record: GenerationRecord, image: Image) -> None:
        seconds = time.time() - record.generation.start_time.ToMilliseconds() / 1000
        self._counters.images_generated += 1
        self._counters.cost += Decimal(record.generation.cost.amount or 0)
        self._estimator.record_duration(seconds)
        log.info(
            "image generated",
            generation_id=record.generation.id,
            image_id=image.id,
            storage_correlation_id=image.storage_correlation_id,
            seconds=round(seconds, 3),
            byte_size=image.content.byte_size,
            cost=record.generation.cost.amount,
        )


def _events(record: GenerationRecord, image: Image) -> list[OutboundMessage]:
    headers = jobs.trace_headers(record)
    origin = events.Origin(cause=record.generation.id, correlation_id=record.correlation_id, headers=headers)
    published = [events.image_generated(image, origin)]
    if record.HasField("theme_association"):
        association = record.theme_association
        published.append(events.theme_applied(image.id, association.theme, association.elements, origin))
    return published


def _next_version(previous: Image, record: GenerationRecord) -> Image:
    """Return the version of an image that a generation creates, without the size and digest of its bytes."""
    request, facets = complete_request(record), record.facets
    picture = picture_in(request)
    image = clone(previous)
    image.version = previous.version + 1
    image.type, image.subtype = facets.type, facets.subtype
    image.references[:] = picture.reference_image_ids
    kind = kind_in(request)
    if (properties := kind.map_properties(picture)) is not None:
        changed = kind.changed_map_fields(picture, changed_fields(record.generation.request))
        if previous.HasField("map"):  # keep what others have changed meanwhile
            for field in set(kind.map_fields) - changed:
                properties.ClearField(field)
            for field in changed:
                image.map.ClearField(field)
            image.map.MergeFrom(properties)
        else:
            image.map.CopyFrom(properties)
    if image.HasField("map"):
        image.map.ClearField("fidelity")
    image.content.CopyFrom(ImageContent(format=picture.format, size=picture.size))
    metadata = image.metadata
    del metadata.normalizations[:]  # of an upload, which the generated picture replaces
    metadata.theme, metadata.source_id, metadata.service = facets.theme, facets.source_id, facets.service
    association = ThemeAssociation(theme=facets.theme, theme_version=record.theme_version, strength=1.0)
    metadata.theme_association.CopyFrom(
        record.theme_association if record.HasField("theme_association") else association
    )
    metadata.theme_association.apply_time.CopyFrom(now())
    params, generation = metadata.generation_params, record.generation
    params.request.CopyFrom(request)
    kind.forget_map(picture_in(params.request))
    params.prompt, params.model, params.generation_id = record.prompt, generation.model, generation.id
    return image
