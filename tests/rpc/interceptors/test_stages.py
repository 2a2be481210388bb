"""The order of the stages, and stalled streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from image_grpc.access import Authenticator
from image_grpc.rpc import interceptors
from image_grpc.rpc.interceptors import Call, Next, Stage
from image_grpc.rpc.server import stages_of
from image_grpc.settings import ServerSettings, load
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS
from tests.rpc.small_server import SERVICE, no_guards, small_server
from tests.statuses import failed_call


def test_each_stage_is_outside_of_the_stages_that_depend_on_it() -> None:
    settings = load(ServerSettings)
    stages = stages_of(settings, Telemetry(), Authenticator(settings), no_guards())
    names = [stage.__qualname__.split(".")[0] for stage in stages]
    assert names == [
        "translate_errors",  # outermost: no exception escapes it
        "adopt_ids",  # all log events of the inner stages have the ids
        "observe",  # records rejected calls too
        "limit_concurrency",
        "enforce_deadline",
        "authenticate",  # may wait for the keys of the identity provider
        "limit_caller",  # the limits are those of the caller, also for calls that are not permitted
        "authorize",
        "decode",
        "validate",  # innermost: costs the most
    ]


async def test_stages_surround_a_call_from_the_outside_in() -> None:
    order: list[str] = []

    def recording(name: str) -> Stage:
        def wrap(following: Next) -> Next:
            async def stage(call: Call, request: Any) -> Any:
                order.append(name)
                return await following(call, request)

            return stage

        return wrap

    async with small_server(stages=[recording("outer"), recording("inner")]) as server:
        await server.call()
        await server.messages()
    assert order == ["outer", "inner", "outer", "inner"]


async def test_the_call_describes_the_method() -> None:
    calls: list[Call] = []

    def recording(following: Next) -> Next:
        async def stage(call: Call, request: Any) -> Any:
            calls.append(call)
            return await following(call, request)

        return stage

    async with small_server(stages=[recording, interceptors.decode, interceptors.validate]) as server:
        await server.call(metadata=(("x-test", "value"),))
        await server.messages()
    assert [(call.method, call.streaming) for call in calls] == [
        (f"{SERVICE}/Unary", False),
        (f"{SERVICE}/Stream", True),
    ]
    assert calls[0].metadata["x-test"] == "value"


async def test_an_unknown_method_is_unimplemented() -> None:
    async with small_server() as server:
        call = server.channel.unary_unary(f"/{SERVICE}/Unknown")
        assert (await failed_call(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED


async def test_a_stream_ends_when_its_caller_stops_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.rpc.interceptors.interceptor.STALL_SECONDS", 0.2)
    ended = asyncio.Event()

    async def endless(request: Any, context: Any) -> AsyncIterator[StringValue]:
        try:
            while True:
                yield StringValue(value="x" * 1_000_000)
        finally:
            ended.set()

    async with small_server(stream=endless) as server:
        stalled = server.stream(StringValue())
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            await ended.wait()
        stalled.cancel()
