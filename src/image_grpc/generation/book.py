"""Writing down what becomes of a generation, for both steps of the pipeline."""

from __future__ import annotations

import asyncio

import structlog
from tabletop.storage.v1.record_pb2 import GenerationRecord

from image_grpc.errors import ServiceError, StorageServiceError, VersionConflict
from image_grpc.generation import transitions
from image_grpc.hub import Ack, Settlement
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Counters

log = structlog.get_logger(__name__)

RETRY_SECONDS = 5.0
"""Time until something that only waits for a peer is tried again."""


class Book:
    """The records of generations, as the pipeline changes them."""

    def __init__(self, storage: ImageStorageClient, counters: Counters) -> None:
        self._storage, self._counters = storage, counters

    async def put(self, record: GenerationRecord) -> GenerationRecord:
        """Stores the next version of a record. Raises VersionConflict when it has changed meanwhile."""
        return await self._storage.generations.store(record, at_version=record.generation.version)

    async def fail(self, record: GenerationRecord, failure: ServiceError) -> Settlement:
        """Ends a generation without a picture."""
        # Held until it is written, not given back: another attempt would call GetImg.AI again, and may pay again.
        while True:
            try:
                await end(self._storage, transitions.failed(record, failure))
                break
            except VersionConflict:
                now = await self._storage.generations.retrieve(record.generation.id)
                if now is None or transitions.ended(now.generation):
                    return Ack()
                record = now
            except StorageServiceError:
                await asyncio.sleep(RETRY_SECONDS)
        self._counters.generations_failed += 1
        log.warning(
            "generation failed",
            generation_id=record.generation.id,
            reason=failure.reason,
            problem=failure.message,
            attempts=record.generation.attempts,
        )
        return Ack()


async def end(storage: ImageStorageClient, record: GenerationRecord) -> GenerationRecord:
    """Stores a generation that ended without a picture, so that the next equal request tries anew.

    Raises VersionConflict when it has changed since it was read.
    """
    puts = [storage.generations.put(record, at_version=record.generation.version)]
    if record.fingerprint:
        entry = await storage.cache_entries.retrieve(record.fingerprint)
        if entry is not None and entry.generation_id == record.generation.id:
            puts.append(storage.cache_entries.put(transitions.void(entry), at_version=entry.version))
    return (await storage.store(puts))[0].generation
