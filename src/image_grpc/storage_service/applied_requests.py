"""The memory of applied requests: a request has one effect, however often it arrives.

All functions run within the transaction of the change.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, select, update
from tabletop.storage.v1.storage_pb2 import DeleteRequest, DeleteResponse, StoreRequest, StoreResponse

from image_grpc.storage_service.database import insert_new, microseconds
from image_grpc.storage_service.errors import CorrelationIdReused, Unavailable
from image_grpc.storage_service.schema import applied_request

Request = StoreRequest | DeleteRequest
Response = StoreResponse | DeleteResponse

_SELECTED = applied_request.c.storage_correlation_id.in_(bindparam("ids", expanding=True))
_FIND = select(applied_request).where(_SELECTED)
_RELEASE = delete(applied_request).where(_SELECTED)
_SET_RESPONSE = (
    update(applied_request)
    .where(applied_request.c.storage_correlation_id == bindparam("key"))
    .values(response=bindparam("stored_response"))
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """Which of some requests are new. Those that are not were applied before, or have the id of one that was."""

    new: set[str]
    responses: dict[str, bytes] = field(default_factory=dict)
    """The responses to applied requests, by id."""
    reused: set[str] = field(default_factory=set)
    """The ids that were used before with other content."""

    def earlier_response(self, id_: str) -> bytes:
        """Return the response to a request that was applied before. Raises CorrelationIdReused, Unavailable."""
        if id_ in self.reused:
            raise CorrelationIdReused(f"storage_correlation_id {id_} was used with other content")
        if id_ not in self.responses:
            raise Unavailable("the memory of the request expired during its repetition", by_statement=True)
        return self.responses[id_]


def claim(connection: Connection, requests: Sequence[Request], *, retention: float) -> Claims:
    """Claim requests with different ids, waiting for any replica that applies one of them."""
    digests = {request.storage_correlation_id: _digest(request) for request in requests}
    expire_time = microseconds(retention)
    rows = [
        {"storage_correlation_id": id_, "digest": digest, "response": b"", "expire_time": expire_time}
        for id_, digest in sorted(digests.items())  # in one order for all replicas
    ]
    claims = Claims(new={row.storage_correlation_id for row in insert_new(connection, applied_request, rows)})
    if known := digests.keys() - claims.new:
        for row in connection.execute(_FIND, {"ids": sorted(known)}):
            if row.digest == digests[row.storage_correlation_id]:
                claims.responses[row.storage_correlation_id] = bytes(row.response)
            else:
                claims.reused.add(row.storage_correlation_id)
    return claims


def set_responses(connection: Connection, responses: Sequence[Response]) -> None:
    """Remember the responses to claimed requests."""
    rows = [
        {"key": response.storage_correlation_id, "stored_response": response.SerializeToString()}
        for response in responses
    ]
    if rows:
        connection.execute(_SET_RESPONSE, rows)


def release(connection: Connection, ids: Iterable[str]) -> None:
    """Forget claimed requests that had no effect."""
    if ids := sorted(ids):
        connection.execute(_RELEASE, {"ids": ids})


def _digest(request: Request) -> bytes:
    return hashlib.sha256(request.content_digest.encode() or request.SerializeToString(deterministic=True)).digest()
