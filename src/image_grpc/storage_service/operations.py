"""The four storage operations."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection
from tabletop.storage.v1 import storage_pb2 as api
from tabletop.storage.v1.record_pb2 import Record

from image_grpc.storage_service import blob_table, listing, records
from image_grpc.storage_service.applied_requests import ChangeExecutor
from image_grpc.storage_service.blobs import Blobs
from image_grpc.storage_service.database import Database


class Operations:
    """Performs valid requests. Deleted records are purged after `purge_after` seconds."""

    def __init__(self, database: Database, blobs: Blobs, executor: ChangeExecutor, *, purge_after: float) -> None:
        self._database, self._blobs, self._executor = database, blobs, executor
        self._purge_after = purge_after

    async def store(self, request: api.StoreRequest) -> api.StoreResponse:
        """Apply a batch, or store a part of a blob."""
        if request.WhichOneof("operation") == "blob_part":
            response = api.StoreResponse(storage_correlation_id=request.storage_correlation_id)
            response.blob_part.committed = await self._blobs.put_part(request.blob_part)
            return response
        batch = request.batch
        blobs = (put.record.blob for put in batch.puts if put.record.HasField("blob"))
        references = sorted({(blob.sha256, blob.byte_size) for blob in blobs})  # in one order for all batches
        for sha256, byte_size in references:
            await self._blobs.assemble(sha256, byte_size)

        def change(connection: Connection, response: api.StoreResponse) -> Sequence[Record]:
            for sha256, byte_size in references:
                blob_table.commit(connection, sha256, byte_size)
            response.batch.records.extend(records.put(connection, batch.puts))
            response.batch.records.extend(records.restore(connection, batch.undeletes))
            return response.batch.records

        response = await self._executor.execute(request, api.StoreResponse, batch.messages, change)
        for sha256, byte_size in references:
            await self._blobs.remove_parts(sha256, byte_size)
        return response

    async def retrieve(self, request: api.RetrieveRequest) -> api.RetrieveResponse:
        """Read records, or a range of a blob."""
        response = api.RetrieveResponse(storage_correlation_id=request.storage_correlation_id)
        if request.WhichOneof("operation") == "blob_range":
            range_ = request.blob_range
            response.data = await self._blobs.read(range_.sha256, range_.offset, range_.limit)
        else:
            response.records.extend(await self._database.read(partial(records.read, request=request.records)))
        return response

    async def delete(self, request: api.DeleteRequest) -> api.DeleteResponse:
        """Delete records."""

        def change(connection: Connection, response: api.DeleteResponse) -> Sequence[Record]:
            response.records.extend(records.mark_deleted(connection, request.keys, purge_after=self._purge_after))
            return response.records

        return await self._executor.execute(request, api.DeleteResponse, request.messages, change)

    async def list(self, request: api.ListRequest) -> api.ListResponse:
        """List records, or the versions of a record."""
        return await self._database.read(partial(listing.page, request=request))
