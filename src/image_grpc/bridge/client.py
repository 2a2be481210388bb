"""A client of the image service, whose calls carry the ids and the trace of the hub message that causes them."""

import importlib
import pkgutil
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self, TypeVar

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from tabletop.image import v1
from tabletop.image.v1.access_pb2 import Role
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_service_pb2_grpc import MapServiceStub
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.access import required_role
from image_grpc.bridge.errors import call_error, invalid_argument
from image_grpc.endpoint import Endpoint
from image_grpc.hub import Delivery
from image_grpc.idempotency import derived_id
from image_grpc.telemetry import inject

_VALID_METADATA = re.compile(r"[ -~]{1,512}")

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Largest request: gRPC's default, which the server has."""
MAX_MESSAGE_BYTES = 15 * 1024 * 1024
"""Largest response: a broker refuses messages over 16 MiB by default."""

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The message that calls are made for."""

    message_id: str
    correlation_id: str
    headers: Mapping[str, str]
    """The message's headers, including its W3C trace context."""

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return a delivery as the cause of calls, with new ids in place of missing ones."""
        message_id = delivery.envelope.id or str(uuid.uuid4())
        correlation_id = delivery.envelope.correlation_id or message_id
        return cls(message_id=message_id, correlation_id=correlation_id, headers=delivery.headers)

    @property
    def request_id(self) -> str:
        """The message id as a UUID, the form that the API requires."""
        try:
            return str(uuid.UUID(self.message_id))
        except ValueError:
            return derived_id(self.message_id)

    def trace(self) -> dict[str, str]:
        """Return the W3C trace context of the current span, or that of the message if tracing is off."""
        return inject() or {name: self.headers[name] for name in ("traceparent", "tracestate") if name in self.headers}

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a call."""
        metadata = {"x-correlation-id": self.correlation_id, "x-request-id": self.message_id} | self.trace()
        # The values come from any publisher, and gRPC fails calls with invalid ones.
        return tuple((name, value) for name, value in metadata.items() if _VALID_METADATA.fullmatch(value))


def services() -> Iterator[ServiceDescriptor]:
    """Yield the services of the API in alphabetical order."""
    for module in sorted(pkgutil.iter_modules(v1.__path__), key=lambda each: each.name):
        if module.name.endswith("_service_pb2"):
            file: FileDescriptor = importlib.import_module(f"{v1.__name__}.{module.name}").DESCRIPTOR
            yield from file.services_by_name.values()


@cache
def unary_methods() -> Mapping[str, MethodDescriptor]:
    """Return the unary RPCs by name, such as `ImageService.GetImage`. A new RPC needs no change here.

    Those of administrators are left out: who sends a message is not authenticated.
    """
    return {
        f"{service.name}.{method.name}": method
        for service in services()
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
        and required_role(f"{service.full_name}/{method.name}") < Role.ROLE_ADMIN
    }


class ImageServiceClient:
    """Calls the server over a channel of its own. Each call raises CallError if it fails."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._identity = endpoint.metadata
        self._channel = endpoint.open_async(
            [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_reconnect_backoff_ms", 1000)]
        )
        self.generations = GenerationServiceStub(self._channel)
        self.images = ImageServiceStub(self._channel)
        self.maps = MapServiceStub(self._channel)
        self.overlays = OverlayServiceStub(self._channel)
        self.themes = ThemeServiceStub(self._channel)

    async def call(
        self, rpc: grpc.aio.UnaryUnaryMultiCallable[Req, Res], request: Req, cause: Cause, *, timeout: float
    ) -> Res:
        """Call an RPC of one of the stubs."""
        if (size := request.ByteSize()) > MAX_REQUEST_BYTES:
            raise invalid_argument(f"the request has {size} bytes; the maximum is {MAX_REQUEST_BYTES}")
        try:
            return await rpc(request, timeout=timeout, metadata=(*cause.metadata(), *self._identity))
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from error

    async def call_method(self, method: MethodDescriptor, request: Message, cause: Cause, *, timeout: float) -> Message:
        """Call any unary RPC."""
        rpc: grpc.aio.UnaryUnaryMultiCallable[Message, Message] = self._channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        return await self.call(rpc, request, cause, timeout=timeout)

    async def close(self) -> None:
        """Close the channel, and cancel its calls."""
        await self._channel.close()
