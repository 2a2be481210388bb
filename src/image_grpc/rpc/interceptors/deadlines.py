"""Stage: deadlines."""

import asyncio
import random

from google.protobuf.message import Message

from image_grpc.deadline import deadline_in
from image_grpc.errors import DeadlineExceeded, StreamExpired
from image_grpc.retry import SOON
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage

AGE_SPREAD = 0.1
"""Streams that began together end up to this fraction of their maximum age apart."""


def enforce_deadline(max_seconds: float, *, stream_max_seconds: float) -> Stage:
    """Return the stage that ends unary calls at their deadline, which is at most `max_seconds` away.

    Response streams have the deadline that the caller set, and gRPC ends them. They end after `stream_max_seconds`
    in any case, so that their number follows the number of callers, and a new server gets its share of them.
    """

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            remaining = call.context.time_remaining()
            if call.streaming:
                await _stream(stream_max_seconds, following, call, request)
                return None
            seconds = max_seconds if remaining is None else min(max_seconds, remaining)
            with deadline_in(seconds):
                return await _within(seconds, following, call, request)

        return stage

    return wrap


async def _stream(max_seconds: float, following: Next, call: Call, request: Request) -> None:
    age = max_seconds * random.uniform(1 - AGE_SPREAD, 1)  # noqa: S311  # not for cryptography
    remaining = call.context.time_remaining()
    with deadline_in(age if remaining is None else min(age, remaining)):
        try:
            async with asyncio.timeout(age) as timeout:
                await following(call, request)
        except TimeoutError as expired:
            if not timeout.expired():
                raise  # raised by the handler itself
            message = f"the stream has reached its maximum age of {max_seconds:g} s; resume it"
            raise StreamExpired(message, retry_delay=SOON) from expired


async def _within(seconds: float, following: Next, call: Call, request: Request) -> Message | None:
    try:
        async with asyncio.timeout(seconds) as timeout:
            return await following(call, request)
    except TimeoutError as expired:
        if not timeout.expired():
            raise  # raised by the handler itself
        raise DeadlineExceeded(f"the call did not complete within {seconds:.1f} s") from expired
