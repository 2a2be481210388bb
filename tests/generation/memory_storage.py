"""A Storage Service in memory: the four operations over a hub, with preconditions, idempotency and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1.record_pb2 import Record, RecordKind
from tabletop.storage.v1.storage_pb2 import (
    BlobPart,
    BlobRange,
    DeleteRequest,
    DeleteResponse,
    ListOrder,
    ListRequest,
    ListResponse,
    Put,
    RetrieveRequest,
    RetrieveResponse,
    StorageChanged,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import Ack, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.messages import clone, now

SECONDS = 60.0


class Refused(Exception):
    """The operation is refused with a code of StorageErrorCode."""

    def __init__(self, code: str, message: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class MemoryStorageService:
    """Keeps every version of every record. Tests make it fail, or interfere before an operation."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._versions: dict[tuple[RecordKind, str], list[Record]] = {}
        self._blobs: dict[str, bytes] = {}
        self._parts: dict[str, dict[int, bytes]] = {}
        self._applied: dict[str, tuple[bytes, Message]] = {}
        self.retrieved: list[tuple[RecordKind, str]] = []
        """Key of each record that was requested, in order."""
        self.stored = 0
        """Batches that were applied."""
        self.refusals: list[Refused] = []
        """Refuses the next operations, one each, except transfers of blobs."""
        self.before_store: Callable[[StoreRequest], Awaitable[None]] | None = None
        """Runs once, before the next batch is applied, in its place in the order of operations."""

    async def handle(self, delivery: Delivery) -> Settlement:
        """Perform an operation and reply."""
        request = delivery.envelope
        try:
            reply = envelopes.reply_envelope(request, "reply", await self._perform(delivery))
        except Refused as refused:
            error = ErrorReply()
            error.error.code, error.error.message = refused.code, str(refused)
            reply = envelopes.reply_envelope(request, topology.ERROR, error)
        await self._hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    def latest(self, kind: RecordKind, id_: str) -> Record | None:
        """Return the latest version of a record, deleted or not."""
        return self._versions.get((kind, id_), [None])[-1]

    def lose_blobs(self) -> None:
        """Forget all blobs, and the parts of unfinished ones."""
        self._blobs.clear()
        self._parts.clear()

    async def _perform(self, delivery: Delivery) -> Message:
        envelope = delivery.envelope
        match envelope.type:
            case topology.STORE:
                return await self._store(envelopes.payload(envelope, StoreRequest))
            case topology.RETRIEVE:
                return self._retrieve(envelopes.payload(envelope, RetrieveRequest))
            case topology.DELETE:
                return await self._delete(envelopes.payload(envelope, DeleteRequest))
            case _:
                return self._list(envelopes.payload(envelope, ListRequest))

    async def _store(self, request: StoreRequest) -> StoreResponse:
        if request.HasField("blob_part"):
            return self._put_part(request.blob_part)
        for part in request.batch.blob_parts:
            self._put_part(part)
        request.batch.ClearField("blob_parts")
        if self.before_store is not None:
            interfere, self.before_store = self.before_store, None
            await interfere(request)
        self._refuse()
        if (first := self._repeated(request)) is not None:
            return first
        for put in request.batch.puts:
            self._check(put)
        response = StoreResponse(storage_correlation_id=request.storage_correlation_id)
        response.batch.records.extend(self._put(put.record) for put in request.batch.puts)
        self._remember(request, response)
        self.stored += 1
        await self._announce(request.batch.messages, response.batch.records)
        return response

    def _put_part(self, part: BlobPart) -> StoreResponse:
        parts = self._parts.setdefault(part.sha256, {})
        parts[part.offset] = part.data
        if sum(map(len, parts.values())) == part.byte_size:
            self._blobs[part.sha256] = b"".join(data for _, data in sorted(parts.items()))
        response = StoreResponse()
        response.blob_part.committed = False
        return response

    def _retrieve(self, request: RetrieveRequest) -> RetrieveResponse:
        if request.HasField("blob_range"):
            return RetrieveResponse(data=self._range(request.blob_range))
        self._refuse()
        response = RetrieveResponse()
        for key in request.records.keys:
            if not key.id:
                raise Refused("INVALID_ARGUMENT", "a key has no id")
            self.retrieved.append((key.kind, key.id))
            versions = self._versions.get((key.kind, key.id), [])
            deleted = bool(versions) and versions[-1].HasField("delete_time")
            if key.version <= len(versions) and versions and (request.records.include_deleted or not deleted):
                response.records.append(versions[key.version - 1])
        return response

    async def _delete(self, request: DeleteRequest) -> DeleteResponse:
        self._refuse()
        response = DeleteResponse()
        for key in request.keys:
            latest = self.latest(key.kind, key.id)
            if latest is None:
                raise Refused("RECORD_NOT_FOUND")
            latest.delete_time.CopyFrom(now())
            response.records.append(latest)
        await self._announce(request.messages, response.records)
        return response

    def _list(self, request: ListRequest) -> ListResponse:
        self._refuse()
        values = {name.name: value for name, value in request.filter.index.ListFields()}
        records = [
            versions[-1]
            for (kind, _), versions in self._versions.items()
            if kind == request.kind and all(getattr(versions[-1].index, name) == values[name] for name in values)
        ]
        if request.filter.states:
            records = [record for record in records if record.index.state in request.filter.states]
        if request.order != ListOrder.LIST_ORDER_OLDEST_FIRST:
            records.reverse()
        start = int(request.page_token or 0)
        end = start + request.page_size
        return ListResponse(
            records=records[start:end], next_page_token=str(end) if end < len(records) else "", total_size=len(records)
        )

    def _check(self, put: Put) -> None:
        latest = self.latest(put.record.key.kind, put.record.key.id)
        version = latest.key.version if latest is not None else 0
        if put.HasField("at_version") and put.at_version < 1:
            raise Refused("INVALID_ARGUMENT", "at_version must be at least 1")
        if (put.absent and version) or (put.HasField("at_version") and put.at_version != version):
            raise Refused("VERSION_CONFLICT", f"{put.record.key.id} is at version {version}")
        if put.record.HasField("blob") and put.record.blob.sha256 not in self._blobs:
            raise Refused("BLOB_INCOMPLETE", "parts of the blob are missing")

    def _put(self, record: Record) -> Record:
        versions = self._versions.setdefault((record.key.kind, record.key.id), [])
        stored = clone(record)
        stored.key.version = len(versions) + 1
        stored.storage_id = f"storage-of-{record.key.id}"
        stored.create_time.CopyFrom(versions[0].create_time if versions else now())
        stored.update_time.CopyFrom(now())
        versions.append(stored)
        return stored

    def _range(self, blob_range: BlobRange) -> bytes:
        if blob_range.sha256 not in self._blobs:
            raise Refused("RECORD_NOT_FOUND")
        return self._blobs[blob_range.sha256][blob_range.offset : blob_range.offset + blob_range.limit]

    def _repeated(self, request: StoreRequest) -> StoreResponse | None:
        content, response = self._applied.get(request.storage_correlation_id, (b"", None))
        if response is None:
            return None
        if content != _content(request):
            raise Refused("ALREADY_EXISTS", "storage_correlation_id was used with other content")
        assert isinstance(response, StoreResponse)
        return response

    def _remember(self, request: StoreRequest, response: StoreResponse) -> None:
        self._applied[request.storage_correlation_id] = (_content(request), response)

    def _refuse(self) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    async def _announce(self, messages: Iterable[OutboundMessage], records: Iterable[Record]) -> None:
        changed = StorageChanged()
        for record in records:
            changed.changes.add(key=record.key, record=record)
        event = envelopes.protobuf_envelope(topology.STORAGE_CHANGED, changed, correlation_id="storage")
        feed = OutboundMessage(exchange=topology.CHANGES, routing_key=topology.STORAGE_CHANGED, envelope=event)
        for message in (*messages, feed):
            await self._hub.publish(message, timeout=SECONDS)


def _content(request: StoreRequest) -> bytes:
    return request.content_digest.encode() or request.SerializeToString(deterministic=True)
