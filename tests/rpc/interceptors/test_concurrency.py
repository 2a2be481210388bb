"""The limit of concurrent calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.rpc.admission import CallLimits, waiting
from image_grpc.rpc.interceptors import decode, limit_concurrency, translate_errors
from tests.rpc.small_server import small_server, to_bytes
from tests.statuses import failed_call

ENDLESS = 3600.0


async def test_calls_beyond_the_limit_are_rejected_except_health_checks() -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, context: Any) -> StringValue:
        started.set()
        await may_end.wait()
        return StringValue(value="done")

    async with small_server(wait, rpc_max_concurrent=1) as server:
        first = server.unary(StringValue())
        await started.wait()
        status = await failed_call(server.call())
        assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert status.message == "too many concurrent calls (limit 1 for all peers)"
        assert status.retry_seconds == 1.0
        assert status.quota_subjects == ["server"]
        assert [each.value for each in await server.messages()] == ["hello"], "streams have a limit of their own"
        health = health_pb2_grpc.HealthStub(server.channel)
        response = await health.Check(health_pb2.HealthCheckRequest())
        assert response.status == health_pb2.HealthCheckResponse.SERVING
        may_end.set()
        assert (await first).value == "done"
        assert (await server.call()).value == "done", "the slot is free again"


async def test_calls_within_the_limit_run_concurrently() -> None:
    running, all_started = 0, asyncio.Event()

    async def handler(request: Any, context: Any) -> StringValue:
        nonlocal running
        running += 1
        if running == 3:
            all_started.set()
        await all_started.wait()
        return StringValue()

    async with small_server(
        handler, stages=[translate_errors, limit_concurrency(CallLimits(unary=4, streams=1, waits=1)), decode]
    ) as server:
        await asyncio.gather(*(server.call() for _ in range(3)))


async def test_failed_and_cancelled_calls_free_their_slots() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def handler(request: Any, context: Any) -> StringValue:
        match request.value:
            case "fail":
                raise RuntimeError
            case "hang":
                started.set()
                try:
                    await asyncio.sleep(ENDLESS)
                finally:
                    ended.set()
        return StringValue(value="hello")

    async with small_server(handler, rpc_max_concurrent=1) as server:
        await failed_call(server.call(StringValue(value="fail")))
        hanging = server.unary(StringValue(value="hang"))
        await started.wait()
        hanging.cancel()
        await ended.wait()
        assert (await server.call()).value == "hello"


async def test_streams_of_one_peer_leave_room_for_others() -> None:
    may_end = asyncio.Event()

    async def hold(request: Any, context: Any) -> AsyncIterator[StringValue]:
        yield StringValue(value="started")
        await may_end.wait()

    async with (
        small_server(stream=hold, streams_max_concurrent=30) as server,
        # Channels of a process share a connection by default.
        grpc.aio.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as other,
    ):
        greedy = [server.stream(StringValue()) for _ in range(30)]
        first = await asyncio.gather(*(call.read() for call in greedy), return_exceptions=True)
        refused = [each for each in first if isinstance(each, grpc.aio.AioRpcError)]
        assert {each.code() for each in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert len(refused) == 10
        modest = other.unary_stream("/tabletop.tests.v1.SmallService/Stream", to_bytes, StringValue.FromString)
        assert (await modest(StringValue()).read()).value == "started"
        may_end.set()


async def test_a_call_that_waits_does_not_count_among_those_at_work() -> None:
    waits, may_end = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, context: Any) -> StringValue:
        if not request.value:
            return StringValue(value="at once")
        with waiting() as admitted:
            waits.set()
            await may_end.wait()
        return StringValue(value=str(admitted))

    async with small_server(wait, rpc_max_concurrent=1, waits_max_concurrent=1) as server:
        first = server.unary(StringValue(value="wait"))
        await waits.wait()
        assert (await server.call()).value == "at once"
        second = server.unary(StringValue(value="wait"))
        may_end.set()
        assert (await first).value == "True"
        assert (await second).value in ("True", "False")


async def test_a_stream_ends_at_its_maximum_age() -> None:
    async def endless(request: Any, context: Any) -> AsyncIterator[StringValue]:
        yield StringValue(value="started")
        await asyncio.sleep(ENDLESS)

    async with small_server(stream=endless, stream_max_seconds=0.1) as server:
        call = server.stream(StringValue())
        status = await failed_call(drain(call))
    assert (status.code, status.reason) == (grpc.StatusCode.UNAVAILABLE, "STREAM_EXPIRED")
    assert status.retry_seconds == 1.0


async def drain(call: Any) -> None:
    async for _ in call:
        pass
