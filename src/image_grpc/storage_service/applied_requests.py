"""Changes that are applied once per storage_correlation_id, together with the messages that announce them."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select, update
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.storage.v1.record_pb2 import Record
from tabletop.storage.v1.storage_pb2 import DeleteRequest, DeleteResponse, StorageChanged, StoreRequest, StoreResponse

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc.storage_service import outbox
from image_grpc.storage_service.database import Database, insert_new, microseconds
from image_grpc.storage_service.errors import CorrelationIdReused
from image_grpc.storage_service.schema import applied_request

Request = StoreRequest | DeleteRequest
R = TypeVar("R", StoreResponse, DeleteResponse)
Change = Callable[[Connection, R], Sequence[Record]]
"""Changes records within a transaction, fills in the response, and returns the changed records."""

MAX_INLINE_BYTES = 16 * 1024
"""Records up to this size are part of the event that reports their change."""

_SAME_REQUEST = applied_request.c.storage_correlation_id == bindparam("key")
_FIND = select(applied_request).where(_SAME_REQUEST)
_SET_RESPONSE = update(applied_request).where(_SAME_REQUEST).values(response=bindparam("stored_response"))


class ChangeExecutor:
    """Executes changes for one replica. Responses are kept for `retention` seconds."""

    def __init__(self, database: Database, relay: outbox.Relay, *, retention: float) -> None:
        self._database, self._relay, self._retention = database, relay, retention

    async def execute(self, request: Request, response_type: type[R], change: Change[R]) -> R:
        """Apply a change, or return the response to an identical earlier request. Raises CorrelationIdReused."""
        messages: Sequence[OutboundMessage] = (
            request.batch.messages if isinstance(request, StoreRequest) else request.messages
        )

        def transaction(connection: Connection) -> tuple[R, list[outbox.Entry]]:
            previous = _claim(connection, request, retention=self._retention)
            if previous is not None:
                return response_type.FromString(previous), []
            response = response_type(storage_correlation_id=request.storage_correlation_id)
            records = change(connection, response)
            entries = outbox.add(connection, [*messages, _changed_event(request, records)])
            parameters = {"key": request.storage_correlation_id, "stored_response": response.SerializeToString()}
            connection.execute(_SET_RESPONSE, parameters)
            return response, entries

        response, entries = await self._database.write(transaction)
        self._relay.publish(entries)
        return response


def _claim(connection: Connection, request: Request, *, retention: float) -> bytes | None:
    """Claim a request, waiting for any replica that applies it. Return its response if it was applied before."""
    id_ = request.storage_correlation_id
    content = request.content_digest.encode() or request.SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).digest()
    row = {"storage_correlation_id": id_, "digest": digest, "response": b"", "expire_time": microseconds(retention)}
    if insert_new(connection, applied_request, [row]):
        return None
    existing = connection.execute(_FIND, {"key": id_}).one()
    if existing.digest != digest:
        raise CorrelationIdReused(f"storage_correlation_id {id_} was used with other content")
    return bytes(existing.response)


def _changed_event(request: Request, records: Sequence[Record]) -> OutboundMessage:
    correlation_id = request.storage_correlation_id
    event = StorageChanged(storage_correlation_id=correlation_id)
    # In the response to a batch, the restored records follow those that were put.
    first_restored = len(request.batch.puts) if isinstance(request, StoreRequest) else len(records)
    for index, record in enumerate(records):
        change = event.changes.add(key=record.key, restored=index >= first_restored)
        if record.ByteSize() <= MAX_INLINE_BYTES:
            change.record.CopyFrom(record)
    return OutboundMessage(
        exchange=topology.EVENTS,
        routing_key=topology.STORAGE_CHANGED,
        envelope=envelopes.protobuf_envelope(topology.STORAGE_CHANGED, event, correlation_id=correlation_id),
    )
