"""The Storage Service: handles the four storage operations and runs periodic cleanup."""

from contextlib import AsyncExitStack

from image_grpc.hub import Hub, topology
from image_grpc.settings import StorageServiceSettings
from image_grpc.storage_service import outbox
from image_grpc.storage_service.applied_requests import ChangeExecutor
from image_grpc.storage_service.blobs import Blobs
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.object_store import open_store
from image_grpc.storage_service.operations import Operations
from image_grpc.storage_service.requests import RequestHandler
from image_grpc.storage_service.sweeper import Sweeper

CONCURRENCY = 64
STOP_SECONDS = 5
"""Time that operations in progress have to finish when the service stops."""


class StorageService:
    """One replica. Any number of replicas may share a database and an object store."""

    def __init__(self, settings: StorageServiceSettings, hub: Hub, *, database_url: str, blob_url: str) -> None:
        self._hub = hub
        self._database = Database(database_url)
        self._relay = outbox.Relay(self._database, hub)
        blobs = Blobs(open_store(blob_url), self._database)
        executor = ChangeExecutor(self._database, self._relay, memory=settings.request_memory_seconds)
        operations = Operations(self._database, blobs, executor, purge_after=settings.purge_after_seconds)
        self._handler = RequestHandler(operations, hub)
        self._sweeper = Sweeper(
            self._database,
            blobs,
            part_expiry=settings.blob_part_expiry_seconds,
            interval=settings.sweep_interval_seconds,
        )
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Migrate the database, then begin to consume requests. A start that fails leaves nothing running.

        Raises Unavailable, IncompatibleDatabase.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await self._database.start()
            await self._relay.start()
            stack.push_async_callback(self._relay.stop, grace=STOP_SECONDS)
            self._sweeper.start()
            stack.push_async_callback(self._sweeper.stop)
            consumer = await self._hub.consume(topology.STORAGE_QUEUE, self._handler.handle, concurrency=CONCURRENCY)
            stack.push_async_callback(consumer.stop, grace=STOP_SECONDS)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Reply to the requests in progress, publish the messages of committed changes, and close."""
        await self._stack.aclose()

    async def sweep(self) -> None:
        """Run the periodic cleanup now."""
        await self._sweeper.sweep()
