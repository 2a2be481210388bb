"""Periodic cleanup: removes what has expired."""

import asyncio
import contextlib

import structlog
from sqlalchemy import Connection, delete

from image_grpc.storage_service import blob_table, record_writes
from image_grpc.storage_service.blobs import Blobs
from image_grpc.storage_service.database import Database, Unavailable, microseconds
from image_grpc.storage_service.object_store import FAILURES
from image_grpc.storage_service.schema import applied_request

log = structlog.get_logger(__name__)

BATCH = 500


class Sweeper:
    """Removes due records, unreferenced blobs, expired parts and responses, every `interval` seconds."""

    def __init__(self, database: Database, blobs: Blobs, *, part_expiry: float, interval: float) -> None:
        self._database, self._blobs = database, blobs
        self._part_expiry, self._interval = part_expiry, interval
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sweep."""
        self._task = asyncio.create_task(self._run(), name="storage sweeper")

    async def stop(self) -> None:
        """Stop, at once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> None:
        """Remove everything that has expired by now."""
        while await self._database.write(_purge) == BATCH:
            pass
        await self._blobs.sweep(part_expiry=self._part_expiry, limit=BATCH)

    async def _run(self) -> None:
        while True:
            try:
                await self.sweep()
            except (Unavailable, *FAILURES) as failure:
                log.warning("sweep failed, will be repeated", problem=str(failure))
            except Exception:  # a bug that affects one record must not end the cleanup of all others
                log.exception("sweep failed, will be repeated")
            await asyncio.sleep(self._interval)


def _purge(connection: Connection) -> int:
    purged = record_writes.purge(connection, limit=BATCH)
    blob_table.release(connection, purged.blobs)
    connection.execute(delete(applied_request).where(applied_request.c.expire_time < microseconds()))
    return purged.records
