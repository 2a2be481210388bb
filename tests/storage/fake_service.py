"""A fake Storage Service in memory for tests of its clients. It can wait, fail, and publish changes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1.record_pb2 import IndexFields, Record, RecordKey
from tabletop.storage.v1.storage_pb2 import (
    DeleteRequest,
    DeleteResponse,
    ListFilter,
    ListOrder,
    ListRequest,
    ListResponse,
    Put,
    RecordChange,
    RetrieveRequest,
    RetrieveResponse,
    StorageChanged,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import Ack, Delivery, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.memory import MemoryHub
from image_grpc.messages import clone, now
from image_grpc.storage import CacheLimits, ImageStorageClient, ReadCache, Storage, requester
from image_grpc.storage.codecs import Codec, T
from image_grpc.telemetry import Telemetry

SECONDS = 60.0
_REQUESTS: dict[str, type[Message]] = {
    topology.STORE: StoreRequest,
    topology.RETRIEVE: RetrieveRequest,
    topology.DELETE: DeleteRequest,
    topology.LIST: ListRequest,
}


class _Failure(Exception):
    """Fails an operation with an error code."""


@dataclass
class FakeStorageService:
    """Stores every version of every record and the result of every operation."""

    hub: MemoryHub
    requests: list[Message] = field(default_factory=list)
    messages: list[OutboundMessage] = field(default_factory=list)
    """The messages of batches and deletions. They are not published."""
    may_reply: asyncio.Event = field(default_factory=asyncio.Event)
    """Replies wait until this is set; operations take effect at once."""
    error_code: str = ""
    """If set, every operation fails with this code."""
    _versions: dict[tuple[int, str], list[Record]] = field(default_factory=dict)
    _results: dict[str, tuple[bytes, Message]] = field(default_factory=dict)
    _blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, codec: Codec[T], message: T) -> T:
        """Store the next version of a record without a request."""
        return codec.decode(self._put(Put(record=codec.encode(message))))

    def delete(self, codec: Codec[T], id_: str) -> T:
        """Delete a record without a request."""
        return codec.decode(self._delete(codec.key(id_)))

    def put_blob(self, sha256: str, data: bytes) -> None:
        self._blobs[sha256] = data

    def change(self, codec: Codec[T], id_: str, *, inline: bool = True) -> RecordChange:
        """Return the change feed entry of the latest change of a record."""
        record = self._versions[codec.kind, id_][-1]
        return RecordChange(key=record.key, record=record if inline else None)

    async def publish(self, *changes: RecordChange) -> None:
        """Publish changes on the change feed."""
        event = StorageChanged(changes=changes)
        envelope = envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id="feed")
        message = OutboundMessage(exchange=topology.CHANGES, routing_key=topology.STORAGE_CHANGED, envelope=envelope)
        await self.hub.publish(message, timeout=SECONDS)

    async def handle(self, delivery: Delivery) -> Settlement:
        request = envelopes.payload(delivery.envelope, _REQUESTS[delivery.envelope.type])
        self.requests.append(request)
        try:
            type_, response = "reply", self._once(request)
        except _Failure as failure:
            error = ErrorReply()
            error.error.code, error.error.message = str(failure), f"rejected: {failure}"
            type_, response = topology.ERROR, error
        await self.may_reply.wait()
        reply = envelopes.reply_envelope(delivery.envelope, type_, response)
        await self.hub.reply(delivery, reply, timeout=SECONDS)
        return Ack()

    def _once(self, request: Message) -> Message:
        if self.error_code:
            raise _Failure(self.error_code)
        match request:
            case RetrieveRequest():
                return self._retrieve(request)
            case ListRequest():
                return self._list(request)
            case StoreRequest() | DeleteRequest():
                return self._change_once(request)
        raise AssertionError(f"not a request: {request}")

    def _change_once(self, request: StoreRequest | DeleteRequest) -> Message:
        content = clone(request)
        if request.content_digest:
            content = type(request)(content_digest=request.content_digest)
        content.storage_correlation_id = ""
        digest = content.SerializeToString(deterministic=True)
        previous = self._results.get(request.storage_correlation_id)
        if previous is not None:
            if previous[0] != digest:
                raise _Failure("ALREADY_EXISTS")
            return previous[1]
        response = self._store(request) if isinstance(request, StoreRequest) else self._delete_all(request)
        self._results[request.storage_correlation_id] = digest, response
        return response

    def _store(self, request: StoreRequest) -> StoreResponse:
        response, part = StoreResponse(), request.blob_part
        if request.HasField("blob_part"):
            response.blob_part.committed = len(self._blobs.get(part.sha256, b"")) == part.byte_size
            stored = self._blobs.setdefault(part.sha256, b"")
            if part.offset == len(stored):  # the fake does not reorder parts
                self._blobs[part.sha256] = stored + part.data
            return response
        for put in request.batch.puts:
            latest = self._latest(put.record.key)
            version = latest.key.version if latest is not None and not _is_deleted(latest) else 0
            absent_violated = put.absent and latest is not None
            if absent_violated or (put.HasField("at_version") and put.at_version != version):
                raise _Failure("VERSION_CONFLICT")
        response.batch.records.extend(self._put(put) for put in request.batch.puts)
        for key in request.batch.undeletes:
            record = self._require(key)
            record.ClearField("delete_time")
            response.batch.records.append(record)
        self.messages += request.batch.messages
        return response

    def _put(self, put: Put) -> Record:
        record, key = clone(put.record), put.record.key
        versions = self._versions.setdefault((key.kind, key.id), [])
        record.key.version = len(versions) + 1
        record.storage_id = f"storage-{key.id}"
        record.create_time.CopyFrom(versions[0].create_time if versions else now())
        record.update_time.CopyFrom(now())
        if put.record.blob.sha256:
            record.blob.path = f"blobs/{put.record.blob.sha256}"
        versions.append(record)
        return record

    def _delete_all(self, request: DeleteRequest) -> DeleteResponse:
        for key in request.keys:
            if key.version not in (0, self._require(key).key.version):
                raise _Failure("VERSION_CONFLICT")
        response = DeleteResponse(records=[self._delete(key) for key in request.keys])
        self.messages += request.messages
        return response

    def _delete(self, key: RecordKey) -> Record:
        record = self._require(key)
        if not _is_deleted(record):
            record.delete_time.CopyFrom(now())
        return record

    def _retrieve(self, request: RetrieveRequest) -> RetrieveResponse:
        if request.HasField("blob_range"):
            range_ = request.blob_range
            if range_.sha256 not in self._blobs:
                raise _Failure("RECORD_NOT_FOUND")
            return RetrieveResponse(data=self._blobs[range_.sha256][range_.offset : range_.offset + range_.limit])
        return RetrieveResponse(records=list(self._records(request)))

    def _records(self, request: RetrieveRequest) -> Iterator[Record]:
        for key in request.records.keys:
            latest, versions = self._latest(key), self._versions.get((key.kind, key.id), [])
            if latest is None or (_is_deleted(latest) and not request.records.include_deleted):
                continue
            if key.version <= len(versions):
                yield versions[key.version - 1]  # version 0 is the latest

    def _list(self, request: ListRequest) -> ListResponse:
        filter_ = request.filter
        if filter_.versions_of:
            records = self._versions.get((request.kind, filter_.versions_of), [])
        else:
            latest = [versions[-1] for (kind, _), versions in self._versions.items() if kind == request.kind]
            records = [record for record in latest if _matches(record, filter_)]
        if request.order != ListOrder.LIST_ORDER_OLDEST_FIRST:
            records = records[::-1]
        start = int(request.page_token or 0)
        end = start + request.page_size
        return ListResponse(
            records=records[start:end],
            next_page_token=str(end) if end < len(records) else "",
            total_size=len(records) if request.count else 0,
        )

    def _latest(self, key: RecordKey) -> Record | None:
        versions = self._versions.get((key.kind, key.id))
        return versions[-1] if versions else None

    def _require(self, key: RecordKey) -> Record:
        record = self._latest(key)
        if record is None:
            raise _Failure("RECORD_NOT_FOUND")
        return record


def _is_deleted(record: Record) -> bool:
    return record.HasField("delete_time")


def _matches(record: Record, filter_: ListFilter) -> bool:
    if _is_deleted(record) and not filter_.include_deleted:
        return False
    index: IndexFields = filter_.index
    if filter_.states and record.index.state not in filter_.states:
        return False
    return all(getattr(record.index, name.name) == value for name, value in index.ListFields())


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A fake Storage Service with a client, a read cache and repositories."""

    hub: MemoryHub
    service: FakeStorageService
    telemetry: Telemetry
    client: ImageStorageClient
    cache: ReadCache
    storage: Storage

    def new_cache(self, *, max_records: int = 100, max_bytes: int = 10 * 1024 * 1024) -> ReadCache:
        """Return another, empty read cache."""
        limits = CacheLimits(max_records=max_records, max_bytes=max_bytes)
        return ReadCache(self.client, self.telemetry.counters, limits)


@asynccontextmanager
async def storage_bench(hub: MemoryHub | None = None) -> AsyncIterator[Bench]:
    """Within the block, run a fake Storage Service. No request is repeated on a slow machine."""
    hub = hub or MemoryHub()
    await hub.start()
    service, telemetry = FakeStorageService(hub), Telemetry()
    service.may_reply.set()
    consumer = await hub.consume(topology.STORAGE_QUEUE, service.handle, concurrency=100)
    client = ImageStorageClient(hub, telemetry, timeout=SECONDS)
    limits = CacheLimits(max_records=100, max_bytes=10 * 1024 * 1024)
    cache = ReadCache(client, telemetry.counters, limits)
    storage = Storage(client, cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requester, "ATTEMPT_SECONDS", SECONDS)
        yield Bench(hub=hub, service=service, telemetry=telemetry, client=client, cache=cache, storage=storage)
    service.may_reply.set()
    await consumer.stop(grace=SECONDS)
    await hub.close()
