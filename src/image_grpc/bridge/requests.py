"""Requests: turns a hub message into a call, and its result into a reply, or an event if no reply is expected."""

import asyncio
import math
import time
from dataclasses import dataclass

import grpc
import structlog
from google.protobuf import message_factory
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from tabletop.hub.v1.envelope_pb2 import OutboundMessage
from tabletop.hub.v1.events_pb2 import RpcCompleted, RpcFailed
from tabletop.image.v1.generation_service_pb2 import WaitGenerationRequest

from image_grpc.bridge.client import Cause, ImageServiceClient, unary_methods
from image_grpc.bridge.errors import DEADLINE_EXCEEDED, UNIMPLEMENTED, CallError
from image_grpc.bridge.payloads import decode_request
from image_grpc.bridge.round_robin import RoundRobin
from image_grpc.correlation import correlated
from image_grpc.hub import Ack, DeadLetter, Delivery, Hub, Outcome, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.idempotency import derived_id
from image_grpc.retry import LADDER, MAX_HANDLER_FAULTS, MAX_TRANSIENT_ATTEMPTS
from image_grpc.telemetry import ATTR_OPERATION, ATTR_OUTCOME, SPAN_BRIDGE, Telemetry

log = structlog.get_logger(__name__)

PUBLISH_SECONDS = 10.0

