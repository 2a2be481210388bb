"""Calls of the server, and what their failures mean to the bridge."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from image_grpc.bridge.methods import METHODS, Method
from image_grpc.hub import Delivery
from image_grpc.idempotency import derived_id
from image_grpc.telemetry import inject

TRACE = ("traceparent", "tracestate")
CORRELATION_ID = "x-correlation-id"
REQUEST_ID = "x-request-id"
MAX_MESSAGE_BYTES = 15 * 1024 * 1024
"""Largest answer that is taken: a broker refuses messages of over 16 MiB by default."""
LONGEST_BACKOFF_MILLISECONDS = 1000
"""Between two attempts to reach a server that is away."""

_SENDABLE = re.compile(r"[ -~]{1,512}")

TRANSIENT = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
}
"""What may pass. ABORTED does not: the version that the request names stays stale."""
FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
"""What the server should not have done: tried again a few times."""


@dataclass(kw_only=True)
class Failure(Exception):
    """A call that failed, or could not be made."""

    code: grpc.StatusCode
    reason: str
    """The `ErrorInfo`'s reason; else the code's name."""
    message: str
    field: str = ""
    """The first field that was wrong."""

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.code in TRANSIENT

    @property
    def final(self) -> bool:
        """Whether doing all of it again, from what is there now, cannot help."""
        return not (self.transient or self.fault or self.code is grpc.StatusCode.ABORTED)

    @property
    def fault(self) -> bool:
        """Whether the server has failed, for whatever reason."""
        return self.code in FAULTS

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{self.reason}: {where}{self.message}"


def invalid(message: str, field: str = "") -> Failure:
    """The request cannot be read."""
    return Failure(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_ARGUMENT", message=message, field=field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The message that a call is made for."""

    message_id: str
    correlation_id: str
    headers: Mapping[str, str]
    """Among them the W3C trace context that it came with."""

    @classmethod
    def of(cls, delivery: Delivery) -> Cause:
        """A delivery as the cause of calls; ids that it does not have are made."""
        id_ = delivery.envelope.id or str(uuid.uuid4())
        correlation_id = delivery.envelope.correlation_id or id_
        return cls(message_id=id_, correlation_id=correlation_id, headers=delivery.headers)

    @property
    def request_id(self) -> str:
        """The message's id as a UUID, which is what the API takes."""
        try:
            return str(uuid.UUID(self.message_id))
        except ValueError:
            return derived_id(self.message_id)

    def trace(self) -> dict[str, str]:
        """The W3C trace context to hand on: of the span at hand, or as it came if nothing records here."""
        return inject() or {name: self.headers[name] for name in TRACE if name in self.headers}

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What the server is told besides the request."""
        told = {CORRELATION_ID: self.correlation_id, REQUEST_ID: self.message_id} | self.trace()
        # Whoever published the message may have put anything there; gRPC breaks a call that sends it.
        return tuple((name, value) for name, value in told.items() if _SENDABLE.fullmatch(value))


class Server:
    """The server, over a channel of its own."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(
            target,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_reconnect_backoff_ms", LONGEST_BACKOFF_MILLISECONDS),
            ],
        )
        self._calls: dict[str, Any] = {
            method.name: self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in METHODS.values()
        }

    async def call(self, method: Method, request: Message, cause: Cause, *, timeout: float) -> Any:
        """The answer, within `timeout` seconds. Raises Failure."""
        try:
            return await self._calls[method.name](request, timeout=timeout, metadata=cause.metadata())
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error

    async def close(self) -> None:
        """Ends the channel, and the calls on it."""
        await self._channel.close()


def _failure(error: grpc.aio.AioRpcError) -> Failure:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        detail.Unpack(info)
        detail.Unpack(bad)
    code = error.code()
    return Failure(
        code=code,
        reason=info.reason or code.name,
        message=error.details() or "",
        field=bad.field_violations[0].field if bad.field_violations else "",
    )
