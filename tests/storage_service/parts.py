"""The database and the object store of a Storage Service, opened beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from obstore.store import ObjectStore

from image_grpc.storage_service.blobs import open_store
from image_grpc.storage_service.database import Database


@asynccontextmanager
async def opened(database_url: str, blob_url: str) -> AsyncIterator[tuple[Database, ObjectStore]]:
    """Both, with the schema up to date."""
    database = Database(database_url)
    try:
        await database.start()
        yield database, open_store(blob_url)
    finally:
        await database.close()
