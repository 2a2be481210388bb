"""Requests: a hub message becomes a call, and its answer a reply, or an event if nobody awaits a reply."""

from __future__ import annotations

import time
from typing import Any

import grpc
import structlog
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.error_pb2 import Error, ErrorReply
from tabletop.hub.v1.events_pb2 import RpcCompleted, RpcFailed

from image_grpc.bridge.calls import Cause, Failure, Server
from image_grpc.bridge.methods import METHODS, Method
from image_grpc.bridge.payloads import read_request
from image_grpc.correlation import correlated
from image_grpc.hub import Ack, DeadLetter, Delivery, Hub, Outcome, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.port import MAX_FAULTS
from image_grpc.idempotency import derived_id
from image_grpc.telemetry import ATTR_OPERATION, ATTR_OUTCOME, SPAN_BRIDGE, Telemetry

log = structlog.get_logger(__name__)

PUBLISH_SECONDS = 10.0
MAX_ATTEMPTS = 10
"""Attempts of a request that nobody awaits the reply of and that has no time-to-live: about an hour."""


class Requests:
    """Handles what comes on `image.rpc.<Service>.<Method>`."""

    def __init__(self, hub: Hub, server: Server, telemetry: Telemetry, *, longest: float) -> None:
        """`longest` is the deadline in seconds of a call whose request has no time-to-live."""
        self._hub, self._server, self._telemetry, self._longest = hub, server, telemetry, longest

    async def handle(self, delivery: Delivery) -> Settlement:
        """Makes the call, tells its outcome, and only then settles."""
        cause, name = Cause.of(delivery), _method_name(delivery)
        span = self._telemetry.span(
            SPAN_BRIDGE + (name if name in METHODS else "unknown"), parent=delivery.headers, kind=SpanKind.CONSUMER
        )
        with correlated(cause.correlation_id), span:
            outcome, settlement = await self._handle(delivery, cause, name)
        operation = name if name in METHODS else "unknown"
        self._telemetry.bridge_messages.add(1, {ATTR_OPERATION: operation, ATTR_OUTCOME: outcome})
        return settlement

    async def _handle(self, delivery: Delivery, cause: Cause, name: str) -> tuple[str, Settlement]:
        seconds = self._seconds_left(delivery)
        if seconds <= 0:
            log.info("request has expired", method=name, message_id=cause.message_id)
            return "expired", Ack()
        try:
            method = _method(name)
            request = _request(method, delivery, cause)
            answer = await self._server.call(method, request, cause, timeout=seconds)
        except Failure as failure:
            return await self._failed(delivery, cause, name, failure)
        if not await self._tell_answer(delivery, cause, name, answer):
            return "retried", Retry(0, "the outcome could not be told")
        return "completed", Ack()

    async def _failed(self, delivery: Delivery, cause: Cause, name: str, failure: Failure) -> tuple[str, Settlement]:
        log.info("request failed", method=name, message_id=cause.message_id, problem=str(failure))
        delay = topology.retry_step_of(delivery.attempt)
        if not delivery.reply_to and _may_pass(failure, delivery.attempt) and delay < self._seconds_left(delivery):
            return "retried", Retry(delay, str(failure))
        if not await self._tell_failure(delivery, cause, name, failure):
            return "retried", Retry(0, "the outcome could not be told")
        if delivery.reply_to or failure.transient:
            return "failed", Ack()
        return "dead", DeadLetter(str(failure))

    def _seconds_left(self, delivery: Delivery) -> float:
        expires = envelopes.expires_at(delivery.envelope)
        return self._longest if expires is None else min(self._longest, expires - time.time())

    async def _tell_answer(self, delivery: Delivery, cause: Cause, name: str, answer: Message) -> bool:
        if delivery.reply_to:
            return await self._reply(delivery, cause, f"{topology.RPC}{name}.reply", answer)
        completed = RpcCompleted(request_id=cause.message_id, method=name)
        completed.response.update(_as_dict(answer))
        return await self._publish(cause, topology.RPC_COMPLETED, completed)

    async def _tell_failure(self, delivery: Delivery, cause: Cause, name: str, failure: Failure) -> bool:
        error = _error(cause, failure)
        if delivery.reply_to:
            return await self._reply(delivery, cause, topology.ERROR, ErrorReply(error=error))
        failed = RpcFailed(request_id=cause.message_id, method=name, error=error)
        return await self._publish(cause, topology.RPC_FAILED, failed)

    async def _reply(self, delivery: Delivery, cause: Cause, type_: str, payload: Message) -> bool:
        reply = envelopes.reply_envelope(delivery.envelope, type_, payload)
        reply.correlation_id = cause.correlation_id
        await self._hub.reply(delivery, reply, timeout=PUBLISH_SECONDS)
        return True  # whoever asked may be gone, or asks again

    async def _publish(self, cause: Cause, type_: str, payload: Message) -> bool:
        message = OutboundMessage(
            exchange=topology.EVENTS,
            routing_key=topology.event_routing_key(type_),
            headers=cause.trace(),
            envelope=envelopes.json_envelope(
                type_, payload, correlation_id=cause.correlation_id, id_=derived_id(cause.message_id, type_)
            ),
        )
        return await self._hub.publish(message, timeout=PUBLISH_SECONDS) is Outcome.CONFIRMED


def _method_name(delivery: Delivery) -> str:
    """The method that is asked for: by the routing key, or by the type of what was put into the queue itself."""
    key = delivery.routing_key if delivery.routing_key.startswith(topology.RPC) else delivery.envelope.type
    return key.removeprefix(topology.RPC)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise Failure(
            code=grpc.StatusCode.UNIMPLEMENTED,
            reason="UNIMPLEMENTED",
            message=f"there is no unary RPC {name!r}: requests go to {topology.RPC}<Service>.<Method>",
        )
    return METHODS[name]


def _request(method: Method, delivery: Delivery, cause: Cause) -> Message:
    request = read_request(delivery.envelope, method.request)
    if method.takes_request_id and not request.request_id:  # type: ignore[attr-defined]
        request.request_id = cause.request_id  # type: ignore[attr-defined]
    return request


def _may_pass(failure: Failure, attempt: int) -> bool:
    """Whether one more attempt is worth it."""
    return (failure.transient and attempt < MAX_ATTEMPTS) or (failure.fault and attempt < MAX_FAULTS)


def _error(cause: Cause, failure: Failure) -> Error:
    error = Error(code=failure.reason, message=failure.message)
    error.details.request_id = cause.message_id
    error.details.timestamp.GetCurrentTime()
    error.details.field = failure.field
    error.details.retryable = failure.transient
    return error


def _as_dict(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
