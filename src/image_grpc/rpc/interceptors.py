"""What surrounds every call. From the outside in: errors are answered, ids taken over, the call observed, the
number of calls limited, the deadline kept, the request validated.

A handler of any kind becomes one coroutine first (a stream's writes its messages), so each stage is one function.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from opentelemetry.trace import SpanKind, StatusCode

from image_grpc.correlation import correlated
from image_grpc.deadline import deadline_in
from image_grpc.errors import DeadlineExceeded, InvalidArgument, Overloaded, ServiceError, Violation
from image_grpc.rpc import status
from image_grpc.telemetry import (
    ATTR_ERROR_TYPE,
    ATTR_RPC_METHOD,
    ATTR_RPC_STATUS,
    ATTR_RPC_SYSTEM,
    Telemetry,
)
from image_grpc.validation import normalize_uuids, violations

log = structlog.get_logger("access")

REQUEST_ID = "x-request-id"
CORRELATION_ID = "x-correlation-id"
DETAILS = "grpc-status-details-bin"
INTERNAL = "internal error; the request id names it in the logs"
STALL_SECONDS = 30.0
"""A reader that takes nothing for so long loses its stream: what is written for it is held in memory."""
OURS = "/tabletop."
"""Our methods; health and reflection are neither limited nor logged."""

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

Check = Callable[[Any], Awaitable[list[Violation]]]


@dataclass(slots=True)
class Call:
    """One call under way."""

    method: str
    """For example `tabletop.image.v1.ImageService/GetImage`."""
    context: grpc.aio.ServicerContext[Any, Any]
    metadata: Mapping[str, str]
    streaming: bool
    deserialize: Callable[[bytes], Any] | None
    """Reads the request; None if it comes as a stream of messages."""
    request_id: str = ""
    correlation_id: str = ""

    def ids(self) -> tuple[tuple[str, str], ...]:
        """What goes back to the caller with every answer."""
        return ((REQUEST_ID, self.request_id), (CORRELATION_ID, self.correlation_id))


Next = Callable[[Call, Any], Awaitable[Any]]
Stage = Callable[[Next], Next]


def answer_errors(following: Next) -> Next:
    """Outermost: every exception becomes a status. What is not ours is logged and told to nobody."""

    async def stage(call: Call, request: Any) -> Any:
        try:
            return await following(call, request)
        except ServiceError as error:
            details: tuple[str, bytes] = (DETAILS, status.details_of(error, call.request_id))
            trailers: tuple[tuple[str, str | bytes], ...] = (details, *call.ids())
            await call.context.abort(status.code_of(error), status.message_of(error), trailing_metadata=trailers)
        except grpc.aio.AbortError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the caller is gone
            # Something that we awaited was cancelled, not this call: without a status the caller would hang.
            log.exception("call was interrupted", method=call.method, request_id=call.request_id)
            await call.context.abort(grpc.StatusCode.INTERNAL, INTERNAL, trailing_metadata=call.ids())
        except Exception:
            log.exception("call failed", method=call.method, request_id=call.request_id)
            await call.context.abort(grpc.StatusCode.INTERNAL, INTERNAL, trailing_metadata=call.ids())

    return stage


def take_over_ids(following: Next) -> Next:
    """The caller's request id and correlation id, or new ones, go back in the trailers and into all that the
    call causes."""

    async def stage(call: Call, request: Any) -> Any:
        call.request_id = _usable(call.metadata.get(REQUEST_ID))
        call.correlation_id = _usable(call.metadata.get(CORRELATION_ID), otherwise=call.request_id)
        call.context.set_trailing_metadata(call.ids())
        with correlated(call.correlation_id):
            return await following(call, request)

    return stage


def observe(telemetry: Telemetry) -> Stage:
    """Span, duration and access log line of each call."""

    def make(following: Next) -> Next:
        async def stage(call: Call, request: Any) -> Any:
            started = time.perf_counter()
            attributes: dict[str, Any] = {ATTR_RPC_SYSTEM: "grpc", ATTR_RPC_METHOD: call.method}
            code = grpc.StatusCode.OK
            with telemetry.span(
                call.method, parent=call.metadata, kind=SpanKind.SERVER, attributes=attributes
            ) as span:
                try:
                    return await following(call, request)
                except asyncio.CancelledError:
                    code = grpc.StatusCode.CANCELLED
                    raise
                except BaseException as error:
                    code = status.code_of(error)
                    reason = error.reason if isinstance(error, ServiceError) else type(error).__name__
                    attributes[ATTR_ERROR_TYPE] = reason
                    if code is grpc.StatusCode.INTERNAL:
                        span.set_status(StatusCode.ERROR)
                    raise
                finally:
                    seconds = time.perf_counter() - started
                    attributes[ATTR_RPC_STATUS] = code.name
                    span.set_attributes(attributes)
                    telemetry.rpc_duration.record(seconds, attributes)
                    log.info(
                        "call",
                        method=call.method,
                        code=code.name,
                        seconds=round(seconds, 6),
                        request_id=call.request_id,
                        peer=call.context.peer(),
                        reason=attributes.get(ATTR_ERROR_TYPE),
                    )

        return stage

    return make


def limit(most: int) -> Stage:
    """At most so many calls at once; more are refused, to come back a little later."""
    under_way = 0

    def make(following: Next) -> Next:
        async def stage(call: Call, request: Any) -> Any:
            nonlocal under_way
            if under_way >= most:
                raise Overloaded(f"{most} calls are under way, which is as many as it takes", retry_delay=1.0)
            under_way += 1
            try:
                return await following(call, request)
            finally:
                under_way -= 1

        return stage

    return make


def keep_deadline(longest: float) -> Stage:
    """A unary call is over at its deadline, and after `longest` seconds whatever it says."""

    def make(following: Next) -> Next:
        async def stage(call: Call, request: Any) -> Any:
            granted = call.context.time_remaining()
            if call.streaming:
                if granted is None:
                    return await following(call, request)
                with deadline_in(granted):
                    return await following(call, request)
            seconds = longest if granted is None else min(longest, granted)
            with deadline_in(seconds):
                try:
                    async with asyncio.timeout(seconds) as over:
                        return await following(call, request)
                except TimeoutError as expired:
                    if not over.expired():
                        raise  # it is of something inside
                    raise DeadlineExceeded(f"the call was not done within {seconds:.1f} s") from expired

        return stage

    return make


def validate(checks: Mapping[type[Message], Check]) -> Stage:
    """Refuses a request that breaks its contract's rules or names what does not exist; says all that is wrong."""

    def make(following: Next) -> Next:
        async def stage(call: Call, request: Any) -> Any:
            if call.deserialize is not None:
                request = _read(call.deserialize, request)
                normalize_uuids(request)
                found = violations(request)
                check = checks.get(type(request))
                if check is not None:
                    known = {violation.field for violation in found}
                    found += [violation for violation in await check(request) if violation.field not in known]
                if found:
                    raise InvalidArgument.of(found)
            return await following(call, request)

        return stage

    return make


