"""The audit log. Entries about changes are stored in the transactions of these."""

import time
from collections.abc import Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message
from tabletop.image.v1.audit_pb2 import AuditEntry, ChangeType, ResourceChange, ResourceType
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, Put

from image_grpc.audit_context import current_entry
from image_grpc.idempotency import derived_id
from image_grpc.messages import clone
from image_grpc.storage.codecs import Codec
from image_grpc.storage.collection import Collection

T = TypeVar("T", bound=Message)

RESOURCE_TYPES = {
    RecordKind.RECORD_KIND_IMAGE: ResourceType.RESOURCE_TYPE_IMAGE,
    RecordKind.RECORD_KIND_OVERLAY: ResourceType.RESOURCE_TYPE_OVERLAY,
    RecordKind.RECORD_KIND_THEME: ResourceType.RESOURCE_TYPE_THEME,
    RecordKind.RECORD_KIND_GENERATION: ResourceType.RESOURCE_TYPE_GENERATION,
}
"""The records whose changes are audited. Others are details of the service."""


class AuditedChanges:
    """The changes of a unit of work, as the audit log names them."""

    def __init__(self) -> None:
        self._changes: list[ResourceChange] = []
        self._image_id = ""

    def add_put(self, codec: Codec[T], message: T, previous_version: int | None) -> None:
        """Add a put of a record at a version, 0 if it is new; None if it may be either."""
        updated = previous_version != 0
        change = ChangeType.CHANGE_TYPE_UPDATED if updated else ChangeType.CHANGE_TYPE_CREATED
        version = previous_version + 1 if previous_version is not None else 0
        self._add(codec.kind, codec.id_of(message), change, version=version, image_id=codec.image_of(message))

    def add(self, kind: RecordKind, id_: str, change: ChangeType, *, image_id: str = "") -> None:
        """Add a deletion or restoration. `image_id` is the image that it concerns if it is not the record itself."""
        self._add(kind, id_, change, version=0, image_id=id_ if kind == RecordKind.RECORD_KIND_IMAGE else image_id)

    def entry(self, unit_id: str) -> AuditEntry | None:
        """Return the entry for a unit of work, or None if there is nothing to audit."""
        current = current_entry()
        if current is None or not self._changes:
            return None
        entry = clone(current)
        entry.id, entry.image_id = derived_id(unit_id, "audit"), self._image_id
        entry.changes.extend(self._changes)
        return entry

    def _add(self, kind: RecordKind, id_: str, change: ChangeType, *, version: int, image_id: str) -> None:
        if (resource_type := RESOURCE_TYPES.get(kind)) is None:
            return
        self._changes.append(
            ResourceChange(resource_type=resource_type, resource_id=id_, change=change, version=version)
        )
        self._image_id = self._image_id or image_id


class AuditLog:
    """Entries, which are kept for a time."""

    def __init__(self, entries: Collection[AuditEntry], retention_days: int) -> None:
        """With a retention of 0 days, nothing is audited."""
        self._entries, self._retention_days = entries, retention_days

    def put(self, entry: AuditEntry) -> Put:
        """Return the put of a new entry."""
        put = self._entries.put_if_absent(entry)
        put.expire_time.FromSeconds(int(time.time()) + self._retention_days * 86_400)
        return put

    def puts_for(self, changes: AuditedChanges, unit_id: str) -> list[Put]:
        """Return the put of the entry for a unit of work, if there is one."""
        if not self._retention_days or (entry := changes.entry(unit_id)) is None:
            return []
        return [self.put(entry)]

    async def append(self, entries: Iterable[AuditEntry], *, storage_correlation_id: str) -> None:
        """Store entries about calls without changes, once per `storage_correlation_id`.

        Raises as StorageRequester.store does.
        """
        puts = []
        for index, entry in enumerate(entries):
            entry.id = derived_id(storage_correlation_id, "audit", str(index))
            puts.append(self.put(entry))
        # The times at which the entries expire differ when the request is repeated.
        await self._entries.requester.store(
            puts, storage_correlation_id=storage_correlation_id, content_digest=storage_correlation_id
        )

    async def list(self, filter_: ListFilter, *, page_size: int, page_token: str) -> tuple[Sequence[AuditEntry], str]:
        """Return a page of entries, newest first, and the token of the next page."""
        return await self._entries.list(filter_, page_size=page_size, page_token=page_token)
