"""Stage before validation: deserializes the request."""

import asyncio
from collections.abc import AsyncIterator, Callable

from google.protobuf.message import DecodeError, Message

from image_grpc.errors import DeadlineExceeded, InvalidArgument
from image_grpc.rpc.interceptors.call import Call, Next, Request

STALL_SECONDS = 30.0
"""A stream of requests whose sender sends nothing for this time is ended: what it has sent is held in memory."""


def decode(following: Next) -> Next:
    """Deserialize the request. gRPC itself reports what it cannot decode as INTERNAL or UNKNOWN."""

    async def stage(call: Call, request: Request) -> Message | None:
        if isinstance(request, bytes):
            return await following(call, _decoded(call.deserialize, request))
        if isinstance(request, AsyncIterator):
            return await following(call, _decoded_stream(call, request))
        return await following(call, request)

    return stage


def _decoded(deserialize: Callable[[bytes], Message], data: bytes) -> Message:
    try:
        return deserialize(data)
    except (DecodeError, ValueError) as error:
        raise InvalidArgument("the request is not a message of the method's type") from error


async def _decoded_stream(call: Call, messages: AsyncIterator[bytes | Message]) -> AsyncIterator[Message]:
    while True:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                data = await anext(messages)
        except StopAsyncIteration:
            return
        except TimeoutError as expired:
            raise DeadlineExceeded(f"the client sent nothing for {STALL_SECONDS:g} s") from expired
        yield _decoded(call.deserialize, data) if isinstance(data, bytes) else data
