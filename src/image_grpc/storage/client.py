"""Client of the Storage Service: request and reply over the hub, tried again until the time is over."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import stamina
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.storage.v1.record_pb2 import CacheEntry, GenerationRecord, Record, RecordKey, RecordKind
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    BlobPart,
    BlobRange,
    DeleteRequest,
    DeleteResponse,
    ListFilter,
    ListOrder,
    ListRequest,
    ListResponse,
    Put,
    RecordKeys,
    RetrieveRequest,
    RetrieveResponse,
    StoreRequest,
    StoreResponse,
)

from image_grpc.deadline import remaining
from image_grpc.errors import (
    HubError,
    InvalidArgument,
    RequestIdReused,
    ServiceError,
    StorageServiceError,
    VersionConflict,
    Violation,
)
from image_grpc.hub import Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.telemetry import Telemetry, inject

PART_BYTES = 1024 * 1024
"""Blobs travel in parts of this size."""
PARTS_AT_ONCE = 8
"""Parts under way in each direction, of this process: each is several times in memory on its way."""
TURN_SECONDS = 60.0
"""Longest wait of a part for its turn, if the caller has no deadline."""
ATTEMPT_SECONDS = 3.0
"""A request without a reply is sent again after this time."""
MAX_PAGE_SIZE = 500
MARGIN_SECONDS = 0.2
"""What is left of the caller's deadline for telling that the Storage Service is away."""

R = TypeVar("R", bound=Message)
P = TypeVar("P")
T = TypeVar("T", Image, Overlay, Theme, GenerationRecord, CacheEntry)


class RecordMissing(ServiceError):
    """A record or blob is not there. Whoever asked for it says what that means to the caller."""

    reason = "RECORD_NOT_FOUND"


class BlobIncomplete(ServiceError):
    """A stored record names a blob of which parts are missing; it must be put again."""

    reason = "BLOB_INCOMPLETE"


class _Retryable(Exception):
    """The same request may succeed in a moment."""


