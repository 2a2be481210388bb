"""Ids, deadline, number of calls, access log, order of the stages, validation."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from image_grpc.config import load
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.image_service_pb2 import BatchGetImagesRequest

from image_grpc import deadline
from image_grpc.correlation import new_correlation_id
from image_grpc.errors import Violation
from image_grpc.rpc import interceptors
from image_grpc.rpc.interceptors import Next
from image_grpc.rpc.server import stages_of
from image_grpc.telemetry import Telemetry
from tests.rpc.tiny import UNARY, hello, raising, tiny
from tests.service import refusal

ENDLESS = 3600.0


async def sleeps_for_ever(request: Any, context: Any) -> Message:
    await asyncio.sleep(ENDLESS)
    raise AssertionError("unreachable")


# Ids


async def test_the_callers_ids_come_back_and_go_with_the_work() -> None:
    seen = []

    async def handler(request: Any, context: Any) -> StringValue:
        seen.append(new_correlation_id())
        return StringValue()

    async with tiny(handler) as server:
        call = server.unary(StringValue(), metadata=(("x-request-id", "r-1"), ("x-correlation-id", "c-1")))
        trailers = dict(await call.trailing_metadata())
    assert (trailers["x-request-id"], trailers["x-correlation-id"]) == ("r-1", "c-1")
    assert seen == ["c-1"]


async def test_a_caller_without_ids_gets_new_ones() -> None:
    async with tiny() as server:
        first = dict(await server.unary(StringValue()).trailing_metadata())
        second = dict(await server.unary(StringValue()).trailing_metadata())
    assert uuid.UUID(first["x-request-id"]) != uuid.UUID(second["x-request-id"])
    for trailers in (first, second):
        assert trailers["x-correlation-id"] == trailers["x-request-id"]


async def test_a_caller_without_a_correlation_id_has_its_request_id_for_one() -> None:
    async with tiny() as server:
        call = server.unary(StringValue(), metadata=(("x-request-id", "r-1"),))
        assert dict(await call.trailing_metadata())["x-correlation-id"] == "r-1"


@pytest.mark.parametrize("id_", ["", "x" * 129, "two words", '{"event": "forged"}', "<script>", "/"])
async def test_hostile_ids_are_replaced(id_: str) -> None:
    async with tiny() as server:
        call = server.unary(StringValue(), metadata=(("x-request-id", id_), ("x-correlation-id", id_)))
        trailers = dict(await call.trailing_metadata())
    assert uuid.UUID(trailers["x-request-id"])
    assert uuid.UUID(trailers["x-correlation-id"])


async def test_ids_come_back_with_a_refusal_and_a_stream_too() -> None:
    metadata = (("x-request-id", "r-1"), ("x-correlation-id", "c-1"))
    async with tiny(raising(RuntimeError())) as server:
        told = await refusal(server.call(metadata=metadata))
        stream = server.stream(StringValue(), metadata=metadata)
        assert [message.value async for message in stream] == ["hello"]
        trailers = dict(await stream.trailing_metadata())
    for given in (told.trailers, trailers):
        assert (given["x-request-id"], given["x-correlation-id"]) == ("r-1", "c-1")


# Deadline


async def test_a_handler_that_sleeps_for_ever_ends_at_the_callers_deadline() -> None:
    async with tiny(sleeps_for_ever) as server:
        told = await refusal(server.call(timeout=0.2))
    assert told.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_without_a_deadline_the_servers_longest_applies() -> None:
    async with tiny(sleeps_for_ever, rpc_max_seconds=0.1) as server:
        told = await refusal(server.call(timeout=None))
    assert (told.code, told.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_no_caller_gets_more_than_the_servers_longest() -> None:
    async with tiny(sleeps_for_ever, rpc_max_seconds=0.1) as server:
        told = await refusal(server.call(timeout=60))
    assert told.reason == "DEADLINE_EXCEEDED"


async def test_what_remains_of_the_deadline_goes_on_to_what_the_handler_calls() -> None:
    left: list[float] = []

    async def unary(request: Any, context: Any) -> StringValue:
        left.append(deadline.remaining(ENDLESS))
        return StringValue()

    async def stream(request: Any, context: Any) -> AsyncIterator[StringValue]:
        left.append(deadline.remaining(ENDLESS))
        yield StringValue()

    async with tiny(unary, stream=stream, rpc_max_seconds=100) as server:
        await server.call(timeout=30)
        await server.messages(timeout=30)
        await server.call(timeout=None)
        await server.messages(timeout=None)
    assert 0 < left[0] < 60
    assert 0 < left[1] < 60
    assert 60 < left[2] <= 100
    assert left[3] == ENDLESS, "a stream without a deadline, such as a watch, has none"


# Number of calls


async def test_calls_over_the_limit_are_refused_while_health_still_answers() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, context: Any) -> StringValue:
        begun.set()
        await go.wait()
        return StringValue(value="done")

    async with tiny(waits, rpc_max_concurrent=1) as server:
        first = server.unary(StringValue())
        await begun.wait()
        for call in (server.call(), server.messages()):
            told = await refusal(call)
            assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
            assert told.retry_seconds == 1.0
            assert told.quota_subjects == ["server"]
        health = health_pb2_grpc.HealthStub(server.channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        go.set()
        assert (await first).value == "done"
        assert (await server.call()).value == "done", "a place that was left is free again"


async def test_failed_and_cancelled_calls_leave_their_places() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handler(request: Any, context: Any) -> StringValue:
        match request.value:
            case "fail":
                raise RuntimeError
            case "hang":
                begun.set()
                try:
                    await asyncio.sleep(ENDLESS)
                finally:
                    ended.set()
        return StringValue(value="hello")

    async with tiny(handler, rpc_max_concurrent=1) as server:
        await refusal(server.call(StringValue(value="fail")))
        hanging = server.unary(StringValue(value="hang"))
        await begun.wait()
        hanging.cancel()
        await ended.wait()
        assert (await server.call()).value == "hello"


# Access log


async def test_each_call_is_a_json_line_of_the_access_log(log_lines: Any) -> None:
    async with tiny() as server:
        metadata = (("x-request-id", "r-1"), ("x-correlation-id", "c-1"))
        await server.call(metadata=metadata)
    [line] = log_lines()
    assert line["event"] == "call"
    assert (line["method"], line["code"]) == (UNARY, "OK")
    assert (line["request_id"], line["correlation_id"]) == ("r-1", "c-1")
    assert line["seconds"] > 0
    assert line["level"] == "info"
    assert line["timestamp"]
    assert line["peer"].startswith("ipv4:127.0.0.1:")


async def test_the_access_log_has_the_code_of_a_refusal(log_lines: Any) -> None:
    async with tiny(hello, takes=GenerateTacticalMapRequest) as server:
        await refusal(server.call(GenerateTacticalMapRequest()))
    [line] = log_lines()
    assert (line["code"], line["reason"]) == ("INVALID_ARGUMENT", "INVALID_THEME")


async def test_health_checks_do_not_fill_the_access_log(log_lines: Any) -> None:
    async with tiny() as server:
        await health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest())
    assert log_lines() == []


# Order


def test_the_stages_are_in_the_order_that_each_of_them_relies_on() -> None:
    names = [stage.__qualname__.split(".")[0] for stage in stages_of(load(), Telemetry(), {})]
    assert names == [
        "answer_errors",  # outermost: nothing gets past it
        "take_over_ids",  # so that all that is logged further in carries them
        "observe",  # sees refused calls too
        "limit",
        "keep_deadline",  # before the checks, which may ask the Storage Service
        "validate",
    ]


async def test_stages_surround_a_call_from_the_outside_in() -> None:
    order: list[str] = []

    def noting(name: str) -> interceptors.Stage:
        def make(following: Next) -> Next:
            async def stage(call: interceptors.Call, request: Any) -> Any:
                order.append(name)
                return await following(call, request)

            return stage

        return make

    async with tiny(stages=[noting("outer"), noting("inner")]) as server:
        await server.call()
        await server.messages()
    assert order == ["outer", "inner", "outer", "inner"]


# Validation


async def test_all_violated_fields_are_named_at_once() -> None:
    async def no_such_theme(request: GenerateTacticalMapRequest) -> list[Violation]:
        return [Violation("theme", "there is no such theme")]

    request = GenerateTacticalMapRequest(theme="unknown", details="x" * 2001, request_id="7", features=["ok", ""])
    request.size.width, request.size.height = 0, 100_000
    request.source.id = "nobody"
    async with tiny(
        hello, takes=GenerateTacticalMapRequest, checks={GenerateTacticalMapRequest: no_such_theme}
    ) as server:
        told = await refusal(server.call(request))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert sorted(told.fields) == [
        "details",
        "features[1]",
        "request_id",
        "size.height",
        "size.width",
        "source.id",
        "theme",
    ]
    for field in told.fields:
        assert field in told.message


async def test_a_field_that_breaks_its_rule_is_not_named_twice() -> None:
    async def no_such_theme(request: GenerateTacticalMapRequest) -> list[Violation]:
        return [Violation("theme", "there is no such theme")]

    async with tiny(
        hello, takes=GenerateTacticalMapRequest, checks={GenerateTacticalMapRequest: no_such_theme}
    ) as server:
        told = await refusal(server.call(GenerateTacticalMapRequest(theme="NOT A NAME")))
    assert told.fields == ["theme"]
    assert told.reason == "INVALID_THEME"


async def test_items_of_a_list_and_keys_of_a_map_are_named() -> None:
    request = GenerateTacticalMapRequest(theme="fantasy")
    request.terrain.properties["floor"] = "x" * 201
    async with tiny(hello, takes=GenerateTacticalMapRequest) as server:
        assert (await refusal(server.call(request))).fields == ['terrain.properties["floor"]']
    request = BatchGetImagesRequest(image_ids=[str(uuid.uuid4()), "7"])
    async with tiny(hello, takes=BatchGetImagesRequest) as server:
        assert (await refusal(server.call(request))).fields == ["image_ids[1]"]


async def test_a_valid_request_is_answered() -> None:
    async with tiny(hello, takes=GenerateTacticalMapRequest) as server:
        assert (await server.call(GenerateTacticalMapRequest(theme="fantasy"))).value == "hello"
