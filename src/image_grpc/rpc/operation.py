"""A change that a caller asks for, done once for its request_id."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record, RecordKey
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc import records
from image_grpc.storage import ImageStorageClient, ReadCache, RecordMissing


class Operation:
    """One storage operation. Asked for again with the same request_id and content, it answers what it did first;
    the Storage Service remembers."""

    def __init__(self, name: str, request: Any) -> None:
        named = request.request_id
        self.id = records.derived_id(name, named) if named else str(uuid.uuid4())
        """Its storage_correlation_id."""
        self._digest = records.content_digest(request) if named else ""

    def new_id(self, kind: str) -> str:
        """The id of a resource that it makes; the same when it is asked for again."""
        return records.derived_id(self.id, kind)

    async def store(
        self,
        storage: ImageStorageClient,
        cache: ReadCache,
        puts: Iterable[Put] = (),
        *,
        undeletes: Iterable[RecordKey] = (),
        messages: Iterable[OutboundMessage] = (),
    ) -> Sequence[Record]:
        """Changes records, all or none. Raises as ImageStorageClient.store does."""
        stored = await storage.store(
            puts,
            undeletes=undeletes,
            messages=messages,
            storage_correlation_id=self.id,
            content_digest=self._digest,
        )
        cache.changed(stored)
        return stored

    async def delete(
        self,
        storage: ImageStorageClient,
        cache: ReadCache,
        key: RecordKey,
        *,
        messages: Iterable[OutboundMessage] = (),
    ) -> Record:
        """Deletes a record. Raises as ImageStorageClient.delete does, and RecordMissing for a deleted one."""
        # The Storage Service deletes again without effect, as a repeated request_id has to.
        if not self._digest and not await storage.retrieve([RecordKey(kind=key.kind, id=key.id)]):
            raise RecordMissing(f"{key.id} does not exist")
        deleted = await storage.delete(
            [key], messages=messages, storage_correlation_id=self.id, content_digest=self._digest
        )
        cache.changed(deleted)
        return deleted[0]
