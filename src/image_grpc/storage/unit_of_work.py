"""Units of work: changes that are committed together, once per request, and visible to the read cache at once."""

import uuid
from collections.abc import Iterable, Sequence

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.image.v1.audit_pb2 import ChangeType
from tabletop.storage.v1.record_pb2 import Record, RecordKey
from tabletop.storage.v1.storage_pb2 import BlobPart, CounterChange, Put

from image_grpc.idempotency import content_digest, derived_id, requested_id
from image_grpc.messages import MessageLike
from image_grpc.storage.audit_log import AuditedChanges, AuditLog
from image_grpc.storage.codecs import T
from image_grpc.storage.collection import ImageStorageClient
from image_grpc.storage.errors import RecordNotFound
from image_grpc.storage.kept_renditions import KeptRenditions
from image_grpc.storage.read_cache import ReadCache
from image_grpc.storage.repositories import BlobRepository, ImageRepository, OverlayRepository, Repository
from image_grpc.storage.requester import StorageRequester


class Committed:
    """The records that a unit of work has changed."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)

    def of(self, repository: Repository[T]) -> T:
        """Return the first changed record of the repository's kind. Raises LookupError if there is none."""
        if (changed := self.find(repository)) is None:
            raise LookupError(f"the unit of work changed no record of kind {repository.kind}")
        return changed

    def find(self, repository: Repository[T]) -> T | None:
        """Return the first changed record of the repository's kind, or None if there is none."""
        return next(iter(self.all(repository)), None)

    def all(self, repository: Repository[T]) -> list[T]:
        """Return all changed records of the repository's kind."""
        return [repository.decode(record) for record in self._records if record.key.kind == repository.kind]


class UnitOfWork:
    """Collects puts, restorations or deletions, and the messages that announce them; `commit` does all or nothing.

    `id` is the storage_correlation_id. Committing again under the same id returns the first result if the content
    is the same: the operations themselves, or what `content_digest` identifies.
    """

    def __init__(
        self,
        requester: StorageRequester,
        cache: ReadCache,
        audit_log: AuditLog,
        *,
        id_: str = "",
        content_digest: str = "",
    ) -> None:
        self._requester, self._cache, self._audit_log = requester, cache, audit_log
        self.id = id_ or str(uuid.uuid4())
        self._content_digest = content_digest
        self._puts: list[Put] = []
        self._undeletes: list[RecordKey] = []
        self._deletes: list[RecordKey] = []
        self._messages: list[OutboundMessage] = []
        self._blob_parts: list[BlobPart] = []
        self._counters: list[CounterChange] = []
        self._audited = AuditedChanges()

    def new_id(self, kind: str) -> str:
        """Return the id of a resource that the unit creates, the same when the request is repeated."""
        return derived_id(self.id, kind)

    def create(self, repository: Repository[T], message: T) -> None:
        """Put a record that must not exist yet, not even deleted."""
        self._puts.append(repository.put_if_absent(message))
        self._audited.add(repository.codec, message, ChangeType.CHANGE_TYPE_CREATED, 1)

    def update(self, repository: Repository[T], message: T, version: int) -> None:
        """Put the next version of a record that must be at `version`."""
        self._puts.append(repository.put_at_version(message, version))
        self._audited.add(repository.codec, message, ChangeType.CHANGE_TYPE_UPDATED, version + 1)

    def put(self, repository: Repository[T], message: T) -> None:
        """Put the next version of a record, whether it does not exist, exists or is deleted."""
        self._puts.append(repository.put(message))
        self._audited.add(repository.codec, message, ChangeType.CHANGE_TYPE_CREATED)

    def undelete(self, repository: Repository[T], id_: str) -> None:
        """Restore a deleted record."""
        self._undeletes.append(repository.key(id_))
        self._audited.add_id(repository.kind, id_, ChangeType.CHANGE_TYPE_RESTORED)

    def delete(self, repository: Repository[T], id_: str, version: int = 0, *, image_id: str = "") -> None:
        """Delete a record, which must be at `version` unless that is 0. A unit that deletes does nothing else.

        `image_id` is the image that the record belongs to.
        """
        self._deletes.append(repository.key(id_, version))
        self._audited.add_id(repository.kind, id_, ChangeType.CHANGE_TYPE_DELETED, image_id=image_id)

    def publish(self, *messages: OutboundMessage) -> None:
        """Publish messages once the changes are durable."""
        self._messages += messages

    def put_part(self, part: BlobPart) -> None:
        """Put the last part of a blob to which a record of the unit refers."""
        self._blob_parts.append(part)

    def count(self, *changes: CounterChange) -> None:
        """Change counters. If one would exceed its maximum, nothing is changed: `commit` raises LimitExceeded."""
        self._counters += changes

    async def commit(self) -> Committed:
        """Apply the changes, together with the entry of the audit log about them.

        Raises as StorageRequester.store and StorageRequester.delete do.
        """
        audit = self._audit_log.puts_for(self._audited)
        if self._deletes:
            records = await self._delete(audit)
        else:
            records = await self._requester.store(
                [*self._puts, *audit],
                undeletes=self._undeletes,
                messages=self._messages,
                blob_parts=self._blob_parts,
                counters=self._counters,
                storage_correlation_id=self.id,
                content_digest=self._content_digest,
            )
        self._cache.invalidate(records)
        return Committed(records)

    async def _delete(self, audit: Sequence[Put]) -> list[Record]:
        if self._puts or self._undeletes or self._counters:
            raise ValueError("a unit of work that deletes records cannot store others")
        # The Storage Service ignores a repeated deletion, as a repeated request_id requires. Without one, deleting
        # a deleted record is an error.
        if not self._content_digest:
            keys = [RecordKey(kind=key.kind, id=key.id) for key in self._deletes]
            if len(await self._requester.retrieve(keys)) < len(keys):
                raise RecordNotFound(f"{keys[0].id} does not exist")
        return await self._requester.delete(
            self._deletes,
            puts=audit,
            messages=self._messages,
            storage_correlation_id=self.id,
            content_digest=self._content_digest,
        )


