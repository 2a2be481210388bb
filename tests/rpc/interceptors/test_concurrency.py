"""The limit of concurrent calls."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.rpc.interceptors import limit_concurrency, translate_errors
from tests.rpc.small_server import small_server
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
        for call in (server.call(), server.messages()):
            status = await failed_call(call)
            assert (status.code, status.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
            assert status.message == "too many concurrent calls (limit 1)"
            assert status.retry_seconds == 1.0
            assert status.quota_subjects == ["server"]
        health = health_pb2_grpc.HealthStub(server.channel)
        response = await health.Check(health_pb2.HealthCheckRequest())
        assert response.status == health_pb2.HealthCheckResponse.SERVING
        may_end.set()
        assert (await first).value == "done"
        assert (await server.call()).value == "done", "the slot is free again"


async def test_calls_up_to_the_limit_run_concurrently() -> None:
    running, all_started = 0, asyncio.Event()

    async def handler(request: Any, context: Any) -> StringValue:
        nonlocal running
        running += 1
        if running == 3:
            all_started.set()
        await all_started.wait()
        return StringValue()

    async with small_server(handler, stages=[translate_errors, limit_concurrency(3)]) as server:
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