class Interceptor(grpc.aio.ServerInterceptor):
    """Puts the stages around each of our methods, once; later calls find them there."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith(OURS):
            return handler
        wrapped = self._wrapped[method] = self._wrap(method.removeprefix("/"), handler)
        return wrapped

    def _wrap(self, method: str, handler: Any) -> Any:
        streaming = handler.response_streaming
        # Ours to do, inside of all stages: what grpc does itself is told to callers in its own words.
        deserialize = None if handler.request_streaming else handler.request_deserializer
        following = _writing(handler) if streaming else _answering(handler)
        for stage in reversed(self._stages):
            following = stage(following)

        async def behaviour(request: Any, context: Any) -> Any:
            metadata: Any = dict(context.invocation_metadata() or ())
            return await following(Call(method, context, metadata, streaming, deserialize), request)

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
        }[(handler.request_streaming, streaming)]
        return make(
            behaviour,
            request_deserializer=handler.request_deserializer if handler.request_streaming else None,
            response_serializer=handler.response_serializer,
        )


def _answering(handler: Any) -> Next:
    answer = handler.stream_unary if handler.request_streaming else handler.unary_unary

    async def call_handler(call: Call, request: Any) -> Any:
        return await answer(request, call.context)

    return call_handler


def _writing(handler: Any) -> Next:
    async def call_handler(call: Call, request: Any) -> None:
        answers = handler.unary_stream(request, call.context)
        async with aclosing(answers):  # what it holds is let go at once, however this ends
            async for message in answers:
                await _write(call, message)

    return call_handler


async def _write(call: Call, message: Any) -> None:
    try:
        async with asyncio.timeout(STALL_SECONDS) as stalled:
            await call.context.write(message)
    except TimeoutError as problem:
        if not stalled.expired():
            raise
        raise DeadlineExceeded(f"nothing was read for {STALL_SECONDS:g} s") from problem


def _read(deserialize: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return deserialize(data)
    except (DecodeError, ValueError) as problem:
        raise InvalidArgument("the request is no message of this method's type") from problem


def _usable(id_: str | bytes | None, otherwise: str = "") -> str:
    """What the caller sent, if it is an id; else the other one, or a new one."""
    return id_ if isinstance(id_, str) and _ID.fullmatch(id_) else otherwise or str(uuid.uuid4())
