"""The operations of the Storage Service over the hub, repeated until a reply arrives or the time is over."""

import asyncio
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.hub.v1.error_pb2 import ErrorReply
from tabletop.storage.v1 import storage_pb2 as pb
from tabletop.storage.v1.record_pb2 import Record, RecordKey

from image_grpc.deadline import remaining
from image_grpc.errors import DeadlineExceeded, HubError, Overloaded, ServiceError, StorageServiceError
from image_grpc.hub import Hub, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.origin import Origin, current_origin
from image_grpc.retry import SOON, Backoff, retry_calls
from image_grpc.storage.admission import StorageAdmission
from image_grpc.storage.errors import RetryableFailure, exception_for
from image_grpc.telemetry import Telemetry, inject

ATTEMPT_SECONDS = 3.0
"""A request without a reply is repeated after this time."""
USUAL_FACTOR = 5.0
"""While the Storage Service is slow, a request is repeated only after this many times the usual duration."""
MARGIN_SECONDS = 0.2
"""Seconds before the caller's deadline that are reserved for reporting that the Storage Service is unavailable."""
BACKOFF = Backoff(initial=0.05, maximum=1.0, jitter=0.1)

_BLOB_OPERATIONS = ("blob_part", "blob_range")

R = TypeVar("R", bound=Message)


class StorageServiceTimeout(StorageServiceError):
    """The Storage Service did not reply in time."""


