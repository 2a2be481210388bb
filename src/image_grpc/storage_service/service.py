"""The Storage Service: answers the four operations, and keeps its house."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import structlog
from google.protobuf.message import Message
from sqlalchemy import Connection, bindparam, delete, select, update
from tabletop.hub.v1.envelope_pb2 import Envelope, OutboundMessage
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import (
    Batch,
    BlobPart,
    DeleteRequest,
    DeleteResponse,
    ListRequest,
    RetrieveRequest,
    RetrieveResponse,
    StorageChanged,
    StoreRequest,
    StoreResponse,
)

from image_grpc import records
from image_grpc.hub import Ack, Consumer, Delivery, Hub, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.settings import StorageServiceSettings
from image_grpc.storage_service import blobs, listing, outbox, record_table, rules
from image_grpc.storage_service.blobs import Blobs
from image_grpc.storage_service.database import Database, Unavailable, insert_new, microseconds
from image_grpc.storage_service.refusals import Busy, Invalid, Refusal, Reused
from image_grpc.storage_service.schema import applied_request
from image_grpc.validation import violations

log = structlog.get_logger(__name__)

CONCURRENCY = 64
INLINE_BYTES = 16 * 1024
"""Records up to this size go with the event that tells of their change."""
SWEEP_BATCH = 500
REPLY_SECONDS = 5
STOP_SECONDS = 5
"""At a stop, time for the operations in hand."""

R = TypeVar("R", StoreResponse, DeleteResponse)

_APPLIED = select(applied_request).where(applied_request.c.storage_correlation_id == bindparam("key"))
_REMEMBER = (
    update(applied_request)
    .where(applied_request.c.storage_correlation_id == bindparam("key"))
    .values(response=bindparam("answer"))
)


class StorageService:
    """One replica. Any number of them may share a database and an object store."""

    def __init__(self, settings: StorageServiceSettings, hub: Hub, *, database_url: str, blob_url: str) -> None:
        self._settings, self._hub = settings, hub
        self._database = Database(database_url)
        self._blobs = Blobs(blob_url, self._database)
        self._relay = outbox.Relay(self._database, hub)
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Migrates the database, then begins to answer. A start that fails leaves nothing running."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await self._database.start()
            await self._relay.start()
            stack.push_async_callback(self._relay.stop, grace=STOP_SECONDS)
            sweeper = asyncio.create_task(self._sweep_forever(), name="storage sweeper")
            stack.push_async_callback(_cancel, sweeper)
            consumer: Consumer = await self._hub.consume(
                topology.STORAGE_QUEUE, self._handle, concurrency=CONCURRENCY
            )
            stack.push_async_callback(consumer.stop, grace=STOP_SECONDS)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Answers what was taken, publishes what was committed, and closes."""
        await self._stack.aclose()

    async def sweep(self) -> None:
        """Removes what has expired: deleted records, blobs that nothing names, answers kept for repetition."""
        purged = SWEEP_BATCH
        while purged == SWEEP_BATCH:
            purged = await self._database.write(_purge)
        await self._blobs.sweep(part_expiry=self._settings.blob_part_expiry_seconds, limit=SWEEP_BATCH)

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
            except (Unavailable, *blobs.FAILURES) as problem:
                log.warning("sweep failed, will be tried again", problem=str(problem))
            except Exception:  # the house must be kept whatever one round met
                log.exception("sweep failed, will be tried again")
            await asyncio.sleep(self._settings.sweep_interval_seconds)

    async def _handle(self, delivery: Delivery) -> Settlement:
        request = delivery.envelope
        try:
            response = await self._answer(request)
            reply = envelopes.reply_envelope(request, f"{request.type}.reply", response)
        except Refusal as refusal:
            reply = _error_reply(request, refusal)
        except envelopes.BadEnvelope as problem:
            reply = _error_reply(request, Invalid("payload", str(problem)))
        except (Unavailable, *blobs.FAILURES) as problem:
            log.warning("storage operation failed", type=request.type, problem=str(problem))
            reply = _error_reply(request, Busy("the database or the object store failed"))
        if delivery.reply_to:
            await self._hub.reply(delivery, reply, timeout=REPLY_SECONDS)
        return Ack()

    async def _answer(self, request: Envelope) -> Message:
        match request.type:
            case topology.STORE:
                return await self._store(_checked(request, StoreRequest))
            case topology.RETRIEVE:
                return await self._retrieve(_checked(request, RetrieveRequest))
            case topology.DELETE:
                return await self._delete(_checked(request, DeleteRequest))
            case topology.LIST:
                wanted = _checked(request, ListRequest)
                return await self._database.read(lambda connection: listing.page(connection, wanted))
        raise Invalid("type", f"there is no operation {request.type!r}")

    async def _store(self, request: StoreRequest) -> StoreResponse:
        if request.WhichOneof("operation") == "blob_part":
            return await self._store_part(request.storage_correlation_id, request.blob_part)
        rules.check(request.batch)
        needed = _blobs_of(request.batch)
        for sha256, byte_size in needed:
            await self._blobs.assemble(sha256, byte_size)

        def apply(connection: Connection, response: StoreResponse) -> Sequence[Record]:
            for sha256, byte_size in needed:
                blobs.commit(connection, sha256, byte_size)
            response.batch.records.extend(record_table.put(connection, request.batch.puts))
            response.batch.records.extend(record_table.restore(connection, request.batch.undeletes))
            return response.batch.records

        response = await self._apply(request, StoreResponse, request.batch.messages, apply)
        for sha256, byte_size in needed:
            await self._blobs.remove_parts(sha256, byte_size)
        return response

    async def _store_part(self, correlation_id: str, part: BlobPart) -> StoreResponse:
        response = StoreResponse(storage_correlation_id=correlation_id)
        response.blob_part.committed = await self._blobs.put_part(part)
        return response

    async def _retrieve(self, request: RetrieveRequest) -> RetrieveResponse:
        response = RetrieveResponse(storage_correlation_id=request.storage_correlation_id)
        if request.WhichOneof("operation") == "blob_range":
            wanted = request.blob_range
            response.data = await self._blobs.read(wanted.sha256, wanted.offset, wanted.limit)
        else:
            keys, deleted = request.records.keys, request.records.include_deleted
            response.records.extend(
                await self._database.read(
                    lambda connection: record_table.read(connection, keys, include_deleted=deleted)
                )
            )
        return response

    async def _delete(self, request: DeleteRequest) -> DeleteResponse:
        def apply(connection: Connection, response: DeleteResponse) -> Sequence[Record]:
            response.records.extend(
                record_table.mark_deleted(connection, request.keys, purge_after=self._settings.purge_after_seconds)
            )
            return response.records

        return await self._apply(request, DeleteResponse, request.messages, apply)

    async def _apply(
        self,
        request: StoreRequest | DeleteRequest,
        kind: type[R],
        messages: Sequence[OutboundMessage],
        apply: Callable[[Connection, R], Sequence[Record]],
    ) -> R:
        """Runs a change once for its storage_correlation_id, together with the messages that tell of it."""
        content = request.content_digest.encode() or request.SerializeToString(deterministic=True)
        digest = hashlib.sha256(content).digest()
        id_ = request.storage_correlation_id
        memory = self._settings.request_memory_seconds

        def transaction(connection: Connection) -> tuple[R, list[outbox.Entry]]:
            claim = {
                "storage_correlation_id": id_,
                "digest": digest,
                "response": b"",
                "expire_time": microseconds(memory),
            }
            # The claim waits for whoever applies the same request at this moment, on any replica.
            if not insert_new(connection, applied_request, [claim]):
                known = connection.execute(_APPLIED, {"key": id_}).one()
                if known.digest != digest:
                    raise Reused(f"storage_correlation_id {id_} was used with other content")
                return kind.FromString(known.response), []
            response = kind(storage_correlation_id=id_)
            changed = apply(connection, response)
            entries = outbox.add(connection, [*messages, _changed_event(request, changed)])
            connection.execute(_REMEMBER, {"key": id_, "answer": response.SerializeToString()})
            return response, entries

        response, entries = await self._database.write(transaction)
        self._relay.publish(entries)
        return response


