"""Generations as the pipeline and callers change them."""

import asyncio
from decimal import Decimal

import structlog
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntry
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import Cost

from image_grpc.audit_context import audited
from image_grpc.errors import GenerationNotFound, ServiceError, StorageServiceError, VersionConflict
from image_grpc.generation import states
from image_grpc.quotas import budgets
from image_grpc.retry import PEER_UNAVAILABLE_SECONDS
from image_grpc.storage import Storage, UnitOfWork
from image_grpc.telemetry_counters import Counters

log = structlog.get_logger(__name__)


class GenerationRepository:
    """Generation records, and the cache entries that refer to them."""

    def __init__(self, storage: Storage, counters: Counters) -> None:
        self._storage, self._counters = storage, counters

    async def find(self, id_: str) -> GenerationRecord | None:
        """Return the record of a generation as stored, or None if it does not exist."""
        return await self._storage.generations.get_latest(id_)

    async def find_serving(self, id_: str) -> GenerationRecord | None:
        """Return the record that serves a generation: its own, or that of an equal request that was first."""
        record = await self.find(id_)
        return record and await self.serving(record)

    async def serving(self, record: GenerationRecord) -> GenerationRecord | None:
        """Return the record that serves the generation of a record; see `find_serving`."""
        return await self.find(record.served_by_id) if record.served_by_id else record

    async def require(self, id_: str) -> GenerationRecord:
        """Return the record that serves a generation. Raises GenerationNotFound."""
        record = await self.find_serving(id_)
        if record is None:
            raise GenerationNotFound.with_id(id_)
        return record

    async def update(self, record: GenerationRecord) -> GenerationRecord:
        """Store the next version of a record and return it. Raises VersionConflict if it changed meanwhile."""
        return await self.commit(self.unit_for_update(record))

    def unit_for_update(self, record: GenerationRecord) -> UnitOfWork:
        """Return a unit of work with the next version of a record."""
        unit = self._storage.unit_of_work()
        self.add_update(unit, record)
        return unit

    async def commit(self, unit: UnitOfWork) -> GenerationRecord:
        """Commit a unit of work and return its record. Raises as UnitOfWork.commit does."""
        return (await unit.commit()).of(self._storage.generations)

    def add_update(self, unit: UnitOfWork, record: GenerationRecord) -> None:
        """Add the next version of a record to a unit of work."""
        unit.update(self._storage.generations, record, record.generation.version)

    async def end(self, record: GenerationRecord, *, maybe_billed: bool = False) -> GenerationRecord:
        """Store a generation that ended without a picture, and void its cache entry. Raises VersionConflict.

        `maybe_billed` is set if GetImg.AI may have billed a call without a result.
        """
        unit = self.unit_for_update(record)
        budgets.settle(unit, record, succeeded=False, maybe_billed=maybe_billed)
        if (entry := await self.own_cache_entry(record)) is not None:
            self.replace_cache_entry(unit, entry, states.void_entry(entry))
        return await self.commit(unit)

    async def own_cache_entry(self, record: GenerationRecord) -> CacheEntry | None:
        """Return the cache entry that refers to this generation, or None if there is none."""
        entry = await self.cache_entry(record)
        return entry if entry is not None and entry.generation_id == record.generation.id else None

    async def cache_entry(self, record: GenerationRecord) -> CacheEntry | None:
        """Return the cache entry for the fingerprint of a generation, or None if there is none."""
        return await self._entry(record.fingerprint)

    async def shared_cache_entry(self, record: GenerationRecord) -> CacheEntry | None:
        """Return the cache entry for equal requests of any source, or None if there is none."""
        return await self._entry(record.shared_fingerprint)

    async def _entry(self, fingerprint: str) -> CacheEntry | None:
        return await self._storage.cache_entries.get_latest(fingerprint) if fingerprint else None

    def replace_cache_entry(self, unit: UnitOfWork, previous: CacheEntry | None, entry: CacheEntry) -> None:
        """Add a cache entry to a unit of work, as the next version of the previous one if there is any."""
        if previous is None:
            unit.create(self._storage.cache_entries, entry)
        else:
            unit.update(self._storage.cache_entries, entry, previous.version)

    def count_interrupted_call(self, record: GenerationRecord, cost: Cost | None) -> None:
        """Count a call of GetImg.AI whose process ended meanwhile, with its expected cost if that is known."""
        generation = record.generation
        self._counters.interrupted_calls += 1
        if cost is not None:
            self._counters.interrupted_cost += Decimal(cost.amount)
        log.warning(
            "call of GetImg.AI was interrupted",
            generation_id=generation.id,
            attempts=generation.attempts,
            expected_cost=cost.amount if cost is not None else None,
        )

    async def fail(
        self, record: GenerationRecord, failure: ServiceError, *, if_unchanged: bool = False, maybe_billed: bool = False
    ) -> None:
        """End a generation without a picture; see `end`.

        Waits until the Storage Service is available: if the job were returned, GetImg.AI would be called, and
        might bill, again. Raises VersionConflict if the record has changed and `if_unchanged` is set.
        """
        while True:
            try:
                with audited(record.audited_call, outcome=failure.reason):
                    await self.end(states.failed(record, failure), maybe_billed=maybe_billed)
                break
            except VersionConflict:
                if if_unchanged:
                    raise
                latest = await self.find(record.generation.id)
                if latest is None or states.is_final(latest.generation):
                    return
                record = latest
            except StorageServiceError:
                await asyncio.sleep(PEER_UNAVAILABLE_SECONDS)
        self._counters.generations_failed += 1
        log.warning(
            "generation failed",
            generation_id=record.generation.id,
            reason=failure.reason,
            problem=failure.message,
            attempts=record.generation.attempts,
        )
