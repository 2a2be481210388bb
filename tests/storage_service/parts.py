"""Direct access to the database and the object store of a Storage Service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from obstore.store import ObjectStore

from image_grpc.storage_service.database import Database
from image_grpc.storage_service.object_store import create_store


@asynccontextmanager
async def opened(database_url: str, blob_url: str) -> AsyncIterator[tuple[Database, ObjectStore]]:
    """Open both, with the schema migrated."""
    database = Database(database_url)
    try:
        await database.start()
        yield database, create_store(blob_url)
    finally:
        await database.close()
