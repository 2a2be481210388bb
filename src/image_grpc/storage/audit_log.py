"""The audit log. Entries about changes are stored in the transactions of these."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from google.protobuf.message import Message
from tabletop.image.v1.audit_pb2 import AuditEntry, ChangeType, ResourceChange, ResourceType
from tabletop.storage.v1.record_pb2 import RecordKind
from tabletop.storage.v1.storage_pb2 import ListFilter, Put

from image_grpc.audit_context import current_entry
from image_grpc.messages import clone, from_now
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
MAX_VERSION = 2**63 - 1


class AuditedChanges:
    """The changes of a unit of work, as the audit log names them."""

    def __init__(self) -> None:
        self._changes: list[ResourceChange] = []
        self._image_id = ""
        self._changed_images: list[str] = []

    def add(self, codec: Codec[T], message: T, change: ChangeType, version: int = 0) -> None:
        """Add a put of a record; `version` is the one that it creates, 0 if that is not known."""
        self.add_id(codec.kind, codec.id_of(message), change, version=version, image_id=codec.image_of(message))

    def add_id(self, kind: RecordKind, id_: str, change: ChangeType, *, version: int = 0, image_id: str = "") -> None:
        """Add a change of a record that concerns an image, which is the record itself by default."""
        if current_entry() is None or (resource_type := RESOURCE_TYPES.get(kind)) is None:
            return
        version = min(version, MAX_VERSION)  # a caller may name any version as the current one
        self._changes.append(
            ResourceChange(resource_type=resource_type, resource_id=id_, change=change, version=version)
        )
        own = id_ if kind == RecordKind.RECORD_KIND_IMAGE else ""
        self._image_id = self._image_id or image_id or own
        if own:
            self._changed_images.append(own)

    def entries(self) -> list[AuditEntry]:
        """Return the entry for the unit of work, for each image if it changes several; none without changes."""
        current = current_entry()
        if current is None or not self._changes:
            return []
        entries = []
        for image_id in self._changed_images if len(self._changed_images) > 1 else [self._image_id]:
            entry = clone(current)
            entry.image_id = image_id
            entry.changes.extend(self._changes)
            entries.append(entry)
        return entries


class AuditLog:
    """Entries, which are kept for a time."""

    def __init__(self, entries: Collection[AuditEntry], retention_days: int) -> None:
        """With a retention of 0 days, changes are not audited."""
        self._entries, self._retention_days = entries, retention_days

    def put(self, entry: AuditEntry) -> Put:
        """Return the put of a new entry, to which an id is given."""
        entry.id = str(uuid.uuid4())
        put = self._entries.put_if_absent(entry)
        put.expire_time.CopyFrom(from_now(timedelta(days=self._retention_days)))
        return put

    def puts_for(self, changes: AuditedChanges) -> list[Put]:
        """Return the puts of the entries for a unit of work. They take effect only if the unit has any effect."""
        puts = [self.put(entry) for entry in changes.entries()] if self._retention_days else []
        for put in puts:
            put.if_changed = True
        return puts

    async def append(self, puts: Iterable[Put], *, storage_correlation_id: str) -> None:
        """Store entries, once per `storage_correlation_id`. Raises as StorageRequester.store does."""
        await self._entries.requester.store(puts, storage_correlation_id=storage_correlation_id)

    async def list(self, filter_: ListFilter, *, page_size: int, page_token: str) -> tuple[Sequence[AuditEntry], str]:
        """Return a page of entries, newest first, and the token of the next page."""
        return await self._entries.list(filter_, page_size=page_size, page_token=page_token)
