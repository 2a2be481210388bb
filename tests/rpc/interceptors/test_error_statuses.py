"""The status that a caller gets when a handler fails."""

from __future__ import annotations

import asyncio
import copy
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.map_pb2 import Wall

from image_grpc.errors import ImageNotFound, StorageServiceError
from image_grpc.rpc.interceptors import translate_errors
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS, eventually
from tests.rpc.small_server import SmallServer, raising, raising_stream, say_hello, small_server
from tests.statuses import CallStatus, failed_call

SECRET = "password=swordfish"
INTERNAL = "internal error; the request id identifies it in the server's logs"


async def status_of(server: SmallServer, kind: str) -> CallStatus:
    return await failed_call(server.call() if kind == "unary" else server.messages())


def failing(kind: str, error: BaseException) -> dict[str, Any]:
    return {"unary": raising(error)} if kind == "unary" else {"stream": raising_stream(error)}


both = pytest.mark.parametrize("kind", ["unary", "stream"])


@both
async def test_a_service_error_arrives_with_code_message_and_details(kind: str) -> None:
    error = ImageNotFound("image 7 does not exist", metadata={"image_id": "7"})
    async with small_server(**failing(kind, error)) as server:
        status = await status_of(server, kind)
    assert (status.code, status.message) == (grpc.StatusCode.NOT_FOUND, "image 7 does not exist")
    assert (status.reason, status.domain) == ("IMAGE_NOT_FOUND", "image.tabletop")
    assert status.metadata == {"image_id": "7"}
    assert status.request_id == status.trailers["x-request-id"]


@both
async def test_the_retry_delay_arrives(kind: str) -> None:
    async with small_server(**failing(kind, StorageServiceError("unavailable", retry_delay=2.5))) as server:
        status = await status_of(server, kind)
    assert (status.code, status.retry_seconds) == (grpc.StatusCode.UNAVAILABLE, 2.5)


@both
@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), BaseExceptionGroup("", [OSError()])])
async def test_an_unexpected_exception_is_logged_and_not_revealed(kind: str, error: Exception, log_lines: Any) -> None:
    async with small_server(**failing(kind, error)) as server:
        status = await status_of(server, kind)
    assert (status.code, status.message) == (grpc.StatusCode.INTERNAL, INTERNAL)
    assert (status.reason, status.domain) == ("INTERNAL", "image.tabletop")
    assert status.request_id == status.trailers["x-request-id"]
    assert SECRET not in str(status)
    assert "x-request-id" in status.trailers
    [line] = [line for line in log_lines() if line["event"] == "call failed"]
    assert line["request_id"] == status.trailers["x-request-id"]
    assert type(error).__name__ in line["exception"]


@both
async def test_a_timeout_inside_of_a_handler_is_not_the_callers_deadline(kind: str) -> None:
    async with small_server(**failing(kind, TimeoutError(SECRET))) as server:
        status = await status_of(server, kind)
    assert (status.code, status.message) == (grpc.StatusCode.INTERNAL, INTERNAL)


@both
async def test_a_stray_cancellation_ends_the_call_instead_of_hanging(kind: str, log_lines: Any) -> None:
    async with small_server(**failing(kind, asyncio.CancelledError())) as server:
        status = await status_of(server, kind)
    assert (status.code, status.message) == (grpc.StatusCode.INTERNAL, INTERNAL)
    assert "call interrupted" in [line["event"] for line in log_lines()]


async def test_a_cancelled_task_that_was_awaited_ends_the_call_instead_of_hanging() -> None:
    async def await_cancelled_task(request: Any, context: Any) -> StringValue:
        task = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task
        raise AssertionError("unreachable")

    async with small_server(await_cancelled_task) as server:
        assert (await failed_call(server.call())).code is grpc.StatusCode.INTERNAL


@both
async def test_a_cancelled_call_cancels_its_handler(kind: str, log_lines: Any) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def unary(request: Any, context: Any) -> StringValue:
        await work()
        return StringValue()

    async def stream(request: Any, context: Any) -> AsyncIterator[StringValue]:
        await work()
        yield StringValue()

    async with small_server(unary, stream=stream) as server:
        call = getattr(server, kind)(StringValue())
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            await started.wait()
            call.cancel()
            await cancelled.wait()
    assert "call interrupted" not in [line["event"] for line in log_lines()]


async def test_a_handler_can_abort_the_call() -> None:
    async def abort(request: Any, context: Any) -> StringValue:
        await context.abort(grpc.StatusCode.NOT_FOUND, "not here")
        raise AssertionError("unreachable")

    async with small_server(abort) as server:
        status = await failed_call(server.call())
    assert (status.code, status.message) == (grpc.StatusCode.NOT_FOUND, "not here")


@pytest.mark.parametrize("letter", ["a", "ß", "🐉"])
async def test_the_details_of_hundreds_of_violations_fit_into_the_trailers(letter: str) -> None:
    request = GenerateTacticalMapRequest(theme="Nope", features=["", letter * 300] * 10)
    request.walls.extend([Wall(start={"x": -1}, end={"y": -1})] * 500)
    for index in range(10):
        request.terrain.properties[letter * 400 + str(index)] = letter * 400
    async with small_server(say_hello, takes=GenerateTacticalMapRequest) as server:
        status = await failed_call(server.call(request))
    assert status.code is grpc.StatusCode.INVALID_ARGUMENT
    assert status.reason == "INVALID_ARGUMENT"
    assert status.fields[0] == "theme"
    assert len(status.trailers["grpc-status-details-bin"]) <= 4096


async def test_the_stage_works_without_the_others() -> None:
    async with small_server(raising(ImageNotFound("gone")), stages=[translate_errors]) as server:
        status = await failed_call(server.call())
        assert [message.value for message in await server.messages()] == ["hello"]
    assert (status.code, status.reason, status.request_id) == (grpc.StatusCode.NOT_FOUND, "IMAGE_NOT_FOUND", "")


class Large:
    """Something that a handler holds."""


@pytest.mark.parametrize("error", [ImageNotFound("gone"), RuntimeError("bug")])
async def test_a_failed_call_leaves_nothing_behind(error: Exception) -> None:
    """Not even until the garbage is collected: a refused upload may have 50 MB."""
    held: list[weakref.ref[Large]] = []

    async def handler(request: Any, context: Any) -> StringValue:
        large = Large()
        held.append(weakref.ref(large))
        raise copy.copy(error)

    gc.disable()
    try:
        async with small_server(handler) as server:
            await failed_call(server.call())
            await eventually(lambda: held[0]() is None, "what the handler held is released")
    finally:
        gc.enable()
