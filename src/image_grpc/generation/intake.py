"""Intake: a resolved request is served by an earlier equal one, or stored as a new generation."""

from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry, CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import Cost, Generation
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.types_pb2 import CacheMode

from image_grpc import events, tenancy
from image_grpc.errors import GetimgNotConfigured, RequestIdReused, StorageServiceError, VersionConflict, Violation
from image_grpc.generation import jobs, new_record, states
from image_grpc.generation.estimate import Estimator
from image_grpc.generation.kinds import PictureRequest
from image_grpc.generation.new_record import CallIdentity
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.resolve import ModelCatalog, Resolved
from image_grpc.getimg import expected_cost
from image_grpc.quotas import budgets
from image_grpc.retry import MAX_CONFLICT_RETRIES, SOON
from image_grpc.storage import Storage, UnitOfWork


class Intake:
    """Accepts requests."""

    def __init__(
        self, storage: Storage, generations: GenerationRepository, models: ModelCatalog, estimator: Estimator
    ) -> None:
        self._storage, self._generations = storage, generations
        self._models, self._estimator = models, estimator

    def require_provider(self) -> None:
        """Raise GetimgNotConfigured if the service cannot generate pictures."""
        if not self._models.configured:
            advice = "set GETIMG_API_KEY, or run `image-grpc up` without one to use the stand-in"
            raise GetimgNotConfigured(f"the service has no GetImg.AI API key; {advice}")

    def require_capacity(self, request: PictureRequest) -> None:
        """Raise Overloaded if the request would be refused anyway once its work is done."""
        if not request.validate_only:
            self._storage.require_capacity()

    async def submit(self, request: PictureRequest, resolved: Resolved, call: CallIdentity) -> GenerationRecord:
        """Return the generation that serves a request: a new one, or that of an equal earlier request.

        `request` is the caller's message. With `validate_only`, return a preview. Raises RequestIdReused, ApiError,
        QuotaExceeded.
        """
        if request.validate_only:
            return await self.repeated(call) or self.preview(new_record.for_new_image(resolved, call), resolved)
        for attempt in range(MAX_CONFLICT_RETRIES):
            try:
                # Most requests are new. If not, storing fails, which costs no more than looking first.
                return await self._serve(call, resolved, expect_new=attempt == 0)
            except VersionConflict:  # the same request was made before, or an equal one is in the cache
                if (repeated := await self.repeated(call)) is not None:
                    return repeated
        raise StorageServiceError("too many equal requests at once", retry_delay=SOON)

    async def repeated(self, call: CallIdentity) -> GenerationRecord | None:
        """Return the generation of an earlier call with the same `request_id`, or None. Raises RequestIdReused."""
        if not call.repeatable:
            return None
        record = await self._generations.find(call.generation_id)
        if record is not None and record.request_digest != call.request_digest:
            violation = Violation("request_id", "was used before with other content")
            message = "this request_id was used before with other content; use a new one for each new request"
            raise RequestIdReused(message, violations=[violation])
        return await self._generations.serving(record) if record is not None else None

    async def store(self, record: GenerationRecord, resolved: Resolved) -> GenerationRecord:
        """Store a queued generation together with its job, and return it.

        Raises VersionConflict if it exists, QuotaExceeded.
        """
        return await self._commit(record, await self._unit_for_queued(record, resolved))

    def preview(self, record: GenerationRecord, resolved: Resolved) -> GenerationRecord:
        """Return what a request would become, with its expected cost, without storing anything."""
        generation = Generation(request=record.generation.request, model=record.generation.model)
        if (cost := _price(resolved)) is not None:
            generation.cost.CopyFrom(cost)
        return GenerationRecord(generation=generation, prompt=record.prompt)

    async def _serve(self, call: CallIdentity, resolved: Resolved, *, expect_new: bool) -> GenerationRecord:
        """Serve a request from the cache, or store a new generation.

        With `expect_new`, the cache is not read first. Raises VersionConflict if the request is not new, or when
        overtaken.
        """
        record = new_record.for_new_image(resolved, call)
        if resolved.picture.cache != CacheMode.CACHE_MODE_USE:
            return await self.store(record, resolved)
        entry = None if expect_new else await self._generations.cache_entry(record)
        if (image := await self._ready_image(entry)) is not None:
            return await self._create(states.served_from_cache(record, image))
        if (running := await self._in_flight(entry)) is not None:
            if call.repeatable:  # so that the same request_id gets the same generation later
                await self._create(states.served_by(record, running))
            return running
        if (image := await self._ready_image(await self._generations.shared_cache_entry(record))) is not None:
            return await self._create_copy(record, image, entry)
        record.cache_entry_version = entry.version + 1 if entry is not None else 1
        unit = await self._unit_for_queued(record, resolved)
        self._generations.replace_cache_entry(unit, entry, states.in_flight_entry(record))
        return await self._commit(record, unit)

    async def _create_copy(
        self, record: GenerationRecord, image: Image, previous: CacheEntry | None
    ) -> GenerationRecord:
        """Store a generation that succeeds with a copy of an image of another source."""
        unit = self._storage.unit_of_work()
        copy = states.copied_image(record, image, storage_correlation_id=unit.id)
        unit.create(self._storage.images, copy)
        unit.create(self._storage.generations, states.served_from_cache(record, copy))
        ready = states.ready_entry(states.in_flight_entry(record), copy)
        self._generations.replace_cache_entry(unit, previous, ready)
        unit.publish(events.image_generated(copy, events.Origin(cause=record.generation.id)))
        return await self._generations.commit(unit)

    async def _create(self, record: GenerationRecord) -> GenerationRecord:
        unit = self._storage.unit_of_work()
        unit.create(self._storage.generations, record)
        return await self._generations.commit(unit)

    async def _commit(self, record: GenerationRecord, unit: UnitOfWork) -> GenerationRecord:
        with budgets.translated(record.reservation.caller):
            return await self._generations.commit(unit)

    async def _unit_for_queued(self, record: GenerationRecord, resolved: Resolved) -> UnitOfWork:
        await self._estimator.set_estimate(record)
        unit = self._storage.unit_of_work()
        budgets.reserve(unit, record, _price(resolved))
        unit.create(self._storage.generations, record)
        unit.publish(jobs.generate_job(record, 1))
        return unit

    async def _ready_image(self, entry: CacheEntry | None) -> Image | None:
        if entry is None or entry.state != CacheEntryState.CACHE_ENTRY_STATE_READY:
            return None
        with tenancy.bound_to(""):  # the entry tells whom its picture may serve
            # A deleted image serves no request, not even by an old version.
            if await self._storage.images.get(entry.image_id) is None:
                return None
            return await self._storage.images.get_version(entry.image_id, entry.image_version)

    async def _in_flight(self, entry: CacheEntry | None) -> GenerationRecord | None:
        if entry is None or entry.state != CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT:
            return None
        record = await self._generations.find(entry.generation_id)
        return record if record is not None and not states.is_final(record.generation) else None


def _price(resolved: Resolved) -> Cost | None:
    return expected_cost(resolved.model, resolved.picture.size) if resolved.model is not None else None
