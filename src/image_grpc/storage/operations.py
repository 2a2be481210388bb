"""The four operations of the Storage Service."""

import uuid
from collections.abc import Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record, RecordKey
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    DeleteRequest,
    DeleteResponse,
    Put,
    RecordKeys,
    RetrieveRequest,
    RetrieveResponse,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import topology
from image_grpc.storage.requester import StorageRequest, StorageRequester

R = TypeVar("R", bound=Message)


class StorageOperations:
    """Records by key, as the Storage Service has them."""

    def __init__(self, requester: StorageRequester) -> None:
        self._requester = requester

    @property
    def last_failure(self) -> str:
        """Why the last request failed; empty if it succeeded or was refused as invalid."""
        return self._requester.last_failure

    @property
    def timeout(self) -> float:
        """Longest time in seconds that a request may take, retries included."""
        return self._requester.timeout

    async def request(self, operation: str, request: StorageRequest, response: type[R]) -> R:
        """Perform one operation. Raises as StorageRequester.request does."""
        return await self._requester.request(operation, request, response)

    async def store(
        self,
        puts: Iterable[Put] = (),
        *,
        undeletes: Iterable[RecordKey] = (),
        messages: Iterable[OutboundMessage] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Change records atomically, publish `messages` afterwards, and return the changed records.

        A repeated `storage_correlation_id` returns the first result if the content is the same: that of the batch,
        or the one that `content_digest` identifies. Raises VersionConflict, RequestIdReused, RecordNotFound,
        BlobIncomplete, StorageServiceError.
        """
        request = StoreRequest(
            storage_correlation_id=storage_correlation_id or str(uuid.uuid4()),
            batch=Batch(puts=puts, undeletes=undeletes, messages=messages),
            content_digest=content_digest,
        )
        return list((await self.request(topology.STORE, request, StoreResponse)).batch.records)

    async def retrieve(self, keys: Sequence[RecordKey], *, include_deleted: bool = False) -> list[Record]:
        """Return the records that exist, in the order of the keys. Raises StorageServiceError."""
        request = RetrieveRequest(
            storage_correlation_id=str(uuid.uuid4()), records=RecordKeys(keys=keys, include_deleted=include_deleted)
        )
        return list((await self.request(topology.RETRIEVE, request, RetrieveResponse)).records)

    async def delete(
        self,
        keys: Sequence[RecordKey],
        *,
        messages: Iterable[OutboundMessage] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Delete records atomically. Raises RecordNotFound, VersionConflict, StorageServiceError."""
        request = DeleteRequest(
            storage_correlation_id=storage_correlation_id or str(uuid.uuid4()),
            keys=keys,
            messages=messages,
            content_digest=content_digest,
        )
        return list((await self.request(topology.DELETE, request, DeleteResponse)).records)