class ImageStorageClient:
    """The four operations, and per kind of record what is done with it."""

    def __init__(self, hub: Hub, telemetry: Telemetry, *, timeout: float) -> None:
        self._hub, self._telemetry, self._timeout = hub, telemetry, timeout
        self.last_failure = ""
        """Why the last request failed; empty if it did not. What the Storage Service refuses is no failure."""
        self.images = Collection(self, "image", Image, RecordKind.RECORD_KIND_IMAGE)
        self.overlays = Collection(self, "overlay", Overlay, RecordKind.RECORD_KIND_OVERLAY)
        self.themes = Collection(self, "theme", Theme, RecordKind.RECORD_KIND_THEME)
        self.generations = Collection(self, "generation", GenerationRecord, RecordKind.RECORD_KIND_GENERATION)
        self.cache_entries = Collection(self, "cache_entry", CacheEntry, RecordKind.RECORD_KIND_CACHE_ENTRY)
        self.blobs = BlobClient(self)

    async def store(
        self,
        puts: Iterable[Put] = (),
        *,
        undeletes: Iterable[RecordKey] = (),
        messages: Iterable[OutboundMessage] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Changes records, all or none, and has `messages` published afterwards; answers the changed records.
        The same `storage_correlation_id` again answers the same, if the content is: that of the batch, or what
        `content_digest` names.

        Raises VersionConflict, RequestIdReused, RecordMissing, BlobIncomplete, StorageServiceError.
        """
        batch = Batch(puts=puts, undeletes=undeletes, messages=messages)
        request = StoreRequest(
            storage_correlation_id=storage_correlation_id or str(uuid.uuid4()),
            batch=batch,
            content_digest=content_digest,
        )
        return list((await self.request(topology.STORE, request, StoreResponse)).batch.records)

    async def retrieve(self, keys: Sequence[RecordKey], *, include_deleted: bool = False) -> list[Record]:
        """The records that exist, in the order of the keys. Raises StorageServiceError."""
        wanted = RecordKeys(keys=keys, include_deleted=include_deleted)
        request = RetrieveRequest(storage_correlation_id=str(uuid.uuid4()), records=wanted)
        return list((await self.request(topology.RETRIEVE, request, RetrieveResponse)).records)

    async def delete(
        self,
        keys: Sequence[RecordKey],
        *,
        messages: Iterable[OutboundMessage] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Deletes records, all or none. Raises RecordMissing, VersionConflict, StorageServiceError."""
        request = DeleteRequest(
            storage_correlation_id=storage_correlation_id or str(uuid.uuid4()),
            keys=keys,
            messages=messages,
            content_digest=content_digest,
        )
        return list((await self.request(topology.DELETE, request, DeleteResponse)).records)

    async def request(self, operation: str, request: Any, response: type[R]) -> R:
        """One operation, sent again with the same storage_correlation_id until it is answered or the time is
        over, whichever the caller's deadline or the configured timeout allows."""
        with self._telemetry.track_storage_operation(operation, request.storage_correlation_id) as tracked:
            tracked.bytes = request.ByteSize()
            try:
                answer = await self._until_answered(operation, request)
                result = _read(answer, response)
            except ServiceError as failure:
                self.last_failure = failure.message if isinstance(failure, StorageServiceError) else ""
                raise
            self.last_failure = ""
            tracked.bytes += result.ByteSize()
            return result

    async def _until_answered(self, operation: str, request: Any) -> Envelope:
        budget = remaining(self._timeout, margin=MARGIN_SECONDS)
        over = time.monotonic() + budget
        problem = "no answer"

        async def attempt_once() -> Envelope:
            nonlocal problem
            try:
                return await self._attempt(operation, request, min(ATTEMPT_SECONDS, over - time.monotonic()))
            except _Retryable as failure:
                problem = str(failure)
                raise

        try:
            # Not stamina's own timeout: it would let a pause between two attempts go on past the deadline.
            async with asyncio.timeout(budget):
                async for attempt in stamina.retry_context(
                    on=_Retryable, attempts=None, timeout=None, wait_initial=0.05, wait_max=1.0, wait_jitter=0.1
                ):
                    with attempt:
                        return await attempt_once()
        except TimeoutError as expired:
            raise StorageServiceError(
                f"the Storage Service did not do {operation} within {budget:.1f} s: {problem}", retry_delay=1.0
            ) from expired
        raise AssertionError("unreachable: the loop returns or raises")

    async def _attempt(self, operation: str, request: Any, seconds: float) -> Envelope:
        message = OutboundMessage(
            exchange=topology.REQUESTS,
            routing_key=operation,
            mandatory=True,
            headers=inject(),
            envelope=envelopes.protobuf_envelope(
                operation, request, correlation_id=request.storage_correlation_id, time_to_live=seconds
            ),
        )
        try:
            reply = await self._hub.request(message, timeout=seconds)
        except HubError as failure:
            raise _Retryable(failure.message) from failure
        if reply.type == topology.ERROR:
            _raise(_read(reply, ErrorReply))
        return reply


class Collection(Generic[T]):
    """The records of one kind."""

    def __init__(self, client: ImageStorageClient, field: str, _body: type[T], kind: RecordKind) -> None:
        self._client, self._field, self.kind = client, field, kind

    def key(self, id_: str, version: int = 0) -> RecordKey:
        """Names a record; version 0 is the newest."""
        return RecordKey(kind=self.kind, id=id_, version=version)

    def record(self, body: T) -> Record:
        """The record that has this body."""
        record = Record()
        getattr(record, self._field).CopyFrom(body)
        return record

    def put(self, body: T, *, absent: bool = False, at_version: int | None = None) -> Put:
        """A put for `store`: of a record that is not there yet, of one at a version, or whatever is there."""
        return Put(record=self.record(body), absent=True if absent else None, at_version=at_version)

    def body(self, record: Record) -> T:
        """The body of a record of this kind."""
        body: T = getattr(record, self._field)
        return body

    async def store(self, body: T, *, absent: bool = False, at_version: int | None = None) -> T:
        """Stores one record; answers it as it is now. Raises as ImageStorageClient.store does."""
        stored = await self._client.store([self.put(body, absent=absent, at_version=at_version)])
        return self.body(stored[0])

    async def retrieve(self, id_: str, version: int = 0, *, include_deleted: bool = False) -> T | None:
        """One record, or None if it does not exist."""
        found = await self._client.retrieve([self.key(id_, version)], include_deleted=include_deleted)
        return self.body(found[0]) if found else None

    async def delete(self, id_: str, version: int = 0, *, storage_correlation_id: str = "") -> T:
        """Deletes one record; answers it. Raises as ImageStorageClient.delete does."""
        key = self.key(id_, version)
        deleted = await self._client.delete([key], storage_correlation_id=storage_correlation_id)
        return self.body(deleted[0])

    async def undelete(self, id_: str, *, storage_correlation_id: str = "") -> T:
        """Restores one record; answers it. Raises RecordMissing, StorageServiceError."""
        restored = await self._client.store(
            undeletes=[self.key(id_)], storage_correlation_id=storage_correlation_id
        )
        return self.body(restored[0])

    async def list(
        self,
        filter_: ListFilter | None = None,
        *,
        page_size: int,
        page_token: str = "",
        order: ListOrder = ListOrder.LIST_ORDER_NEWEST_FIRST,
    ) -> tuple[list[T], str]:
        """A page, and the token of the next one (empty on the last).

        Raises InvalidArgument for a token of another listing, StorageServiceError.
        """
        request = ListRequest(
            storage_correlation_id=str(uuid.uuid4()),
            kind=self.kind,
            filter=filter_,
            page_size=page_size,
            page_token=page_token,
            order=order,
        )
        page = await self._client.request(topology.LIST, request, ListResponse)
        return [self.body(record) for record in page.records], page.next_page_token

    async def all(self, filter_: ListFilter) -> Sequence[T]:
        """Every record of a listing that is known to be short, the oldest first."""
        found: list[T] = []
        token = ""
        while True:
            page, token = await self.list(
                filter_, page_size=MAX_PAGE_SIZE, page_token=token, order=ListOrder.LIST_ORDER_OLDEST_FIRST
            )
            found += page
            if not token:
                return found

    async def count(self, filter_: ListFilter) -> int:
        """How many records a listing has, up to 10,000. Raises StorageServiceError."""
        request = ListRequest(
            storage_correlation_id=str(uuid.uuid4()), kind=self.kind, filter=filter_, page_size=1, count=True
        )
        return (await self._client.request(topology.LIST, request, ListResponse)).total_size


class BlobClient:
    """Bytes, named by their SHA-256."""

    def __init__(self, client: ImageStorageClient) -> None:
        self._client = client
        self._puts, self._reads = asyncio.Semaphore(PARTS_AT_ONCE), asyncio.Semaphore(PARTS_AT_ONCE)

    async def put(self, data: bytes | memoryview) -> str:
        """Brings a blob, so that a record can name it; answers its name. Raises StorageServiceError."""
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        first, *rest = range(0, len(data), PART_BYTES)
        if await self._put_part(sha256, data, first):
            return sha256
        await together(self._put_part(sha256, data, offset) for offset in rest)
        return sha256

    async def _put_part(self, sha256: str, data: bytes | memoryview, offset: int) -> bool:
        async with _turn(self._puts):
            piece = bytes(data[offset : offset + PART_BYTES])
            part = BlobPart(sha256=sha256, byte_size=len(data), offset=offset, data=piece)
            request = StoreRequest(storage_correlation_id=str(uuid.uuid4()), blob_part=part)
            return (await self._client.request(topology.STORE, request, StoreResponse)).blob_part.committed

    async def read_all(self, sha256: str, byte_size: int) -> bytes:
        """A whole blob. Raises RecordMissing, StorageServiceError."""
        offsets = range(0, byte_size, PART_BYTES)
        return b"".join(await together(self.read(sha256, offset, PART_BYTES) for offset in offsets))

    async def read(self, sha256: str, offset: int, limit: int) -> bytes:
        """A piece of a blob, at most 1 MiB. Raises RecordMissing, StorageServiceError."""
        wanted = BlobRange(sha256=sha256, offset=offset, limit=min(limit, PART_BYTES))
        request = RetrieveRequest(storage_correlation_id=str(uuid.uuid4()), blob_range=wanted)
        async with _turn(self._reads):
            return (await self._client.request(topology.RETRIEVE, request, RetrieveResponse)).data


async def together(calls: Iterable[Coroutine[Any, Any, P]]) -> list[P]:
    """The results of all calls. Raises what the first one raises that fails, and cancels the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


@asynccontextmanager
async def _turn(slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """Within the block, a part may be under way."""
    try:
        async with asyncio.timeout(remaining(TURN_SECONDS, margin=MARGIN_SECONDS)):
            await slots.acquire()
    except TimeoutError as expired:
        raise StorageServiceError("too many parts of blobs are under way", retry_delay=1.0) from expired
    try:
        yield
    finally:
        slots.release()


def _read(reply: Envelope, kind: type[R]) -> R:
    """The payload of a reply. Raises StorageServiceError when it is not what it must be."""
    try:
        return envelopes.payload(reply, kind)
    except envelopes.BadEnvelope as problem:
        raise StorageServiceError(f"the Storage Service's reply cannot be read: {problem}") from problem


def _raise(reply: ErrorReply) -> None:
    """Raises what an error reply says."""
    error = reply.error
    match error.code:
        case "VERSION_CONFLICT":
            raise VersionConflict(error.message)
        case "ALREADY_EXISTS":
            raise RequestIdReused(error.message)
        case "RECORD_NOT_FOUND":
            raise RecordMissing(error.message)
        case "BLOB_INCOMPLETE":
            raise BlobIncomplete(error.message)
        case "INVALID_ARGUMENT":
            violation = Violation(error.details.field, error.message.removeprefix(f"{error.details.field}: "))
            raise InvalidArgument.of([violation])
    if error.details.retryable:
        raise _Retryable(error.message)
    raise StorageServiceError(f"the Storage Service failed: {error.message}")
