"""A tiny server of one method per kind, with all that surrounds our calls, to see what that does by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2_grpc

from image_grpc.rpc.health import HealthServicer
from image_grpc.rpc.interceptors import Check, Interceptor, Stage
from image_grpc.rpc.server import OPTIONS, stages_of
from image_grpc.settings import ServerSettings, load
from image_grpc.telemetry import Telemetry

SERVICE = "tabletop.tests.v1.TinyService"
UNARY = f"{SERVICE}/Unary"
"""The unary method, as the access log names it."""
SECONDS = 60.0
"""Deadline of calls that are expected to be answered at once."""

Unary = Callable[[Any, Any], Awaitable[Message]]
Stream = Callable[[Any, Any], AsyncIterator[Message]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiny:
    """A tiny server's two methods, and the channel to it."""

    channel: grpc.aio.Channel
    unary: Any
    stream: Any

    async def call(self, request: Message | None = None, **options: Any) -> Any:
        """Calls the unary method; `options` are those of a gRPC call."""
        return await self.unary(request or StringValue(), **({"timeout": SECONDS} | options))

    async def messages(self, **options: Any) -> list[Any]:
        """Calls the streaming method, and answers all that it sends."""
        return [each async for each in self.stream(StringValue(), **({"timeout": SECONDS} | options))]


@asynccontextmanager
async def tiny(
    unary: Unary | None = None,
    *,
    stream: Stream | None = None,
    takes: type[Message] = StringValue,
    checks: Mapping[type[Message], Check] | None = None,
    stages: Sequence[Stage] | None = None,
    **settings: object,
) -> AsyncIterator[Tiny]:
    """Serves these handlers; the unary one takes a message of type `takes`. Health is served beside them."""
    if stages is None:
        stages = stages_of(load(ServerSettings, **settings), Telemetry(), checks or {})
    server = grpc.aio.server(interceptors=[Interceptor(stages)], options=OPTIONS)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary or hello, takes.FromString, to_bytes),
        "Stream": grpc.unary_stream_rpc_method_handler(stream or hellos, StringValue.FromString, to_bytes),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer([SERVICE]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Tiny(
                channel=channel,
                unary=channel.unary_unary(f"/{SERVICE}/Unary", to_bytes, StringValue.FromString),
                stream=channel.unary_stream(f"/{SERVICE}/Stream", to_bytes, StringValue.FromString),
            )
    finally:
        await server.stop(0)


async def hello(request: Any, context: Any) -> Message:
    """A handler that answers."""
    return StringValue(value="hello")


async def hellos(request: Any, context: Any) -> AsyncIterator[Message]:
    """A streaming handler that answers."""
    yield StringValue(value="hello")


def raising(error: BaseException) -> Unary:
    """A handler that fails."""

    async def handler(request: Any, context: Any) -> Message:
        raise error

    return handler


def raising_stream(error: BaseException) -> Stream:
    """A streaming handler that fails after its first message."""

    async def handler(request: Any, context: Any) -> AsyncIterator[Message]:
        yield StringValue(value="hello")
        raise error

    return handler


def to_bytes(message: Any) -> bytes:
    """A message on the wire."""
    data: bytes = message.SerializeToString()
    return data
