"""The pipeline from an accepted request to a stored picture, in two steps. Each acknowledges its message only when
its result is durable, and each can be done again: what was done before is found in the generation's record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from opentelemetry.trace import SpanKind
from tabletop.hub.v1.jobs_pb2 import GenerateJob, StoreJob
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.types_pb2 import Priority
from tabletop.storage.v1.record_pb2 import GenerationRecord
from tabletop.storage.v1.storage_pb2 import ListFilter, ListOrder

from image_grpc.correlation import correlated
from image_grpc.deadline import remaining
from image_grpc.errors import RequestIdReused, StorageServiceError, VersionConflict
from image_grpc.generation import jobs, transitions
from image_grpc.generation.book import RETRY_SECONDS
from image_grpc.generation.draw import PUBLISH_SECONDS, DrawStep
from image_grpc.generation.gate import Closed, WeightedGate
from image_grpc.generation.store import StoreStep
from image_grpc.hub import Ack, Consumer, DeadLetter, Delivery, Hub, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.settings import ServerSettings
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import ATTR_GENERATION_ID, SPAN_GENERATE, SPAN_STORE, Telemetry

log = structlog.get_logger(__name__)


class Pipeline:
    """Consumes the queues of both steps."""

    def __init__(
        self,
        settings: ServerSettings,
        hub: Hub,
        storage: ImageStorageClient,
        gate: WeightedGate[Priority],
        draw: DrawStep,
        store: StoreStep,
        telemetry: Telemetry,
    ) -> None:
        self._settings, self._hub, self._storage, self._gate = settings, hub, storage, gate
        self._draw, self._store, self._telemetry = draw, store, telemetry
        self._working: set[str] = set()
        self._drawing: list[Consumer] = []
        self._storing: list[Consumer] = []

    async def start(self) -> None:
        """Begins to take jobs. When that fails, `stop` ends what was begun."""
        concurrency = self._settings.generation_concurrency
        for priority, queue in topology.GENERATE_QUEUES.items():
            consumer = await self._hub.consume(queue, self._handler(priority), concurrency=concurrency)
            self._drawing.append(consumer)
        concurrency = self._settings.store_concurrency
        self._storing.append(
            await self._hub.consume(topology.STORE_QUEUE, self._handle_store, concurrency=concurrency)
        )

    async def stop(self) -> None:
        """Takes no more jobs, and finishes those in hand within the grace. Storing goes on longest, so that
        what was just paid for is stored as well if the time allows it."""
        self._gate.close()
        for consumers in (self._drawing, self._storing):
            grace = remaining(self._settings.shutdown_grace_seconds)
            await asyncio.gather(*(consumer.stop(grace) for consumer in consumers))

    def _handler(self, priority: Priority) -> Callable[[Delivery], Awaitable[Settlement]]:
        async def handle(delivery: Delivery) -> Settlement:
            id_ = envelopes.payload(delivery.envelope, GenerateJob).generation_id
            return await self._once(id_, delivery, SPAN_GENERATE, lambda record: self._draw(record, priority))

        return handle

    async def _handle_store(self, delivery: Delivery) -> Settlement:
        job = envelopes.payload(delivery.envelope, StoreJob)
        return await self._once(
            job.generation_id,
            delivery,
            SPAN_STORE,
            lambda record: self._store(record, job.result, delivery.attempt),
        )

    async def _once(
        self,
        id_: str,
        delivery: Delivery,
        span_name: str,
        step: Callable[[GenerationRecord], Awaitable[Settlement]],
    ) -> Settlement:
        """Runs a step for a generation that is not ended, and not in two hands of this process at once."""
        key = f"{span_name}/{id_}"
        if key in self._working:
            return Retry(RETRY_SECONDS, "another delivery of it is in hand")
        self._working.add(key)
        self._telemetry.counters.generations_unfinished += 1
        span = self._telemetry.span(
            span_name,
            parent=delivery.headers,
            kind=SpanKind.CONSUMER,
            attributes={ATTR_GENERATION_ID: id_},
        )
        try:
            with correlated(delivery.envelope.correlation_id), span:
                record = await self._storage.generations.retrieve(id_)
                if record is None:
                    return DeadLetter(f"there is no generation {id_}")
                if transitions.ended(record.generation):
                    return Ack()
                return await step(record)
        except StorageServiceError as away:
            log.warning("job waits for the Storage Service", generation_id=id_, problem=away.message)
            return Retry(RETRY_SECONDS, away.message)
        except (VersionConflict, RequestIdReused):
            return Retry(0, "it has changed meanwhile")
        except Closed:
            return Retry(0, "the process stops")
        finally:
            self._telemetry.counters.generations_unfinished -= 1
            self._working.discard(key)


async def hand_out_again(hub: Hub, storage: ImageStorageClient) -> int:
    """Publishes the jobs of all generations that have not ended: a hub that forgets lost them with the last
    process. Answers how many."""
    unfinished = ListFilter(
        states=[
            GenerationState.GENERATION_STATE_QUEUED,
            GenerationState.GENERATION_STATE_GENERATING,
            GenerationState.GENERATION_STATE_STORING,
        ]
    )
    count, token = 0, ""
    while True:
        page, token = await storage.generations.list(
            unfinished, page_size=100, page_token=token, order=ListOrder.LIST_ORDER_OLDEST_FIRST
        )
        for record in page:
            paid = record.HasField("provider_result")
            job = jobs.store(record, record.provider_result) if paid else jobs.generate(record)
            await hub.publish(job, timeout=PUBLISH_SECONDS)
            count += 1
        if not token:
            return count
