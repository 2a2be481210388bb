"""The states of a generation. Pure functions: each returns a changed copy of a record, to be stored."""

from decimal import Decimal

from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry, CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.generation_pb2 import Cost, Generation, GenerationState
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import Fidelity
from tabletop.image.v1.types_pb2 import Error

from image_grpc.errors import ServiceError
from image_grpc.generation.requests import kind_in, picture_in
from image_grpc.messages import clone, clone_without, now

FINAL = (
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
)
UNFINISHED = (
    GenerationState.GENERATION_STATE_QUEUED,
    GenerationState.GENERATION_STATE_GENERATING,
    GenerationState.GENERATION_STATE_STORING,
)
PROGRESS_GENERATING = 0.1
PROGRESS_STORING = 0.8


def is_final(generation: Generation) -> bool:
    """Return whether a generation has ended."""
    return generation.state in FINAL


def served_by(record: GenerationRecord, running: GenerationRecord) -> GenerationRecord:
    """Return a record without a state that points to the generation that serves its `request_id`."""
    pointer = clone(record)
    pointer.served_by_id, pointer.image_id = running.generation.id, running.image_id
    pointer.generation.ClearField("state")
    return pointer


def served_from_cache(record: GenerationRecord, image: Image) -> GenerationRecord:
    """Return a generation that succeeds at once with an existing image."""
    record = _succeeded(record, image)
    record.generation.cache_hit = True
    return record


def copied_image(record: GenerationRecord, image: Image, *, storage_correlation_id: str) -> Image:
    """Return the image of a generation that shares the picture of an image with another source."""
    copy = clone(image)
    copy.id, copy.version, copy.storage_correlation_id = record.image_id, 1, storage_correlation_id
    copy.metadata.source_id, copy.metadata.service = record.facets.source_id, record.facets.service
    params = copy.metadata.generation_params
    params.request.CopyFrom(record.generation.request)
    kind_in(params.request).forget_map(picture_in(params.request))
    params.generation_id = record.generation.id
    return copy


def generating(record: GenerationRecord, *, owner: str, lease_seconds: float) -> GenerationRecord:
    """Return the record before another call to GetImg.AI, with a lease for its owner."""
    record = clone(record)
    generation = record.generation
    generation.state = max(generation.state, GenerationState.GENERATION_STATE_GENERATING)
    generation.progress = max(generation.progress, PROGRESS_GENERATING)
    generation.attempts += 1
    generation.ClearField("queue_position")
    if not generation.HasField("start_time"):
        generation.start_time.CopyFrom(now())
    record.lease.owner = owner
    record.lease.expire_time.FromMilliseconds(int(now().ToMilliseconds() + lease_seconds * 1000))
    return record


def released_after_call(record: GenerationRecord) -> GenerationRecord:
    """Return the record without a lease, after a call that may have reached GetImg.AI."""
    return clone_without(record, "lease")


def released_before_call(record: GenerationRecord) -> GenerationRecord:
    """Return the record without a lease and without the attempt that never reached GetImg.AI."""
    record = clone_without(record, "lease")
    record.generation.attempts -= 1
    return record


def storing(record: GenerationRecord, result: ProviderResult) -> GenerationRecord:
    """Return the record after GetImg.AI has generated, and billed, the picture."""
    record = clone_without(record, "lease")
    generation = record.generation
    generation.state = GenerationState.GENERATION_STATE_STORING
    generation.progress = max(generation.progress, PROGRESS_STORING)
    if result.HasField("cost"):
        generation.cost.CopyFrom(_total(generation.cost, result.cost))
    elif record.HasField("reservation"):
        record.reservation.unknown += record.reservation.price
    generation.generate_time.CopyFrom(result.generate_time)
    generation.ClearField("queue_position")
    record.provider_result.CopyFrom(result)
    return record


def generating_again(record: GenerationRecord) -> GenerationRecord:
    """Return the record for another call, after the picture expired before it was stored, or was not good enough."""
    return clone_without(record, "provider_result")


def tried(record: GenerationRecord, fidelity: Fidelity) -> GenerationRecord:
    """Return the record after its picture did not follow the layout closely enough, for another call."""
    again = generating_again(record)
    again.tries.add(result=record.provider_result, fidelity=fidelity)
    return again


def settled(record: GenerationRecord, *, maybe_billed: bool = False) -> GenerationRecord:
    """Return the record of a generation that keeps the best of its pictures, because it gets no other one.

    `maybe_billed` is set if the result of the last call is unknown.
    """
    record = clone_without(record, "lease")
    if maybe_billed and record.HasField("reservation"):
        record.reservation.unknown += record.reservation.price
    record.generation.state = GenerationState.GENERATION_STATE_STORING
    record.settled = True
    record.provider_result.CopyFrom(max(record.tries, key=lambda each: each.fidelity.score).result)
    return record


def succeeded(record: GenerationRecord, image: Image, *, storage_correlation_id: str) -> GenerationRecord:
    """Return the record once its image is stored, by the same storage operation."""
    record = _succeeded(record, image)
    record.generation.storage_correlation_id = storage_correlation_id
    return record


def failed(record: GenerationRecord, error: ServiceError) -> GenerationRecord:
    """Return the record of a generation that ends without a picture."""
    record = _ended(record, GenerationState.GENERATION_STATE_FAILED)
    record.generation.error.CopyFrom(Error(reason=error.reason, message=error.message, metadata=error.metadata))
    return record


def cancelled(record: GenerationRecord) -> GenerationRecord:
    """Return the record of a generation that a caller stopped."""
    return _ended(record, GenerationState.GENERATION_STATE_CANCELLED)


def in_flight_entry(record: GenerationRecord) -> CacheEntry:
    """Return the cache entry by which equal requests share a generation in progress."""
    state = CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
    return CacheEntry(fingerprint=record.fingerprint, state=state, generation_id=record.generation.id)


def shared_entry(record: GenerationRecord, image: Image) -> CacheEntry:
    """Return the cache entry by which equal requests of other sources get copies of an image."""
    entry = ready_entry(in_flight_entry(record), image)
    entry.fingerprint = record.shared_fingerprint
    return entry


def ready_entry(entry: CacheEntry, image: Image) -> CacheEntry:
    """Return the cache entry by which equal requests share a stored image."""
    ready = clone(entry)
    ready.state = CacheEntryState.CACHE_ENTRY_STATE_READY
    ready.image_id, ready.image_version = image.id, image.version
    return ready


def void_entry(entry: CacheEntry) -> CacheEntry:
    """Return the cache entry after a generation ended without a picture."""
    void = clone(entry)
    void.state = CacheEntryState.CACHE_ENTRY_STATE_VOID
    return void


def _succeeded(record: GenerationRecord, image: Image) -> GenerationRecord:
    record = _ended(record, GenerationState.GENERATION_STATE_SUCCEEDED)
    # Only the id and the version: the image itself is looked up when the generation is read.
    record.generation.image.id = record.image_id = image.id
    record.generation.image.version = image.version
    return record


def _ended(record: GenerationRecord, state: GenerationState) -> GenerationRecord:
    record = clone_without(record, "lease")
    generation = record.generation
    generation.state, generation.progress = state, 1.0
    generation.finish_time.CopyFrom(now())
    generation.ClearField("queue_position")
    generation.ClearField("expect_finish_time")
    return record


def _total(paid: Cost, added: Cost) -> Cost:
    """Return the total cost: a picture that was billed and lost is billed again."""
    total = clone(added)
    if paid.amount:
        total.amount = format(Decimal(paid.amount) + Decimal(added.amount), "f")
        total.quantity = paid.quantity + added.quantity
    return total