def request_identity(operation: str, request: MessageLike) -> tuple[str, str]:
    """Return a request's storage_correlation_id and content digest; a new id and no digest without a `request_id`."""
    request_id = getattr(request, "request_id", "")
    if not request_id:
        return str(uuid.uuid4()), ""
    return requested_id(operation, request_id), content_digest(request)


class Storage:
    """Everything that is stored, through one read cache."""

    def __init__(self, client: ImageStorageClient, cache: ReadCache, *, audit_days: int = 0) -> None:
        """Entries of the audit log are kept for `audit_days`; 0 writes none."""
        self._client, self._cache = client, cache
        self.audit_log = AuditLog(client.audit_entries, audit_days)
        self.images = ImageRepository(client.images, cache)
        self.overlays = OverlayRepository(client.overlays, cache, self.images)
        self.themes = Repository(client.themes, cache)
        self.generations = Repository(client.generations, cache)
        self.cache_entries = Repository(client.cache_entries, cache)
        self.blobs = BlobRepository(client.blobs, cache)
        self.renditions = KeptRenditions(client.renditions, client.blobs)

    def require_capacity(self) -> None:
        """Raise Overloaded if a commit by the current call would be refused at once."""
        self._client.require_write()

    def unit_of_work(self, id_: str = "") -> UnitOfWork:
        """Return a unit of work with this storage_correlation_id, or a new one."""
        return UnitOfWork(self._client, self._cache, self.audit_log, id_=id_)

    def unit_for(self, operation: str, request: MessageLike) -> UnitOfWork:
        """Return the unit of work of a caller's request, which its `request_id` makes repeatable."""
        id_, digest = request_identity(operation, request)
        return UnitOfWork(self._client, self._cache, self.audit_log, id_=id_, content_digest=digest)
