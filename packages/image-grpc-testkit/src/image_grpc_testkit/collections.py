"""Writes of single records, outside of a unit of work."""

from tabletop.storage.v1.storage_pb2 import Put

from image_grpc.storage.codecs import T
from image_grpc.storage.collection import Collection


async def store_one(collection: Collection[T], put: Put) -> T:
    """Store one record and return it as stored. Raises as StorageRequester.store does."""
    return collection.decode((await collection.requester.store([put]))[0])


async def delete_one(collection: Collection[T], id_: str, version: int = 0, *, storage_correlation_id: str = "") -> T:
    """Delete one record and return it. Raises as StorageRequester.delete does."""
    keys = [collection.key(id_, version)]
    records = await collection.requester.delete(keys, storage_correlation_id=storage_correlation_id)
    return collection.decode(records[0])


async def undelete_one(collection: Collection[T], id_: str, *, storage_correlation_id: str = "") -> T:
    """Restore one record and return it. Raises RecordNotFound."""
    keys = [collection.key(id_)]
    records = await collection.requester.store(undeletes=keys, storage_correlation_id=storage_correlation_id)
    return collection.decode(records[0])