def _checked(request: Envelope, kind: type[envelopes.M]) -> envelopes.M:
    """The payload, if it keeps the rules of its contract. Raises BadEnvelope, Invalid."""
    payload = envelopes.payload(request, kind)
    for violation in violations(payload):
        raise Invalid(violation.field, violation.description)
    return payload


def _blobs_of(batch: Batch) -> list[tuple[str, int]]:
    """Names and sizes of the blobs that a batch needs. Fills in their paths, and the references to images."""
    needed = set()
    for put in batch.puts:
        if put.record.HasField("image"):
            put.record.image.storage_id = records.derived_id("storage", put.record.image.id)
        if sha256 := record_table.blob_of(put.record):
            content = put.record.image.content
            content.storage_path = blobs.path(sha256)
            needed.add((sha256, content.byte_size))
    return sorted(needed)


def _changed_event(request: StoreRequest | DeleteRequest, changed: Sequence[Record]) -> OutboundMessage:
    correlation_id = request.storage_correlation_id
    event = StorageChanged(storage_correlation_id=correlation_id)
    puts = len(request.batch.puts) if isinstance(request, StoreRequest) else len(changed)
    for index, record in enumerate(changed):
        change = event.changes.add(key=records.key(record), restored=index >= puts)
        if record.ByteSize() <= INLINE_BYTES:
            change.record.CopyFrom(record)
    return OutboundMessage(
        exchange=topology.EVENTS,
        routing_key=topology.STORAGE_CHANGED,
        envelope=envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id=correlation_id),
    )


def _purge(connection: Connection) -> int:
    purged, freed = record_table.purge(connection, limit=SWEEP_BATCH)
    blobs.release(connection, freed)
    connection.execute(delete(applied_request).where(applied_request.c.expire_time < microseconds()))
    return purged


def _error_reply(request: Envelope, refusal: Refusal) -> Envelope:
    reply = envelopes.error_reply(
        request.id, refusal.code, str(refusal), field=refusal.field, retryable=refusal.retryable
    )
    return envelopes.reply_envelope(request, topology.ERROR, reply)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
