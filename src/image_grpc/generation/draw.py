"""Step *generate* of the pipeline: GetImg.AI draws the picture of a generation, once."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable

import structlog
from tabletop.hub.v1.jobs_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import ImageFormat, Priority, Size
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc import pictures
from image_grpc.config import Settings
from image_grpc.errors import (
    ApiError,
    GenerationError,
    GetimgNotConfigured,
    ServiceError,
    StorageServiceError,
    VersionConflict,
)
from image_grpc.generation import jobs, kinds, transitions
from image_grpc.generation.book import RETRY_SECONDS, Book
from image_grpc.generation.gate import WeightedGate
from image_grpc.getimg import GetimgClient
from image_grpc.getimg.client import Order
from image_grpc.getimg.limits import NotSent
from image_grpc.hub import Ack, Hub, Outcome, Retry, Settlement
from image_grpc.retry import LADDER
from image_grpc.storage import ImageStorageClient

log = structlog.get_logger(__name__)

LEASE_FACTOR = 1.5
"""A lease is longer than the call that it is for, by what handing the result on may take."""
LEASE_POLL_SECONDS = 5.0
"""Longest wait until a job that another process has in hand is looked at again."""
PUBLISH_SECONDS = 5.0
PUBLISH_ATTEMPTS = 3
MAX_INTERRUPTED = 10
"""Calls that a process did not live to see answered, each perhaps paid for, before the picture is given up."""
UNCONFIGURED_SECONDS = 30.0
"""What was accepted with a key waits until there is one again."""
REFERENCE_MAX_BYTES = 2 * 1024 * 1024
"""Larger references are sent smaller: GetImg.AI takes 25 MiB a request, and there may be eight."""
REFERENCE_MAX_SIDE = 2048


class DrawStep:
    """Takes a generation from QUEUED to the job that stores its picture."""

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        storage: ImageStorageClient,
        getimg: GetimgClient,
        gate: WeightedGate[Priority],
        book: Book,
        *,
        owner: str,
    ) -> None:
        self._settings, self._hub, self._storage = settings, hub, storage
        self._getimg, self._gate, self._book, self._owner = getimg, gate, book, owner

    async def __call__(self, record: GenerationRecord, priority: Priority) -> Settlement:
        """Has the picture of a generation drawn and handed on. Raises Closed when the process stops."""
        if record.HasField("provider_result"):  # drawn already: only the job to store it may be missing
            return await self._hand_on(record, record.provider_result)
        if (wait := self._lease_of_another(record)) > 0:
            # Not the whole wait: the retry ladder would round it up to its next, much longer step.
            return Retry(min(wait, LEASE_POLL_SECONDS), f"{record.lease.owner} works on it")
        if record.generation.attempts >= MAX_INTERRUPTED and record.HasField("lease"):
            return await self._book.fail(record, GenerationError("the process ended each time while it was drawn"))
        if not self._getimg.configured:
            return Retry(UNCONFIGURED_SECONDS, "there is no GetImg.AI key")
        async with self._gate.slot(priority):
            return await self._draw(record)

    async def _draw(self, record: GenerationRecord) -> Settlement:
        order = await self._order(record)
        try:
            async with self._getimg.turn() as generate:
                # What is stored first is what a second delivery finds: nobody else calls meanwhile.
                record = await self._book.put(
                    transitions.generating(
                        record,
                        owner=self._owner,
                        lease_seconds=self._settings.getimg_timeout_seconds * LEASE_FACTOR,
                    )
                )
                result = await self._paid(generate, order)
        except (ApiError, GenerationError, GetimgNotConfigured) as failure:
            return await self._after_failure(record, failure)
        return await self._hand_on(record, result)

    async def _paid(self, generate: Callable[[Order], Awaitable[ProviderResult]], order: Order) -> ProviderResult:
        """Makes the call. What goes wrong in our own code meanwhile may have been paid for, so it is no reason
        to call again."""
        try:
            return await generate(order)
        except ServiceError:
            raise
        except Exception as bug:
            log.exception("call of GetImg.AI failed in our own code", model=order.model)
            raise GenerationError("internal error; the logs have more") from bug

    async def _hand_on(self, record: GenerationRecord, result: ProviderResult) -> Settlement:
        """Makes what was paid for durable before the job is acknowledged: in the generation's record, where any
        later delivery finds it, and as the job that stores it. While neither can be had, it is held: given
        back, the job would be drawn, and paid for, again."""
        job = jobs.store(record, result)
        while True:
            kept = record.provider_result == result or await self._keep(record, result)
            for _ in range(PUBLISH_ATTEMPTS):
                if await self._hub.publish(job, timeout=PUBLISH_SECONDS) is Outcome.CONFIRMED:
                    return Ack()
            log.warning("job to store a picture was not taken by the hub", generation_id=record.generation.id)
            if kept:
                return Retry(RETRY_SECONDS, "the hub did not take the job to store it")
            await asyncio.sleep(1.0)

    async def _keep(self, record: GenerationRecord, result: ProviderResult) -> bool:
        try:
            await self._book.put(transitions.storing(record, result))
        except (StorageServiceError, VersionConflict) as problem:
            log.warning("drawn picture not kept in its record", problem=problem.message)
            return False
        return True

    async def _after_failure(self, record: GenerationRecord, failure: ServiceError) -> Settlement:
        delay = self._next_try(record, failure)
        if delay is None:
            return await self._book.fail(record, failure)
        if record.HasField("lease"):
            await self._book.put(transitions.released(record, asked=not isinstance(failure, NotSent)))
        return Retry(delay, failure.message)

    def _next_try(self, record: GenerationRecord, failure: ServiceError) -> float | None:
        """Seconds until GetImg.AI may be asked again for this generation; None if it shall not be."""
        if failure.retry_delay is None:
            return None
        generation = record.generation
        if not generation.HasField("start_time"):
            return LADDER.round_down(failure.retry_delay)  # still waits for its first turn
        delay = failure.retry_delay
        limited = isinstance(failure, NotSent) or failure.metadata.get("http_status") == "429"
        if not limited:
            if generation.attempts >= self._settings.generation_max_attempts:
                return None
            delay = max(delay, LADDER.after_attempt(generation.attempts))
        waited = time.time() - generation.start_time.ToMilliseconds() / 1000
        if waited + delay >= self._settings.generation_timeout_seconds:
            return None
        # What comes too early is held by the limiter; a whole step of the ladder too late would be worse.
        return LADDER.round_down(delay) if limited else delay

    async def _order(self, record: GenerationRecord) -> Order:
        request = kinds.drawn(record)
        if record.reference_version:  # all that the picture itself came from is in it
            urls = [await self._reference_url(record.image_id, record.reference_version)]
        else:
            urls = [await self._reference_url(id_) for id_ in request.reference_image_ids]
        return Order(
            prompt=record.prompt,
            model=record.generation.model,
            size=request.size,
            format=request.format,
            reference_urls=[url for url in urls if url],
        )

    async def _reference_url(self, image_id: str, version: int = 0) -> str:
        """A stored picture as a data URL; empty if it was deleted since the request was accepted."""
        image = await self._storage.images.retrieve(image_id, version)
        if image is None:
            return ""
        data = await self._storage.blobs.read_all(image.content.sha256, image.content.byte_size)
        mime = f"image/{ImageFormat.Name(image.content.format).removeprefix('IMAGE_FORMAT_').lower()}"
        if len(data) > REFERENCE_MAX_BYTES:
            scale = min(1.0, REFERENCE_MAX_SIDE / max(image.content.size.width, image.content.size.height))
            size = Size(
                width=max(1, round(image.content.size.width * scale)),
                height=max(1, round(image.content.size.height * scale)),
            )
            data, mime = await pictures.fit(data, size, ImageFormat.IMAGE_FORMAT_WEBP), "image/webp"
        encoded = await asyncio.to_thread(base64.b64encode, data)
        return f"data:{mime};base64,{encoded.decode()}"

    def _lease_of_another(self, record: GenerationRecord) -> float:
        """Seconds for which another process has the generation to itself; 0 if none has."""
        if not record.HasField("lease") or record.lease.owner == self._owner:
            return 0.0
        return max(0.0, record.lease.expire_time.ToMilliseconds() / 1000 - time.time())
