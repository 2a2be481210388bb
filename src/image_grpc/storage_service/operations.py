"""The four storage operations."""

from collections.abc import Sequence

from sqlalchemy import Connection
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    BlobPart,
    DeleteRequest,
    DeleteResponse,
    ListRequest,
    ListResponse,
    RetrieveRequest,
    RetrieveResponse,
    StoreRequest,
    StoreResponse,
)

from image_grpc.storage_service import blob_table, listing, record_reads, record_writes
from image_grpc.storage_service.applied_requests import ChangeExecutor
from image_grpc.storage_service.blobs import Blobs
from image_grpc.storage_service.database import Database


class Operations:
    """Performs valid requests. Deleted records are purged after `purge_after` seconds."""

    def __init__(self, database: Database, blobs: Blobs, executor: ChangeExecutor, *, purge_after: float) -> None:
        self._database, self._blobs, self._executor = database, blobs, executor
        self._purge_after = purge_after

    async def store(self, request: StoreRequest) -> StoreResponse:
        """Apply a batch, or store a part of a blob."""
        if request.WhichOneof("operation") == "blob_part":
            return await self._store_part(request.storage_correlation_id, request.blob_part)
        references = _blob_references(request.batch)
        for sha256, byte_size in references:
            await self._blobs.assemble(sha256, byte_size)

        def change(connection: Connection, response: StoreResponse) -> Sequence[Record]:
            for sha256, byte_size in references:
                blob_table.commit(connection, sha256, byte_size)
            response.batch.records.extend(record_writes.put(connection, request.batch.puts))
            response.batch.records.extend(record_writes.restore(connection, request.batch.undeletes))
            return response.batch.records

        response = await self._executor.execute(request, StoreResponse, request.batch.messages, change)
        for sha256, byte_size in references:
            await self._blobs.remove_parts(sha256, byte_size)
        return response

    async def _store_part(self, correlation_id: str, part: BlobPart) -> StoreResponse:
        response = StoreResponse(storage_correlation_id=correlation_id)
        response.blob_part.committed = await self._blobs.put_part(part)
        return response

    async def retrieve(self, request: RetrieveRequest) -> RetrieveResponse:
        """Read records, or a range of a blob."""
        response = RetrieveResponse(storage_correlation_id=request.storage_correlation_id)
        if request.WhichOneof("operation") == "blob_range":
            range_ = request.blob_range
            response.data = await self._blobs.read(range_.sha256, range_.offset, range_.limit)
        else:
            response.records.extend(
                await self._database.read(lambda connection: record_reads.read(connection, request.records))
            )
        return response

    async def delete(self, request: DeleteRequest) -> DeleteResponse:
        """Delete records."""

        def change(connection: Connection, response: DeleteResponse) -> Sequence[Record]:
            response.records.extend(record_writes.mark_deleted(connection, request.keys, purge_after=self._purge_after))
            return response.records

        return await self._executor.execute(request, DeleteResponse, request.messages, change)

    async def list(self, request: ListRequest) -> ListResponse:
        """List records, or the versions of a record."""
        return await self._database.read(lambda connection: listing.page(connection, request))


def _blob_references(batch: Batch) -> list[tuple[str, int]]:
    """Return the names and sizes of the blobs that a batch refers to, in one order for all batches."""
    blobs = (put.record.blob for put in batch.puts if put.record.HasField("blob"))
    return sorted({(blob.sha256, blob.byte_size) for blob in blobs})
