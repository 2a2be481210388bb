"""Deadlines of calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from image_grpc.deadline import remaining
from image_grpc.rpc.interceptors import decode, enforce_deadline, translate_errors
from tests.rpc.small_server import raising, small_server
from tests.statuses import failed_call

ENDLESS = 3600.0


async def sleep_forever(request: Any, context: Any) -> Message:
    await asyncio.sleep(ENDLESS)
    raise AssertionError("unreachable")


async def test_a_handler_ends_at_the_callers_deadline() -> None:
    ended = asyncio.Event()

    async def handler(request: Any, context: Any) -> Message:
        try:
            return await sleep_forever(request, context)
        finally:
            ended.set()

    async with small_server(handler) as server:
        status = await failed_call(server.call(timeout=0.2))
        assert status.code is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(60):
            await ended.wait()


async def test_without_a_deadline_the_servers_maximum_applies() -> None:
    async with small_server(sleep_forever, rpc_max_seconds=0.1) as server:
        status = await failed_call(server.call(timeout=None))
    assert (status.code, status.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
    assert status.message == "the call did not complete within 0.1 s"


async def test_a_later_deadline_is_limited_to_the_servers_maximum() -> None:
    async with small_server(sleep_forever, rpc_max_seconds=0.1) as server:
        assert (await failed_call(server.call(timeout=60))).reason == "DEADLINE_EXCEEDED"


async def test_a_handlers_own_timeout_is_not_the_deadline() -> None:
    stages = [translate_errors, enforce_deadline(ENDLESS, stream_max_seconds=ENDLESS), decode]
    async with small_server(raising(TimeoutError()), stages=stages) as server:
        assert (await failed_call(server.call())).code is grpc.StatusCode.INTERNAL


async def test_the_remaining_time_is_available_to_handlers() -> None:
    seconds: list[float] = []

    async def unary(request: Any, context: Any) -> StringValue:
        seconds.append(remaining(ENDLESS))
        return StringValue()

    async def stream(request: Any, context: Any) -> AsyncIterator[StringValue]:
        seconds.append(remaining(ENDLESS))
        yield StringValue()

    stages = [enforce_deadline(100, stream_max_seconds=1000), decode]
    async with small_server(unary, stream=stream, stages=stages) as server:
        await server.call(timeout=30)
        await server.messages(timeout=30)
        await server.call(timeout=None)
        await server.messages(timeout=None)
    assert 0 < seconds[0] < 60
    assert 0 < seconds[1] < 60
    assert 60 < seconds[2] <= 100
    assert 100 < seconds[3] <= 1000, "streams have a maximum of their own"
