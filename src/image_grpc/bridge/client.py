"""A client of the image service."""

from typing import TypeVar

import grpc
from google.protobuf.message import Message
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from image_grpc.bridge.cause import Cause
from image_grpc.bridge.errors import call_error
from image_grpc.bridge.methods import METHODS, Method

MAX_MESSAGE_BYTES = 15 * 1024 * 1024
"""Largest response: a broker refuses messages over 16 MiB by default."""
MAX_RECONNECT_BACKOFF_MILLISECONDS = 1000

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)


class ImageServiceClient:
    """Calls the server over a channel of its own. Each call raises CallError if it fails."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(
            target,
            options=[
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_BACKOFF_MILLISECONDS),
            ],
        )
        self.generations = GenerationServiceStub(self._channel)
        self.images = ImageServiceStub(self._channel)
        self.overlays = OverlayServiceStub(self._channel)
        self._rpcs: dict[str, grpc.aio.UnaryUnaryMultiCallable[Message, Message]] = {
            method.name: self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in METHODS.values()
        }

    async def call(
        self, rpc: grpc.aio.UnaryUnaryMultiCallable[Req, Res], request: Req, cause: Cause, *, timeout: float
    ) -> Res:
        """Call an RPC of one of the stubs."""
        try:
            return await rpc(request, timeout=timeout, metadata=cause.metadata())
        except grpc.aio.AioRpcError as error:
            raise call_error(error) from error

    async def call_method(self, method: Method, request: Message, cause: Cause, *, timeout: float) -> Message:
        """Call any unary RPC."""
        return await self.call(self._rpcs[method.name], request, cause, timeout=timeout)

    async def close(self) -> None:
        """Close the channel, and cancel its calls."""
        await self._channel.close()