class StorageRequester:
    """Sends the requests of one process."""

    def __init__(self, hub: Hub, telemetry: Telemetry, *, timeout: float) -> None:
        self._hub, self._telemetry = hub, telemetry
        self.timeout = timeout
        """Longest time in seconds that a request may take from its turn on, retries included."""
        self._reads, self._writes, self._parts = StorageAdmission(), StorageAdmission(), StorageAdmission()
        self.last_failure = ""
        """Why the last request for records failed; empty if it succeeded or was refused as invalid."""
        self.last_blob_failure = ""
        """Why the last request for a part of a blob failed, likewise."""

    async def store(
        self,
        puts: Iterable[pb.Put] = (),
        *,
        undeletes: Iterable[RecordKey] = (),
        messages: Iterable[OutboundMessage] = (),
        blob_parts: Iterable[pb.BlobPart] = (),
        counters: Iterable[pb.CounterChange] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Change records and counters atomically, publish `messages` afterwards, and return the changed records.

        `blob_parts` are put before.

        A repeated `storage_correlation_id` returns the first result if the content is the same: that of the batch, or
        the one that `content_digest` identifies. Raises VersionConflict, RequestIdReused, RecordNotFound,
        BlobIncomplete, LimitExceeded.
        """
        request = pb.StoreRequest(
            storage_correlation_id=storage_correlation_id or new_id(), batch=pb.Batch(), content_digest=content_digest
        )
        batch = request.batch  # filled here, because a batch that is passed to the constructor is copied
        batch.puts.extend(puts)
        batch.undeletes.extend(undeletes)
        batch.messages.extend(messages)
        batch.blob_parts.extend(blob_parts)
        batch.counters.extend(counters)
        return list((await self.request(topology.STORE, request, pb.StoreResponse)).batch.records)

    async def count(self, *changes: pb.CounterChange) -> list[pb.CounterResult]:
        """Change counters atomically and return the results. Raises LimitExceeded."""
        request = pb.StoreRequest(storage_correlation_id=new_id(), batch=pb.Batch(counters=changes))
        return list((await self.request(topology.STORE, request, pb.StoreResponse)).batch.counters)

    async def retrieve(self, keys: Sequence[RecordKey], *, include_deleted: bool = False) -> list[Record]:
        """Return the records that exist, in the order of the keys."""
        records = pb.RecordKeys(keys=keys, include_deleted=include_deleted)
        request = pb.RetrieveRequest(storage_correlation_id=new_id(), records=records)
        return list((await self.request(topology.RETRIEVE, request, pb.RetrieveResponse)).records)

    async def delete(
        self,
        keys: Sequence[RecordKey],
        *,
        puts: Iterable[pb.Put] = (),
        messages: Iterable[OutboundMessage] = (),
        storage_correlation_id: str = "",
        content_digest: str = "",
    ) -> list[Record]:
        """Delete records and put others atomically, and return them. Raises RecordNotFound, VersionConflict."""
        request = pb.DeleteRequest(
            storage_correlation_id=storage_correlation_id or new_id(),
            keys=keys,
            puts=puts,
            messages=messages,
            content_digest=content_digest,
        )
        return list((await self.request(topology.DELETE, request, pb.DeleteResponse)).records)

    def require_write(self) -> None:
        """Raise Overloaded if a write by the current call would be refused at once."""
        self._writes.require_turn()

    async def request(
        self,
        operation: str,
        request: pb.StoreRequest | pb.RetrieveRequest | pb.DeleteRequest | pb.ListRequest,
        response: type[R],
    ) -> R:
        """Perform one operation, repeating it under the same storage_correlation_id.

        The request ends at the caller's deadline or after the configured timeout, whichever is earlier. Raises the
        exception for an error reply, and Overloaded.
        """
        id_ = request.storage_correlation_id
        admission = self._writes if isinstance(request, pb.StoreRequest | pb.DeleteRequest) else self._reads
        if _concerns_blob(request):
            admission = self._parts
        async with admission.turn():
            return await self._perform(operation, request, id_, response, admission)

    async def _perform(
        self, operation: str, request: Message, id_: str, response: type[R], admission: StorageAdmission
    ) -> R:
        start = time.monotonic()
        with self._telemetry.track_storage_operation(operation, id_) as tracked:
            tracked.bytes = request.ByteSize()
            try:
                attempt_seconds = max(ATTEMPT_SECONDS, USUAL_FACTOR * admission.usual_seconds)
                result = _payload(await self._repeat_until_reply(operation, request, id_, attempt_seconds), response)
            except DeadlineExceeded:
                raise  # which says nothing about the Storage Service
            except StorageServiceTimeout as failure:
                # It works if others succeeded meanwhile. Accepted work is retried in any case.
                if admission.last_reply > start and current_origin() is not Origin.ACCEPTED:
                    raise Overloaded(f"the Storage Service is busy: {failure.message}", retry_delay=SOON) from failure
                self._note(request, failure.message)
                raise
            except Exception as failure:
                self._note(request, failure.message if isinstance(failure, StorageServiceError) else "")
                raise
            self._note(request, "")
            tracked.bytes += result.ByteSize()
            return result

    def _note(self, request: Message, failure: str) -> None:
        if _concerns_blob(request):
            self.last_blob_failure = failure
        else:
            self.last_failure = failure

    async def _repeat_until_reply(self, operation: str, request: Message, id_: str, attempt_seconds: float) -> Envelope:
        budget = remaining(self.timeout, margin=MARGIN_SECONDS)
        if budget <= 0:
            raise DeadlineExceeded(f"the deadline passed before {operation}")
        end = time.monotonic() + budget
        problem, replied = "no reply", False

        async def attempt() -> Envelope:
            nonlocal problem, replied
            seconds = min(attempt_seconds, budget / 3 if budget > ATTEMPT_SECONDS else budget, end - time.monotonic())
            envelope = envelopes.protobuf_envelope(operation, request, correlation_id=id_, time_to_live=seconds)
            message = OutboundMessage(
                exchange=topology.REQUESTS, routing_key=operation, headers=inject(), envelope=envelope
            )
            try:
                reply = await self._hub.request(message, timeout=seconds)
                replied = True
                if reply.type == topology.ERROR:
                    raise exception_for(_payload(reply, ErrorReply).error)
                return reply
            except (HubError, RetryableFailure) as failure:
                problem = str(failure)
                raise RetryableFailure(problem) from failure

        try:
            async with asyncio.timeout(budget):
                return await retry_calls(attempt, on=RetryableFailure, backoff=BACKOFF)
        except TimeoutError as expired:
            text = f"the Storage Service did not complete {operation} within {budget:.1f} s: {problem}"
            error = StorageServiceError(text, retry_delay=SOON) if replied else timeout_error(text, budget)
            raise error from expired


def _concerns_blob(request: Message) -> bool:
    return any(field.name in _BLOB_OPERATIONS for field, _ in request.ListFields())


def timeout_error(message: str, seconds: float) -> ServiceError:
    """Return the error for an operation without a result after `seconds`, which may have been the caller's fault."""
    if seconds < MARGIN_SECONDS:
        return DeadlineExceeded(message)
    return StorageServiceTimeout(message, retry_delay=SOON)


def new_id() -> str:
    """Return a storage_correlation_id for a request that is never repeated by its caller."""
    return str(uuid.uuid4())


def _payload(reply: Envelope, message: type[R]) -> R:
    try:
        return envelopes.payload(reply, message)
    except envelopes.BadEnvelope as problem:
        raise StorageServiceError(f"the Storage Service sent a malformed reply: {problem}") from problem
