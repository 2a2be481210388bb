"""The pipeline from an accepted request to a stored picture.

A message is acknowledged only after the results of the steps that it caused are durable, so a process may end at any
moment.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.correlation import correlated
from image_grpc.deadline import remaining
from image_grpc.errors import Overloaded, RequestIdReused, StorageServiceError, VersionConflict
from image_grpc.generation import states
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.steps.generate import Generated, GenerateStep
from image_grpc.generation.steps.store import StoreStep
from image_grpc.hub import Ack, Consumer, DeadLetter, Delivery, Hub, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.origin import Origin, work_of
from image_grpc.retry import PEER_UNAVAILABLE_SECONDS
from image_grpc.settings import ServerSettings
from image_grpc.telemetry import ATTR_GENERATION_ID, SPAN_GENERATE, SPAN_STORE, Telemetry
from image_grpc.weighted_fair_semaphore import Closed, WeightedFairSemaphore

log = structlog.get_logger(__name__)

MAX_WAIT_SECONDS = 10.0
"""Longest wait of a generated picture until it is stored. Then it gets a store job, which any process may take."""

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """The steps of the pipeline."""

    generate: GenerateStep
    store: StoreStep


class Pipeline:
    """Consumes the queues of both steps."""

    def __init__(
        self,
        settings: ServerSettings,
        hub: Hub,
        generations: GenerationRepository,
        semaphore: WeightedFairSemaphore[Priority],
        steps: Steps,
        telemetry: Telemetry,
    ) -> None:
        self._settings, self._hub, self._generations = settings, hub, generations
        self._semaphore, self._steps, self._telemetry = semaphore, steps, telemetry
        self._in_progress: set[str] = set()
        self._consumers: list[Consumer] = []
        self._store_slots = asyncio.Semaphore(settings.store_concurrency)

    async def start(self) -> None:
        """Start consuming. If it fails, `stop` ends what was started."""
        generating, storing = self._settings.generation_concurrency, self._settings.store_concurrency
        for priority, queue in topology.GENERATE_QUEUES.items():
            handler = partial(self._handle_generate, priority)
            # Jobs whose pictures are being stored keep no others from being generated.
            self._consumers.append(await self._hub.consume(queue, handler, concurrency=generating + storing))
        consumer = await self._hub.consume(topology.STORE_QUEUE, self._handle_store, concurrency=storing)
        self._consumers.append(consumer)

    async def stop(self) -> None:
        """Take no more jobs and finish the current ones within the grace period."""
        self._semaphore.close()
        grace = remaining(self._settings.shutdown_grace_seconds)
        await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))

    async def _handle_generate(self, priority: Priority, delivery: Delivery) -> Settlement:
        job = envelopes.payload(delivery.envelope, GenerateJob)
        id_ = _valid_id(job.generation_id)
        if not _is_first(delivery) and _key(SPAN_STORE, id_) in self._in_progress:
            return Retry(PEER_UNAVAILABLE_SECONDS, "the picture is being stored")
        carried = _carried_record(job, delivery)
        outcome = await self._run(
            SPAN_GENERATE, delivery, id_, carried, lambda record: self._steps.generate(record, priority)
        )
        return await self._store_at_once(outcome.record, delivery) if isinstance(outcome, Generated) else outcome

    async def _store_at_once(self, generated: GenerationRecord, delivery: Delivery) -> Settlement:
        """Store a picture in the delivery that generated it, which saves a message per picture.

        If that is impossible, or the process ends, the next delivery of the job publishes a store job.
        """

        def store(record: GenerationRecord) -> Awaitable[Settlement]:
            return self._store(record, record.provider_result, 1, max_wait=MAX_WAIT_SECONDS)

        try:
            return await self._run(SPAN_STORE, delivery, generated.generation.id, generated, store)
        except Exception:  # not raised: it would count as a fault of this job, perhaps the last one allowed
            log.exception("generated picture not stored at once", generation_id=generated.generation.id)
            return Retry(0, "the picture could not be stored at once")

    async def _handle_store(self, delivery: Delivery) -> Settlement:
        job = envelopes.payload(delivery.envelope, StoreJob)
        id_, carried = _valid_id(job.generation_id), _carried_record(job, delivery)
        return await self._run(
            SPAN_STORE, delivery, id_, carried, lambda record: self._store(record, job.result, delivery.attempt)
        )

    async def _store(
        self, record: GenerationRecord, result: ProviderResult, attempt: int, *, max_wait: float | None = None
    ) -> Settlement:
        """Wait for a store slot, up to `max_wait` seconds, then run the *store* step."""
        try:
            async with asyncio.timeout(max_wait):
                await self._store_slots.acquire()
        except TimeoutError:
            return Retry(0, "other pictures are stored first")
        try:
            return await self._steps.store(record, result, attempt)
        finally:
            self._store_slots.release()

    async def _run(
        self,
        span_name: str,
        delivery: Delivery,
        id_: str,
        carried: GenerationRecord | None,
        step: Callable[[GenerationRecord], Awaitable[R]],
    ) -> R | Settlement:
        """Run a step for an unfinished generation, at most once at a time in this process."""
        key = _key(span_name, id_)
        if key in self._in_progress:
            return Retry(PEER_UNAVAILABLE_SECONDS, "another delivery is in progress")
        self._in_progress.add(key)
        self._telemetry.counters.generations_unfinished += 1
        attributes = {ATTR_GENERATION_ID: id_}
        span = self._telemetry.consumer_span(span_name, delivery.queue, parent=delivery.headers, attributes=attributes)
        try:
            with correlated(delivery.envelope.correlation_id), span, work_of(Origin.ACCEPTED):
                return await self._run_step(id_, carried, step)
        finally:
            self._telemetry.counters.generations_unfinished -= 1
            self._in_progress.discard(key)

    async def _run_step(
        self, id_: str, carried: GenerationRecord | None, step: Callable[[GenerationRecord], Awaitable[R]]
    ) -> R | Settlement:
        try:
            record = carried or await self._generations.find(id_)
            if record is None:
                return DeadLetter(f"generation {id_} does not exist")
            if states.is_final(record.generation) or record.served_by_id:
                return Ack()
            return await step(record)
        except (StorageServiceError, Overloaded) as failure:  # the latter by a read that it shares with a new call
            log.warning("job waits for the Storage Service", generation_id=id_, problem=failure.message)
            return Retry(PEER_UNAVAILABLE_SECONDS, failure.message)
        except (VersionConflict, RequestIdReused):
            return Retry(0, "the generation changed meanwhile")
        except Closed:
            return Retry(0, "the process is stopping")


def _key(span_name: str, id_: str) -> str:
    """Return the key of a step in progress."""
    return f"{span_name}/{id_}"


def _is_first(delivery: Delivery) -> bool:
    return delivery.attempt == 1 and not delivery.redelivered


def _carried_record(job: GenerateJob | StoreJob, delivery: Delivery) -> GenerationRecord | None:
    """Return the record in a job, or None if there is none or it may be outdated: later deliveries follow changes."""
    return job.record if _is_first(delivery) and job.record.generation.id == job.generation_id else None


def _valid_id(id_: str) -> str:
    """Return an id that is a UUID. Raises BadEnvelope."""
    try:
        uuid.UUID(id_)
    except ValueError as error:
        raise envelopes.BadEnvelope(f"generation_id: {id_[:100]!r} is not a UUID") from error
    return id_
