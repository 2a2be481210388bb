"""Repetition of calls that the server asks to repeat.

The channel's own retry policy repeats a call a few times. These functions go on until a time is up, as often as the
server names a delay.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc

from image_grpc_client.failures import failure_of

T = TypeVar("T")


def call_with_retries(call: Callable[[float], T], *, timeout: float) -> T:
    """Return the result of `call`, which receives the remaining seconds.

    It is repeated for up to `timeout` seconds while it fails with a RetryInfo. A write needs a `request_id`, so that
    repeating it is safe. Raises the last error.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return call(deadline - time.monotonic())
        except grpc.RpcError as error:
            time.sleep(_delay(error, deadline))


async def call_with_retries_async(call: Callable[[float], Awaitable[T]], *, timeout: float) -> T:
    """Do what `call_with_retries` does, for asyncio."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return await call(deadline - time.monotonic())
        except grpc.RpcError as error:
            await asyncio.sleep(_delay(error, deadline))


def _delay(error: grpc.RpcError, deadline: float) -> float:
    """Return the seconds before the next attempt. Raises the error if there is none before the deadline."""
    delay = failure_of(error).retry_after
    if delay is None or time.monotonic() + delay >= deadline:
        raise error
    return delay
