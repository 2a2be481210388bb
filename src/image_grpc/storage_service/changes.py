"""Changes of records, each applied once per storage_correlation_id together with the messages that announce it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.storage_pb2 import (
    DeleteRequest,
    DeleteResponse,
    Put,
    RecordChange,
    StorageChanged,
    StoreRequest,
    StoreResponse,
)

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.storage_service import outbox, records
from image_grpc.storage_service.applied_requests import Request, Response, claim, release, set_responses
from image_grpc.storage_service.blobs import lock_blobs, mark_committed
from image_grpc.storage_service.counters import Counters
from image_grpc.storage_service.database import Database
from image_grpc.storage_service.errors import InvalidField, RequestError, Unavailable
from image_grpc.storage_service.group_commit import GroupCommit

MAX_INLINE_BYTES = 16 * 1024
"""Records up to this size are part of the event that reports their change."""
MAX_EVENT_BYTES = 128 * 1024
"""Size of the changes in an event, unless they are those of one request."""
MAX_GROUP_REQUESTS, MAX_GROUP_BYTES = 24, 4 * 1024 * 1024
"""Limits of a transaction that several requests share."""
MAX_UNFINISHED = 32
"""Maximum number of unfinished puts. With the writes that wait in the database, it is lower than the number of requests
that a replica handles at once, so that reads are still handled."""

T = TypeVar("T")
Result = tuple[T, list[outbox.Entry]]
"""What a transaction returns, and the messages to publish after it."""
Outcome = StoreResponse | RequestError


class ChangeExecutor:
    """Executes changes for one replica. Puts of concurrent requests share transactions."""

    def __init__(self, database: Database, relay: outbox.Relay, *, retention: float, purge_after: float) -> None:
        """Responses are kept for `retention` seconds, and deleted records for `purge_after` seconds."""
        self._database, self._relay = database, relay
        self._retention, self._purge_after = retention, purge_after
        self._puts = GroupCommit[StoreRequest, StoreResponse](
            self._put_group,
            max_requests=MAX_GROUP_REQUESTS,
            max_bytes=MAX_GROUP_BYTES,
            size=lambda request: request.ByteSize(),
        )

    async def store(self, request: StoreRequest) -> StoreResponse:
        """Put and restore records, or return the response to the same request. Raises RequestError, Unavailable."""
        if request.batch.undeletes or len(referenced_blobs(request)) > 1:  # may fail halfway
            return await self._commit(partial(self._store, request=request))
        if self._puts.unfinished >= MAX_UNFINISHED:
            raise Unavailable("too many writes are waiting")
        return await self._puts.submit(request)

    async def delete(self, request: DeleteRequest) -> DeleteResponse:
        """Delete records, or return the response to the same request. Raises RequestError, Unavailable."""
        for index, put in enumerate(request.puts):
            if put.record.HasField("blob"):
                raise InvalidField(f"puts[{index}].record.blob", "must not be set in a deletion")
        return await self._commit(partial(self._delete, request=request))

    async def stop(self) -> None:
        """Give up the requests that are not committed yet."""
        await self._puts.stop()

    async def _commit(self, transaction: Callable[[Connection], Result[T]]) -> T:
        """Run a transaction, and publish its messages."""
        result, entries = await self._database.write(transaction)
        self._relay.publish(entries)
        return result

    async def _put_group(self, requests: Sequence[StoreRequest]) -> Sequence[StoreResponse | Exception]:
        """Apply requests in one transaction; if that fails while the database works, each in its own."""
        if len({request.storage_correlation_id for request in requests}) == len(requests):
            try:
                return await self._commit(partial(self._put, requests=requests))
            except Exception as failure:  # also a bug that one of them triggers
                database_is_down = isinstance(failure, Unavailable) and not failure.by_statement
                if len(requests) == 1 or database_is_down:
                    raise
        return await asyncio.gather(*(self._put_alone(request) for request in requests))

    async def _put_alone(self, request: StoreRequest) -> StoreResponse | Exception:
        try:
            return await self._commit(partial(self._store, request=request))
        except Exception as failure:
            return failure

    def _put(self, connection: Connection, requests: Sequence[StoreRequest]) -> Result[list[Outcome]]:
        """Apply requests with different ids. One with an error has no effect."""
        claims = claim(connection, requests, retention=self._retention)
        new = [request for request in requests if request.storage_correlation_id in claims.new]
        puts = records.Puts(connection, (put.record.key for request in new for put in request.batch.puts))
        counters = Counters(connection, (change for request in new for change in request.batch.counters))
        blobs = {request.storage_correlation_id: referenced_blobs(request) for request in new}
        lock_blobs(connection, (sha256 for references in blobs.values() for sha256, _ in references))
        outcomes: dict[str, Outcome] = {}
        for request in requests:
            id_ = request.storage_correlation_id
            try:
                if id_ in claims.new:
                    outcomes[id_] = _add_changes(connection, puts, counters, request, blobs[id_])
                else:
                    outcomes[id_] = StoreResponse.FromString(claims.earlier_response(id_))
            except RequestError as error:
                outcomes[id_] = error
        puts.write()
        counters.write()
        applied = [
            (request, response)
            for request in new
            if isinstance(response := outcomes[request.storage_correlation_id], StoreResponse)
        ]
        release(connection, claims.new - {request.storage_correlation_id for request, _ in applied})
        return list(outcomes.values()), _complete(connection, applied)

    def _store(self, connection: Connection, request: StoreRequest) -> Result[StoreResponse]:
        """Apply one request of any kind. If it raises RequestError, the transaction is undone."""
        claims = claim(connection, [request], retention=self._retention)
        if not claims.new:
            return StoreResponse.FromString(claims.earlier_response(request.storage_correlation_id)), []
        puts = records.Puts(connection, (put.record.key for put in request.batch.puts))
        counters = Counters(connection, request.batch.counters)
        restored, changed = records.restore(connection, request.batch.undeletes)
        response = _add_changes(connection, puts, counters, request, referenced_blobs(request), changed=changed)
        puts.write()
        counters.write()
        response.batch.records.extend(restored)
        return response, _complete(connection, [(request, response)])

    def _delete(self, connection: Connection, request: DeleteRequest) -> Result[DeleteResponse]:
        claims = claim(connection, [request], retention=self._retention)
        id_ = request.storage_correlation_id
        if not claims.new:
            return DeleteResponse.FromString(claims.earlier_response(id_)), []
        deleted, changed = records.mark_deleted(connection, request.keys, purge_after=self._purge_after)
        puts = records.Puts(connection, (put.record.key for put in request.puts))
        response = DeleteResponse(storage_correlation_id=id_, records=deleted)
        response.records.extend(puts.accept(puts.check(_applicable(request.puts, changed=changed))))
        puts.write()
        return response, _complete(connection, [(request, response)])


def referenced_blobs(request: StoreRequest) -> list[tuple[str, int]]:
    """Return the SHA-256 and the size of the blobs that the records of a request refer to."""
    blobs = (put.record.blob for put in request.batch.puts if put.record.HasField("blob"))
    return sorted({(blob.sha256, blob.byte_size) for blob in blobs})  # in one order for all requests


def _add_changes(
    connection: Connection,
    puts: records.Puts,
    counters: Counters,
    request: StoreRequest,
    blobs: Sequence[tuple[str, int]],
    *,
    changed: bool = False,
) -> StoreResponse:
    """Add the puts and the counters of a request, unless one is impossible. Raises RequestError.

    `changed` is set if the request has changed something already.
    """
    checked = puts.check(_applicable(request.batch.puts, changed=changed))
    counted = counters.check(request.batch.counters)
    for sha256, byte_size in blobs:
        mark_committed(connection, sha256, byte_size)
    response = StoreResponse(storage_correlation_id=request.storage_correlation_id)
    response.batch.records.extend(puts.accept(checked))
    counters.accept(request.batch.counters, counted)
    response.batch.counters.extend(counted)
    return response


def _applicable(puts: Sequence[Put], *, changed: bool) -> Sequence[Put]:
    """Return the puts that take effect; `changed` is set if the request changes something besides."""
    unconditional = [put for put in puts if not put.if_changed]
    return puts if changed or unconditional else ()


def _complete(connection: Connection, applied: Sequence[tuple[Request, Response]]) -> list[outbox.Entry]:
    """Remember the responses to requests, and add the messages that announce the changes."""
    set_responses(connection, [response for _, response in applied])
    messages: list[OutboundMessage] = []
    for request, _ in applied:
        messages += request.batch.messages if isinstance(request, StoreRequest) else request.messages
    return outbox.add(connection, [*messages, *_changed_events(applied)])


def _changed_events(applied: Sequence[tuple[Request, Response]]) -> Iterator[OutboundMessage]:
    """Yield the events that announce the changes of requests: few, as each costs the broker and every server time."""
    event, size, ids = StorageChanged(), 0, list[str]()
    for request, response in applied:
        changes = list(_changes(request, response))
        added = sum(change.ByteSize() for change in changes)
        if ids and size + added > MAX_EVENT_BYTES:
            yield _announcement(event, ids)
            event, size, ids = StorageChanged(), 0, []
        if changes:
            event.changes.extend(changes)
            size += added
            ids.append(request.storage_correlation_id)
    if ids:
        yield _announcement(event, ids)


def _announcement(event: StorageChanged, ids: Sequence[str]) -> OutboundMessage:
    event.storage_correlation_id = ids[0] if len(ids) == 1 else ""
    correlation_id = event.storage_correlation_id
    envelope = envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id=correlation_id)
    return OutboundMessage(exchange=topology.CHANGES, routing_key=topology.STORAGE_CHANGED, envelope=envelope)


def _changes(request: Request, response: Response) -> Iterator[RecordChange]:
    """Yield the changes of a request that others have to know."""
    changed = response.batch.records if isinstance(response, StoreResponse) else response.records
    # In the response to a batch, the records to restore are the last ones.
    first_restored = len(changed) - (len(request.batch.undeletes) if isinstance(request, StoreRequest) else 0)
    for index, record in enumerate(changed):
        if record.key.kind not in records.APPEND_ONLY:
            inline = record if record.ByteSize() <= MAX_INLINE_BYTES else None
            yield RecordChange(key=record.key, restored=index >= first_restored, record=inline)
