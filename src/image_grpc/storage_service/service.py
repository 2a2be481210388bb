"""The Storage Service: handles the four storage operations and runs periodic cleanup."""

import asyncio
from contextlib import AsyncExitStack

import structlog
from sqlalchemy import Connection, delete

from image_grpc.background import background
from image_grpc.hub import Hub, topology
from image_grpc.settings import StorageServiceSettings
from image_grpc.storage_service import outbox, records
from image_grpc.storage_service.blobs import Blobs, mark_unreferenced
from image_grpc.storage_service.changes import ChangeExecutor
from image_grpc.storage_service.database import Database, microseconds
from image_grpc.storage_service.errors import Unavailable
from image_grpc.storage_service.object_store import FAILURES, create_store, require_readable
from image_grpc.storage_service.requests import Operations, RequestHandler
from image_grpc.storage_service.schema import applied_request, counter
from image_grpc.storage_service.self_check import SelfCheck

log = structlog.get_logger(__name__)

CONCURRENCY = 64
SWEEP_BATCH = 500
STOP_SECONDS = 5
"""Time that operations in progress have to finish when the service stops."""


class StorageService:
    """One replica. Any number of replicas may share a database and an object store."""

    def __init__(self, settings: StorageServiceSettings, hub: Hub, *, database_url: str, blob_url: str) -> None:
        self._hub = hub
        self._database = Database(database_url)
        self._relay = outbox.Relay(self._database, hub)
        self._store = create_store(blob_url)
        blobs = Blobs(self._store, self._database)
        self._executor = ChangeExecutor(
            self._database,
            self._relay,
            retention=settings.request_memory_seconds,
            purge_after=settings.purge_after_seconds,
        )
        self._handler = RequestHandler(Operations(self._database, blobs, self._executor), hub)
        self._sweeper = Sweeper(self._database, blobs, settings)
        self._self_check = SelfCheck(self._database, self._store)
        self._stack = AsyncExitStack()

    @property
    def problem(self) -> str:
        """Why it cannot write at present; empty if it can."""
        return self._self_check.problem

    async def start(self) -> None:
        """Migrate the database, then consume requests. A failed start leaves nothing running.

        Raises DatabaseError, ObjectStoreError.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await require_readable(self._store)
            await self._database.start()
            await self._relay.start()
            stack.push_async_callback(self._relay.stop, grace=STOP_SECONDS)
            stack.push_async_callback(self._executor.stop)
            await stack.enter_async_context(background(self._sweeper.run(), name="storage sweeper"))
            await stack.enter_async_context(background(self._self_check.run(), name="storage self-check"))
            consumer = await self._hub.consume(topology.STORAGE_QUEUE, self._handler.handle, concurrency=CONCURRENCY)
            stack.push_async_callback(consumer.stop, grace=STOP_SECONDS)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Reply to the requests in progress, publish the messages of committed changes, and close."""
        await self._stack.aclose()

    async def sweep(self) -> None:
        """Run the periodic cleanup now."""
        await self._sweeper.sweep()


class Sweeper:
    """Removes due records, unreferenced blobs, expired parts and responses, at an interval."""

    def __init__(self, database: Database, blobs: Blobs, settings: StorageServiceSettings) -> None:
        self._database, self._blobs = database, blobs
        self._part_expiry, self._interval = settings.blob_part_expiry_seconds, settings.sweep_interval_seconds

    async def sweep(self) -> None:
        """Remove everything that has expired by now."""
        while await self._database.write(_purge) == SWEEP_BATCH:
            pass
        await self._blobs.sweep(part_expiry=self._part_expiry, limit=SWEEP_BATCH)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
            except (Unavailable, *FAILURES) as failure:
                log.warning("sweep failed, will be repeated", problem=str(failure))
            except Exception:  # a bug that affects one record must not end the cleanup of all others
                log.exception("sweep failed, will be repeated")
            await asyncio.sleep(self._interval)


def _purge(connection: Connection) -> int:
    count, blobs = records.purge(connection, limit=SWEEP_BATCH)
    mark_unreferenced(connection, blobs)
    for table in (applied_request, counter):
        connection.execute(delete(table).where(table.c.expire_time < microseconds()))
    return count
