"""The gRPC interceptor that puts the stages around our handlers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message

from image_grpc.errors import DeadlineExceeded
from image_grpc.rpc import Context
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage
from image_grpc.rpc.interceptors.decoding import decode
from image_grpc.rpc.interceptors.error_statuses import translate_errors

HEALTH_PREFIX, REFLECTION_PREFIX = "/grpc.health.", "/grpc.reflection."
"""Their methods are neither limited nor logged. Everybody may call the first."""
AUTHORIZATION = "authorization"
STALL_SECONDS = 30.0
"""A stream whose reader takes no message for this time is ended: its messages are held in memory."""

GONE_SECONDS = 5.0
"""Longest time from a failed write until gRPC says that the caller is gone."""

_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]


class StageInterceptor(grpc.aio.ServerInterceptor):
    """Wraps each of our methods once, in stages given from the outside in."""

    def __init__(self, stages: Sequence[Stage], *, reflection_stages: Sequence[Stage] = ()) -> None:
        """`reflection_stages` precede the methods of server reflection."""
        self._stages, self._reflection_stages = stages, reflection_stages
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(self, continuation: _Continuation, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        stages = self._stages
        if method.startswith(HEALTH_PREFIX):
            stages = [translate_errors, decode]
        elif method.startswith(REFLECTION_PREFIX):
            stages = [translate_errors, *self._reflection_stages, decode]
        wrapped = self._wrapped[method] = _wrap(method.removeprefix("/"), handler, stages)
        return wrapped


def _wrap(method: str, handler: Any, stages: Sequence[Stage]) -> "grpc.RpcMethodHandler[Any, Any]":
    streaming, request_streaming = handler.response_streaming, handler.request_streaming
    following = _write_stream(handler) if streaming else _call_unary(handler)
    for stage in reversed(stages):
        following = stage(following)

    async def behavior(request: Request, context: Context) -> Message | None:
        sent: Any = context.invocation_metadata() or ()
        authorizations = [value for name, value in sent if name == AUTHORIZATION]
        call = Call(
            method, context, dict(sent), authorizations, streaming, request_streaming, handler.request_deserializer
        )
        return await following(call, request)

    make_handler: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[(request_streaming, streaming)]
    # Requests are decoded inside the stages: gRPC reports its own failures without our error details.
    wrapped: grpc.RpcMethodHandler[Any, Any] = make_handler(
        behavior, request_deserializer=None, response_serializer=handler.response_serializer
    )
    return wrapped


def _call_unary(handler: Any) -> Next:
    unary = handler.stream_unary if handler.request_streaming else handler.unary_unary

    async def call_handler(call: Call, request: Request) -> Message | None:
        response: Message = await unary(request, call.context)
        return response

    return call_handler


def _write_stream(handler: Any) -> Next:
    stream = handler.stream_stream if handler.request_streaming else handler.unary_stream

    async def call_handler(call: Call, request: Request) -> None:
        # Closed at once however the stream ends, so that the handler releases what it holds.
        async with aclosing(stream(request, call.context)) as responses:
            async for response in responses:
                await _write(call, response)

    return call_handler


async def _write(call: Call, response: Message) -> None:
    try:
        async with asyncio.timeout(STALL_SECONDS) as timeout:
            await call.context.write(response)
    except TimeoutError as expired:
        if not timeout.expired():
            raise
        raise DeadlineExceeded(f"the client read nothing for {STALL_SECONDS:g} s") from expired
    except grpc.aio.InternalError:
        await asyncio.sleep(GONE_SECONDS)  # the caller is gone: gRPC cancels this task as soon as it knows
        raise
