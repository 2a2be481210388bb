"""How a generation moves from state to state. Pure functions: each answers a new record, to be stored."""

from __future__ import annotations

import uuid
from decimal import Decimal

from tabletop.hub.v1.jobs_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Cost, Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import GenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import Error
from tabletop.storage.v1.record_pb2 import CacheEntry, CacheEntryState, GenerationRecord

from image_grpc import records
from image_grpc.errors import ServiceError
from image_grpc.generation import kinds, prompts

FINAL = (
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
)
PROGRESS_GENERATING = 0.1
PROGRESS_STORING = 0.8


def ended(generation: Generation) -> bool:
    """Whether the generation is in a final state."""
    return generation.state in FINAL


def queued(id_: str, request: GenerationRequest, theme: Theme, *, fingerprint: str) -> GenerationRecord:
    """A new generation."""
    record = GenerationRecord(
        fingerprint=fingerprint,
        image_id=records.derived_id(id_, "image"),
        prompt=prompts.prompt(request, theme),
        theme_version=theme.version,
        facets=kinds.facets(request),
    )
    record.generation.id = id_
    record.generation.state = GenerationState.GENERATION_STATE_QUEUED
    record.generation.request.CopyFrom(request)
    record.generation.model = kinds.picture(request).model
    return record


def answered_by(record: GenerationRecord, other_id: str) -> GenerationRecord:
    """No generation of its own, so without a state: another one is the answer to the same request_id."""
    record = _copy(record)
    record.answered_by = other_id
    record.generation.ClearField("state")
    return record


def answered_from_cache(record: GenerationRecord, image: Image) -> GenerationRecord:
    """A generation that ends as it begins: the picture is there."""
    record = _copy(record)
    record.generation.cache_hit = True
    return _succeeded(record, image)


def generating(record: GenerationRecord, *, owner: str, lease_seconds: float) -> GenerationRecord:
    """GetImg.AI is being asked, once more."""
    record = _copy(record)
    generation = record.generation
    generation.state = max(generation.state, GenerationState.GENERATION_STATE_GENERATING)
    generation.progress = max(generation.progress, PROGRESS_GENERATING)
    generation.attempts += 1
    generation.ClearField("queue_position")
    if not generation.HasField("start_time"):
        generation.start_time.CopyFrom(records.now())
    record.lease.owner = owner
    record.lease.expire_time.FromMilliseconds(int(records.now().ToMilliseconds() + lease_seconds * 1000))
    return record


def released(record: GenerationRecord, *, asked: bool) -> GenerationRecord:
    """Nobody is working on it; it will be tried again. `asked` says whether GetImg.AI was reached at all."""
    record = _copy(record)
    record.ClearField("lease")
    record.generation.attempts -= not asked
    return record


def storing(record: GenerationRecord, result: ProviderResult) -> GenerationRecord:
    """The picture is drawn and paid for."""
    record = _copy(record)
    generation = record.generation
    generation.state = GenerationState.GENERATION_STATE_STORING
    generation.progress = max(generation.progress, PROGRESS_STORING)
    if result.HasField("cost"):
        generation.cost.CopyFrom(_sum(generation.cost, result.cost))
    generation.draw_time.CopyFrom(result.draw_time)
    generation.ClearField("queue_position")
    record.provider_result.CopyFrom(result)
    record.ClearField("lease")
    return record


def drawing_again(record: GenerationRecord) -> GenerationRecord:
    """What was drawn is gone before it could be stored."""
    record = _copy(record)
    record.ClearField("provider_result")
    return record


def succeeded(record: GenerationRecord, image: Image, *, storage_correlation_id: str) -> GenerationRecord:
    """The picture is stored, with the operation that stores this record."""
    record = _copy(record)
    record.generation.storage_correlation_id = storage_correlation_id
    return _succeeded(record, image)


def failed(record: GenerationRecord, error: ServiceError) -> GenerationRecord:
    """There will be no picture."""
    record = _copy(record)
    record.generation.error.CopyFrom(Error(reason=error.reason, message=error.message, metadata=error.metadata))
    return _end(record, GenerationState.GENERATION_STATE_FAILED)


def cancelled(record: GenerationRecord) -> GenerationRecord:
    """A caller has stopped it."""
    return _end(_copy(record), GenerationState.GENERATION_STATE_CANCELLED)


def in_flight(record: GenerationRecord, version: int = 0) -> CacheEntry:
    """Equal requests are answered by this generation."""
    return CacheEntry(
        fingerprint=record.fingerprint,
        state=CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT,
        generation_id=record.generation.id,
        version=version,
    )


def ready(entry: CacheEntry, image: Image) -> CacheEntry:
    """Equal requests are answered by this image."""
    made = CacheEntry()
    made.CopyFrom(entry)
    made.state = CacheEntryState.CACHE_ENTRY_STATE_READY
    made.image_id, made.image_version = image.id, image.version
    return made


def void(entry: CacheEntry) -> CacheEntry:
    """The next equal request tries anew."""
    made = CacheEntry()
    made.CopyFrom(entry)
    made.state = CacheEntryState.CACHE_ENTRY_STATE_VOID
    return made


def new_generation_id(request_id: str) -> str:
    """The id of a new generation; the same for the same request_id, if there is one."""
    return records.derived_id("generation", request_id) if request_id else str(uuid.uuid4())


def _succeeded(record: GenerationRecord, image: Image) -> GenerationRecord:
    # Only which image it is: what is known of it is looked up when the generation is read.
    record.generation.image.id = record.image_id = image.id
    record.generation.image.version = image.version
    return _end(record, GenerationState.GENERATION_STATE_SUCCEEDED)


def _end(record: GenerationRecord, state: GenerationState) -> GenerationRecord:
    generation = record.generation
    generation.state = state
    generation.progress = 1.0
    generation.finish_time.CopyFrom(records.now())
    generation.ClearField("queue_position")
    generation.ClearField("expect_finish_time")
    record.ClearField("lease")
    return record


def _sum(before: Cost, more: Cost) -> Cost:
    """What was paid in all: a picture that was lost after it was paid for costs twice."""
    total = Cost()
    total.CopyFrom(more)
    if before.amount:
        total.amount = format(Decimal(before.amount) + Decimal(more.amount), "f")
        total.quantity = before.quantity + more.quantity
    return total


def _copy(record: GenerationRecord) -> GenerationRecord:
    made = GenerationRecord()
    made.CopyFrom(record)
    return made
