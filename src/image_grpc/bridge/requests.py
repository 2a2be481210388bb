"""Requests: turns a hub message into a call, and its result into a reply, or an event if no reply is expected."""

import time

import grpc
import structlog
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.trace import SpanKind
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.events_pb2 import RpcCompleted, RpcFailed

from image_grpc.bridge.cause import Cause
from image_grpc.bridge.client import ImageServiceClient
from image_grpc.bridge.errors import UNIMPLEMENTED, CallError
from image_grpc.bridge.methods import METHODS, Method
from image_grpc.bridge.payloads import decode_request
from image_grpc.correlation import correlated
from image_grpc.hub import Ack, DeadLetter, Delivery, Hub, Outcome, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.idempotency import derived_id
from image_grpc.retry import LADDER, MAX_HANDLER_FAULTS, MAX_TRANSIENT_ATTEMPTS
from image_grpc.telemetry import ATTR_OPERATION, ATTR_OUTCOME, SPAN_BRIDGE, Telemetry

log = structlog.get_logger(__name__)

PUBLISH_SECONDS = 10.0
UNKNOWN_METHOD = "unknown"


class Requests:
    """Handles messages with the routing key `image.rpc.<Service>.<Method>`."""

    def __init__(self, hub: Hub, client: ImageServiceClient, telemetry: Telemetry, *, max_call_seconds: float) -> None:
        """`max_call_seconds` is the deadline of calls whose request has no time-to-live."""
        self._hub, self._client, self._telemetry = hub, client, telemetry
        self._max_call_seconds = max_call_seconds

    async def handle(self, delivery: Delivery) -> Settlement:
        """Make the call, publish its result, and only then settle the message."""
        cause, name = Cause.of(delivery), _method_name(delivery)
        operation = name if name in METHODS else UNKNOWN_METHOD
        span = self._telemetry.span(SPAN_BRIDGE + operation, parent=delivery.headers, kind=SpanKind.CONSUMER)
        with correlated(cause.correlation_id), span:
            outcome, settlement = await self._handle(delivery, cause, name)
        self._telemetry.bridge_messages.add(1, {ATTR_OPERATION: operation, ATTR_OUTCOME: outcome})
        return settlement

    async def _handle(self, delivery: Delivery, cause: Cause, name: str) -> tuple[str, Settlement]:
        timeout = self._remaining_seconds(delivery)
        if timeout <= 0:
            log.info("request expired", method=name, message_id=cause.message_id)
            return "expired", Ack()
        try:
            method = _method(name)
            request = _request(method, delivery, cause)
            response = await self._client.call_method(method, request, cause, timeout=timeout)
        except CallError as error:
            return await self._failed(delivery, cause, name, error)
        if not await self._publish_response(delivery, cause, name, response):
            return "retried", Retry(0, "result not published")
        return "completed", Ack()

    async def _failed(self, delivery: Delivery, cause: Cause, name: str, error: CallError) -> tuple[str, Settlement]:
        log.info("request failed", method=name, message_id=cause.message_id, error=str(error))
        if not delivery.reply_to:
            delay = delay_before_next_attempt(error, delivery.attempt)
            if delay is not None and delay < self._remaining_seconds(delivery):
                return "retried", Retry(delay, str(error))
        if not await self._publish_error(delivery, cause, name, error):
            return "retried", Retry(0, "result not published")
        if delivery.reply_to or error.transient:
            return "failed", Ack()
        return "dead", DeadLetter(str(error))

    def _remaining_seconds(self, delivery: Delivery) -> float:
        expires_at = envelopes.expires_at(delivery.envelope)
        if expires_at is None:
            return self._max_call_seconds
        return min(self._max_call_seconds, expires_at - time.time())

    async def _publish_response(self, delivery: Delivery, cause: Cause, name: str, response: Message) -> bool:
        if delivery.reply_to:
            return await self._reply(delivery, cause, f"{topology.RPC}{name}.reply", response)
        completed = RpcCompleted(request_id=cause.message_id, method=name)
        completed.response.update(
            json_format.MessageToDict(
                response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
        )
        return await self._publish(cause, topology.RPC_COMPLETED, completed)

    async def _publish_error(self, delivery: Delivery, cause: Cause, name: str, error: CallError) -> bool:
        reply = envelopes.error_reply(
            cause.message_id, error.reason, error.message, field=error.field, retryable=error.transient
        )
        if delivery.reply_to:
            return await self._reply(delivery, cause, topology.ERROR, reply)
        failed = RpcFailed(request_id=cause.message_id, method=name, error=reply.error)
        return await self._publish(cause, topology.RPC_FAILED, failed)

    async def _reply(self, delivery: Delivery, cause: Cause, type_: str, payload: Message) -> bool:
        reply = envelopes.reply_envelope(delivery.envelope, type_, payload)
        reply.correlation_id = cause.correlation_id
        await self._hub.reply(delivery, reply, timeout=PUBLISH_SECONDS)
        return True  # the sender may be gone; otherwise it repeats the request

    async def _publish(self, cause: Cause, type_: str, payload: Message) -> bool:
        message = OutboundMessage(
            exchange=topology.EVENTS,
            routing_key=topology.event_routing_key(type_),
            headers=cause.trace(),
            envelope=envelopes.json_envelope(
                type_, payload, correlation_id=cause.correlation_id, message_id=derived_id(cause.message_id, type_)
            ),
        )
        return await self._hub.publish(message, timeout=PUBLISH_SECONDS) is Outcome.CONFIRMED


def delay_before_next_attempt(error: CallError, attempt: int) -> float | None:
    """Return the delay before a request without a reply address is tried again; None: it has failed."""
    limit = MAX_TRANSIENT_ATTEMPTS if error.transient else MAX_HANDLER_FAULTS
    repeatable = error.transient or error.fault
    return LADDER.after_attempt(attempt) if repeatable and attempt < limit else None


def _method_name(delivery: Delivery) -> str:
    """Return the requested method: from the routing key, or from the type if it was sent to the queue directly."""
    key = delivery.routing_key if delivery.routing_key.startswith(topology.RPC) else delivery.envelope.type
    return key.removeprefix(topology.RPC)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise CallError(
            code=grpc.StatusCode.UNIMPLEMENTED,
            reason=UNIMPLEMENTED,
            message=f"there is no unary RPC {name!r}; requests have the routing key {topology.RPC}<Service>.<Method>",
        )
    return METHODS[name]


def _request(method: Method, delivery: Delivery, cause: Cause) -> Message:
    request = decode_request(delivery.envelope, method.request)
    if method.takes_request_id and not getattr(request, "request_id"):  # noqa: B009  # not of every message
        setattr(request, "request_id", cause.request_id)  # noqa: B010
    return request
