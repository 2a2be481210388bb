"""Request ids and correlation ids."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from image_grpc.correlation import current_correlation_id
from image_grpc.rpc.interceptors import adopt_ids
from tests.rpc.small_server import raising, small_server
from tests.statuses import failed_call

METADATA = (("x-request-id", "r-1"), ("x-correlation-id", "c-1"))


async def test_the_callers_ids_are_returned_and_apply_to_the_work() -> None:
    correlation_ids = []

    async def handler(request: Any, context: Any) -> StringValue:
        correlation_ids.append(current_correlation_id())
        return StringValue()

    async with small_server(handler, stages=[adopt_ids]) as server:
        trailers = dict(await server.unary(StringValue(), metadata=METADATA).trailing_metadata())
        await server.call()
    assert (trailers["x-request-id"], trailers["x-correlation-id"]) == ("r-1", "c-1")
    assert correlation_ids[0] == "c-1"
    assert uuid.UUID(correlation_ids[1])


async def test_a_caller_without_ids_gets_new_ones() -> None:
    async with small_server(stages=[adopt_ids]) as server:
        first = dict(await server.unary(StringValue()).trailing_metadata())
        second = dict(await server.unary(StringValue()).trailing_metadata())
    assert uuid.UUID(first["x-request-id"]) != uuid.UUID(second["x-request-id"])
    for trailers in (first, second):
        assert trailers["x-correlation-id"] == trailers["x-request-id"]


async def test_the_request_id_is_the_default_of_the_correlation_id() -> None:
    async with small_server(stages=[adopt_ids]) as server:
        call = server.unary(StringValue(), metadata=METADATA[:1])
        assert dict(await call.trailing_metadata())["x-correlation-id"] == "r-1"


@pytest.mark.parametrize("id_", ["x" * 128, "a", "A-Z.a:z_0-9"])
async def test_valid_ids_are_adopted(id_: str) -> None:
    async with small_server(stages=[adopt_ids]) as server:
        call = server.unary(StringValue(), metadata=(("x-request-id", id_), ("x-correlation-id", id_)))
        trailers = dict(await call.trailing_metadata())
    assert (trailers["x-request-id"], trailers["x-correlation-id"]) == (id_, id_)


@pytest.mark.parametrize("id_", ["", "x" * 129, "two words", '{"event": "forged"}', "<script>", "/"])
async def test_hostile_ids_are_replaced(id_: str) -> None:
    async with small_server(stages=[adopt_ids]) as server:
        call = server.unary(StringValue(), metadata=(("x-request-id", id_), ("x-correlation-id", id_)))
        trailers = dict(await call.trailing_metadata())
    assert uuid.UUID(trailers["x-request-id"])
    assert uuid.UUID(trailers["x-correlation-id"])


async def test_ids_are_returned_with_errors_and_streams_too() -> None:
    async with small_server(raising(RuntimeError())) as server:
        status = await failed_call(server.call(metadata=METADATA))
        stream = server.stream(StringValue(), metadata=METADATA)
        assert [message.value async for message in stream] == ["hello"]
        trailers = dict(await stream.trailing_metadata())
    for returned in (status.trailers, trailers):
        assert (returned["x-request-id"], returned["x-correlation-id"]) == ("r-1", "c-1")
