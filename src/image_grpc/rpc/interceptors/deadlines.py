"""Stage: deadlines."""

import asyncio

from google.protobuf.message import Message

from image_grpc.deadline import deadline_in
from image_grpc.errors import DeadlineExceeded
from image_grpc.rpc.interceptors.call import Call, Next, Request, Stage


def enforce_deadline(max_seconds: float) -> Stage:
    """Return the stage that ends unary calls at their deadline, which is at most `max_seconds` away.

    Response streams have the deadline that the caller set, and gRPC ends them.
    """

    def wrap(following: Next) -> Next:
        async def stage(call: Call, request: Request) -> Message | None:
            remaining = call.context.time_remaining()
            if call.streaming:
                if remaining is None:
                    return await following(call, request)
                with deadline_in(remaining):
                    return await following(call, request)
            seconds = max_seconds if remaining is None else min(max_seconds, remaining)
            with deadline_in(seconds):
                return await _within(seconds, following, call, request)

        return stage

    return wrap


async def _within(seconds: float, following: Next, call: Call, request: Request) -> Message | None:
    try:
        async with asyncio.timeout(seconds) as timeout:
            return await following(call, request)
    except TimeoutError as expired:
        if not timeout.expired():
            raise  # raised by the handler itself
        raise DeadlineExceeded(f"the call did not complete within {seconds:.1f} s") from expired
