"""The pipeline from an accepted request to a stored picture.

Its two steps acknowledge a message only after their result is durable, so a process may end at any moment.
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
        concurrency = self._settings.generation_concurrency
        for priority, queue in topology.GENERATE_QUEUES.items():
            handler = partial(self._handle_generate, priority)
            self._consumers.append(await self._hub.consume(queue, handler, concurrency=concurrency))
        concurrency = self._settings.store_concurrency
        consumer = await self._hub.consume(topology.STORE_QUEUE, self._handle_store, concurrency=concurrency)
        self._consumers.append(consumer)

    async def stop(self) -> None:
        """Take no more jobs and finish the current ones within the grace period."""
        self._semaphore.close()
        grace = remaining(self._settings.shutdown_grace_seconds)
        await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))

    async def _handle_generate(self, priority: Priority, delivery: Delivery) -> Settlement:
        job = envelopes.payload(delivery.envelope, GenerateJob)
        outcome = await self._run(
            job.generation_id,
            _carried_record(job, delivery),
            delivery,
            SPAN_GENERATE,
            lambda record: self._steps.generate(record, priority),
        )
        if not isinstance(outcome, Generated):
            return outcome
        # At once, which spares a message per picture. If the process ends meanwhile, or the picture cannot be stored
        # yet, the next delivery of this job publishes a store job.
        record = outcome.record
        return await self._store(record.generation.id, record, record.provider_result, delivery, attempt=1)

    async def _handle_store(self, delivery: Delivery) -> Settlement:
        job = envelopes.payload(delivery.envelope, StoreJob)
        carried = _carried_record(job, delivery)
        return await self._store(job.generation_id, carried, job.result, delivery, attempt=delivery.attempt)

    async def _store(
        self, id_: str, carried: GenerationRecord | None, result: ProviderResult, delivery: Delivery, *, attempt: int
    ) -> Settlement:
        async def store(record: GenerationRecord) -> Settlement:
            async with self._store_slots:
                return await self._steps.store(record, result, attempt)

        return await self._run(id_, carried, delivery, SPAN_STORE, store)

    async def _run(
        self,
        id_: str,
        carried: GenerationRecord | None,
        delivery: Delivery,
        span_name: str,
        step: Callable[[GenerationRecord], Awaitable[R]],
    ) -> R | Settlement:
        """Run a step for an unfinished generation, at most once at a time in this process."""
        key = f"{span_name}/{id_}"
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


def _carried_record(job: GenerateJob | StoreJob, delivery: Delivery) -> GenerationRecord | None:
    """Return the record in a job, if it is the current one as far as the job can know. Raises BadEnvelope."""
    id_ = _valid_id(job.generation_id)
    # Later deliveries may follow changes.
    is_first = delivery.attempt == 1 and not delivery.redelivered
    return job.record if is_first and job.record.generation.id == id_ else None


def _valid_id(id_: str) -> str:
    """Return an id that is a UUID. Raises BadEnvelope."""
    try:
        uuid.UUID(id_)
    except ValueError as error:
        raise envelopes.BadEnvelope(f"generation_id: {id_[:100]!r} is not a UUID") from error
    return id_