Result = tuple[str, Settlement]
"""Outcome for the metrics, and settlement of the message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestLimits:
    """How many requests are handled at once, and for how long."""

    calls: int
    """Requests that do not wait."""
    waits: int
    """Requests that wait for a generation to end. Further ones return its current state."""
    max_call_seconds: float
    """Deadline of calls whose request has no time-to-live."""


class RequestHandler:
    """Handles messages with the routing key `image.rpc.<Service>.<Method>`."""

    def __init__(self, hub: Hub, client: ImageServiceClient, telemetry: Telemetry, limits: RequestLimits) -> None:
        self._hub, self._client, self._telemetry = hub, client, telemetry
        self._limits = limits
        self._calls, self._waiting = RoundRobin(limits.calls), 0

    async def handle(self, delivery: Delivery) -> Settlement:
        """Make the call, publish its result, and only then settle the message."""
        cause, name = Cause.of(delivery), _method_name(delivery)
        operation = name if name in unary_methods() else "unknown"
        span = self._telemetry.consumer_span(SPAN_BRIDGE + operation, delivery.queue, parent=delivery.headers)
        with correlated(cause.correlation_id), span:
            outcome, settlement = await self._handle(delivery, cause, name)
        self._telemetry.bridge_messages.add(1, {ATTR_OPERATION: operation, ATTR_OUTCOME: outcome})
        return settlement

    async def _handle(self, delivery: Delivery, cause: Cause, name: str) -> Result:
        timeout = self._remaining_seconds(delivery)
        if timeout <= 0:
            log.info("request expired", method=name, message_id=cause.message_id)
            if delivery.reply_to:
                await self._failed(delivery, cause, name, _expired())
            return "expired", Ack()
        try:
            response = await self._call(delivery, cause, name, timeout)
        except CallError as error:
            log.info("request failed", method=name, message_id=cause.message_id, error=str(error))
            return await self._failed(delivery, cause, name, error)
        if delivery.reply_to:
            await self._reply(delivery, cause, f"{topology.RPC}{name}.reply", response)
            return "completed", Ack()
        completed = RpcCompleted(request_id=cause.message_id, method=name)
        completed.response.update(envelopes.json_fields(response))
        return await self._publish(cause, topology.RPC_COMPLETED, completed, ("completed", Ack()))

    async def _call(self, delivery: Delivery, cause: Cause, name: str, timeout: float) -> Message:
        method = unary_methods().get(name)
        if method is None:
            problem = f"there is no unary RPC {name!r}; requests have the routing key {topology.RPC}<Service>.<Method>"
            raise CallError(code=grpc.StatusCode.UNIMPLEMENTED, reason=UNIMPLEMENTED, message=problem)
        request = decode_request(delivery.envelope, message_factory.GetMessageClass(method.input_type))
        # With a request id, the call is safe to repeat.
        if "request_id" in method.input_type.fields_by_name and not getattr(request, "request_id"):  # noqa: B009
            setattr(request, "request_id", cause.request_id)  # noqa: B010
        source = delivery.envelope.source_service
        if waits(request) and self._waiting >= self._limits.waits:
            log.warning("too many requests wait", method=name, source_service=source)
            do_not_wait(request)
        if waits(request):
            self._waiting += 1
            try:
                return await self._client.call_method(method, request, cause, timeout=timeout)
            finally:
                self._waiting -= 1
        try:
            async with asyncio.timeout(timeout):
                await self._calls.acquire(source)
        except TimeoutError as expired:
            raise _expired() from expired
        try:
            if (left := self._remaining_seconds(delivery)) <= 0:
                raise _expired()
            return await self._client.call_method(method, request, cause, timeout=left)
        finally:
            self._calls.release()

    async def _failed(self, delivery: Delivery, cause: Cause, name: str, error: CallError) -> Result:
        reply = envelopes.error_reply(
            cause.message_id, error.reason, error.message, field=error.field, retryable=error.transient
        )
        if delivery.reply_to:
            await self._reply(delivery, cause, topology.ERROR, reply)
            return "failed", Ack()
        delay = delay_before_next_attempt(error, delivery.attempt)
        if delay is not None and delay < self._remaining_seconds(delivery):
            return "retried", Retry(delay, str(error))
        failed = RpcFailed(request_id=cause.message_id, method=name, error=reply.error)
        result: Result = ("failed", Ack()) if error.transient else ("dead", DeadLetter(str(error)))
        return await self._publish(cause, topology.RPC_FAILED, failed, result)

    def _remaining_seconds(self, delivery: Delivery) -> float:
        left = math.inf if delivery.expires_at is None else delivery.expires_at - time.time()
        return min(self._limits.max_call_seconds, left)

    async def _reply(self, delivery: Delivery, cause: Cause, type_: str, payload: Message) -> None:
        """Send a reply. A lost one is not sent again: the sender repeats its request."""
        reply = envelopes.reply_envelope(delivery.envelope, type_, payload)
        reply.correlation_id = cause.correlation_id
        await self._hub.reply(delivery, reply, timeout=PUBLISH_SECONDS)

    async def _publish(self, cause: Cause, type_: str, payload: Message, result: Result) -> Result:
        """Publish an event, and return `result` if it is stored."""
        id_ = derived_id(cause.message_id, type_)
        message = OutboundMessage(
            exchange=topology.EVENTS,
            routing_key=topology.event_routing_key(type_),
            headers=cause.trace(),
            envelope=envelopes.json_envelope(type_, payload, correlation_id=cause.correlation_id, message_id=id_),
        )
        outcome = await self._hub.publish(message, timeout=PUBLISH_SECONDS)
        return result if outcome is Outcome.CONFIRMED else ("retried", Retry(0, "result not published"))


def delay_before_next_attempt(error: CallError, attempt: int) -> float | None:
    """Return the delay before a request without a reply address is tried again; None: it has failed."""
    limit = MAX_TRANSIENT_ATTEMPTS if error.transient else MAX_HANDLER_FAULTS
    repeatable = error.transient or error.fault
    return LADDER.after_attempt(attempt) if repeatable and attempt < limit else None


def _expired() -> CallError:
    return CallError(
        code=grpc.StatusCode.DEADLINE_EXCEEDED,
        reason=DEADLINE_EXCEEDED,
        message="the request expired before it was processed",
    )


def waits(request: Message) -> bool:
    """Whether a request waits for a generation to end."""
    if isinstance(request, WaitGenerationRequest):
        return not request.HasField("timeout") or request.timeout.ToNanoseconds() > 0
    wait_for: Duration | None = getattr(request, "wait_for", None)
    return wait_for is not None and wait_for.ToNanoseconds() > 0


def do_not_wait(request: Message) -> None:
    """Let a request return the current state of its generation."""
    if isinstance(request, WaitGenerationRequest):
        request.timeout.Clear()
        request.timeout.SetInParent()
    else:
        request.ClearField("wait_for")


def _method_name(delivery: Delivery) -> str:
    """Return the requested method: from the routing key, or from the type if it was sent to the queue directly."""
    key = delivery.routing_key if delivery.routing_key.startswith(topology.RPC) else delivery.envelope.type
    return key.removeprefix(topology.RPC)
