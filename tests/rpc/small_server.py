"""A server with one unary and one streaming method behind the interceptor, for tests of the interceptor alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2_grpc
from tabletop.image.v1.access_pb2 import Role, required_role

from image_grpc.access import Authenticator
from image_grpc.hub.memory import MemoryHub
from image_grpc.quotas import CallerQuotas, LimitsFile
from image_grpc.rpc.health import HealthServicer, always
from image_grpc.rpc.interceptors import Stage, StageInterceptor
from image_grpc.rpc.server import OPTIONS, Guards, stages_of
from image_grpc.settings import ServerSettings, load
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry import Telemetry

SERVICE = "tabletop.tests.v1.SmallService"
UNARY = f"{SERVICE}/Unary"
"""The unary method, as the access log names it."""
WITHOUT_ROLE = f"{SERVICE}/WithoutRole"
"""A unary method whose contract forgets the role."""
SECONDS = 60.0
"""Deadline of calls that should return at once."""

Unary = Callable[[Any, Any], Awaitable[Message]]
Stream = Callable[[Any, Any], AsyncIterator[Message]]


def no_guards() -> Guards:
    """Return the guards of a server whose callers have no limits and are not audited."""
    client = ImageStorageClient(MemoryHub(), Telemetry(), timeout=1)
    return Guards(quotas=CallerQuotas(LimitsFile(None), client), failed_calls=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallServer:
    """The two methods of a server, and the channel to it."""

    address: str
    channel: grpc.aio.Channel
    unary: Any
    stream: Any

    async def call(self, request: Message | None = None, **options: Any) -> Any:
        """Call the unary method with gRPC call options."""
        return await self.unary(request or StringValue(), **({"timeout": SECONDS} | options))

    async def messages(self, **options: Any) -> list[Any]:
        """Call the streaming method and return all messages that it sends."""
        return [message async for message in self.stream(StringValue(), **({"timeout": SECONDS} | options))]


@asynccontextmanager
async def small_server(
    unary: Unary | None = None,
    *,
    stream: Stream | None = None,
    takes: type[Message] = StringValue,
    stages: Sequence[Stage] | None = None,
    **settings: object,
) -> AsyncIterator[SmallServer]:
    """Serve these handlers and health. `takes` is the type of the unary method's requests.

    By default the stages are those of the real server with these settings.
    """
    if stages is None:
        loaded = load(ServerSettings, **settings)
        stages = stages_of(loaded, Telemetry(), Authenticator(loaded), no_guards())
    server = grpc.aio.server(interceptors=[StageInterceptor(stages)], options=OPTIONS)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary or say_hello, takes.FromString, to_bytes),
        "Stream": grpc.unary_stream_rpc_method_handler(stream or stream_hello, StringValue.FromString, to_bytes),
        "WithoutRole": grpc.unary_unary_rpc_method_handler(unary or say_hello, takes.FromString, to_bytes),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer({"": always, SERVICE: always}), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield SmallServer(
                address=f"127.0.0.1:{port}",
                channel=channel,
                unary=channel.unary_unary(f"/{SERVICE}/Unary", to_bytes, StringValue.FromString),
                stream=channel.unary_stream(f"/{SERVICE}/Stream", to_bytes, StringValue.FromString),
            )
    finally:
        await server.stop(0)


def _add_contract() -> None:
    """Make the methods known, as the module of a compiled proto would."""
    file = FileDescriptorProto(
        name="tabletop/tests/v1/small_service.proto",
        package="tabletop.tests.v1",
        dependency=["google/protobuf/wrappers.proto", "tabletop/image/v1/access.proto"],
    )
    service = file.service.add(name="SmallService")
    string = ".google.protobuf.StringValue"
    for name, role in (("Unary", Role.ROLE_READER), ("Stream", Role.ROLE_READER), ("WithoutRole", None)):
        method = service.method.add(name=name, input_type=string, output_type=string)
        if role is not None:
            method.options.Extensions[required_role] = role  # type: ignore[index]  # untyped in the stubs
    descriptor_pool.Default().Add(file)


_add_contract()


async def say_hello(request: Any, context: Any) -> Message:
    return StringValue(value="hello")


async def stream_hello(request: Any, context: Any) -> AsyncIterator[Message]:
    yield StringValue(value="hello")


def raising(error: BaseException) -> Unary:
    """Return a handler that raises."""

    async def handler(request: Any, context: Any) -> Message:
        raise error

    return handler


def raising_stream(error: BaseException) -> Stream:
    """Return a streaming handler that raises after its first message."""

    async def handler(request: Any, context: Any) -> AsyncIterator[Message]:
        yield StringValue(value="hello")
        raise error

    return handler


def to_bytes(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
