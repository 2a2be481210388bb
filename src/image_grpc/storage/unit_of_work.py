"""Units of work: changes that are committed together, once per request, and known to the read cache at once."""

import uuid
from collections.abc import Iterable

from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record, RecordKey
from tabletop.storage.v1.storage_pb2 import Put

from image_grpc.idempotency import content_digest, derived_id
from image_grpc.messages import MessageLike
from image_grpc.storage.codecs import T
from image_grpc.storage.errors import RecordNotFound
from image_grpc.storage.operations import StorageOperations
from image_grpc.storage.read_cache import ReadCache
from image_grpc.storage.repositories import Repository


class Committed:
    """The records that a unit of work has changed."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)

    def of(self, repository: Repository[T]) -> T:
        """Return the first changed record of the repository's kind. Raises LookupError if there is none."""
        collection = repository.collection
        for record in self._records:
            if record.key.kind == collection.kind:
                return collection.decode(record)
        raise LookupError(f"the unit of work changed no record of kind {collection.kind}")


class UnitOfWork:
    """Collects puts, restorations or deletions, and the messages that announce them; `commit` does all or nothing.

    `id` is the storage_correlation_id. Committing again under the same id returns the first result if the content
    is the same: the operations themselves, or what `content_digest` identifies.
    """

    def __init__(
        self, operations: StorageOperations, cache: ReadCache, *, id_: str = "", content_digest: str = ""
    ) -> None:
        self._operations, self._cache = operations, cache
        self.id = id_ or str(uuid.uuid4())
        self._content_digest = content_digest
        self._puts: list[Put] = []
        self._undeletes: list[RecordKey] = []
        self._deletes: list[RecordKey] = []
        self._messages: list[OutboundMessage] = []

    def new_id(self, kind: str) -> str:
        """Return the id of a resource that the unit creates, the same when the request is repeated."""
        return derived_id(self.id, kind)

    def create(self, repository: Repository[T], message: T) -> None:
        """Put a record that must not exist yet, not even deleted."""
        self._puts.append(repository.collection.put_if_absent(message))

    def update(self, repository: Repository[T], message: T, version: int) -> None:
        """Put the next version of a record that must be at `version`."""
        self._puts.append(repository.collection.put_at_version(message, version))

    def put(self, repository: Repository[T], message: T) -> None:
        """Put the next version of a record, whether it exists or not."""
        self._puts.append(repository.collection.put(message))

    def undelete(self, repository: Repository[T], id_: str) -> None:
        """Restore a deleted record."""
        self._undeletes.append(repository.collection.key(id_))

    def delete(self, repository: Repository[T], id_: str, version: int = 0) -> None:
        """Delete a record, which must be at `version` unless that is 0. A unit that deletes does nothing else."""
        self._deletes.append(repository.collection.key(id_, version))

    def publish(self, *messages: OutboundMessage) -> None:
        """Publish messages once the changes are durable."""
        self._messages += messages

    async def commit(self) -> Committed:
        """Apply the changes.

        Raises VersionConflict, RequestIdReused, RecordNotFound, BlobIncomplete, StorageServiceError.
        """
        records = await (self._delete() if self._deletes else self._store())
        self._cache.invalidate(records)
        return Committed(records)

    async def _store(self) -> list[Record]:
        return await self._operations.store(
            self._puts,
            undeletes=self._undeletes,
            messages=self._messages,
            storage_correlation_id=self.id,
            content_digest=self._content_digest,
        )

    async def _delete(self) -> list[Record]:
        if self._puts or self._undeletes:
            raise ValueError("a unit of work that deletes records cannot store others")
        # The Storage Service ignores a repeated deletion, as a repeated request_id requires. Without one, deleting
        # a deleted record is an error.
        if not self._content_digest:
            keys = [RecordKey(kind=key.kind, id=key.id) for key in self._deletes]
            if len(await self._operations.retrieve(keys)) < len(keys):
                raise RecordNotFound(f"{keys[0].id} does not exist")
        return await self._operations.delete(
            self._deletes, messages=self._messages, storage_correlation_id=self.id, content_digest=self._content_digest
        )


def request_identity(operation: str, request: MessageLike) -> tuple[str, str]:
    """Return the storage_correlation_id and the content digest of a request.

    Both depend on its `request_id`. Without one, each call is an operation of its own.
    """
    request_id = getattr(request, "request_id", "")
    if not request_id:
        return str(uuid.uuid4()), ""
    return derived_id(operation, request_id), content_digest(request)
