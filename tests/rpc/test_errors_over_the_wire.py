"""What a caller gets to see when a handler fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest

from image_grpc.errors import ImageNotFound, StorageServiceError
from tests.contracts.patience import PATIENCE_SECONDS
from tests.rpc.tiny import SECONDS, SERVICE, Tiny, hello, raising, raising_stream, tiny
from tests.service import Refusal, refusal

SECRET = "password=swordfish"
INTERNAL = "internal error; the request id names it in the logs"


async def refused(call: Tiny, kind: str) -> Refusal:
    return await refusal(call.call() if kind == "unary" else call.messages())


def failing(kind: str, error: BaseException) -> dict[str, Any]:
    return {"unary": raising(error)} if kind == "unary" else {"stream": raising_stream(error)}


both = pytest.mark.parametrize("kind", ["unary", "stream"])


@both
async def test_an_error_of_ours_arrives_with_code_text_and_details(kind: str) -> None:
    error = ImageNotFound("there is no image 7", metadata={"image_id": "7"})
    async with tiny(**failing(kind, error)) as server:
        told = await refused(server, kind)
    assert (told.code, told.message) == (grpc.StatusCode.NOT_FOUND, "there is no image 7")
    assert (told.reason, told.domain, told.metadata) == ("IMAGE_NOT_FOUND", "image.tabletop", {"image_id": "7"})
    assert told.request_id == told.trailers["x-request-id"]


@both
async def test_when_to_try_again_arrives(kind: str) -> None:
    async with tiny(**failing(kind, StorageServiceError("it is away", retry_delay=2.5))) as server:
        told = await refused(server, kind)
    assert (told.code, told.retry_seconds) == (grpc.StatusCode.UNAVAILABLE, 2.5)


@both
@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), BaseExceptionGroup("", [OSError()])])
async def test_an_exception_that_is_not_ours_is_told_to_nobody(kind: str, error: Exception, log_lines: Any) -> None:
    async with tiny(**failing(kind, error)) as server:
        told = await refused(server, kind)
    assert (told.code, told.message) == (grpc.StatusCode.INTERNAL, INTERNAL)
    assert SECRET not in str(told)
    assert "x-request-id" in told.trailers
    [line] = [line for line in log_lines() if line["event"] == "call failed"]
    assert line["request_id"] == told.trailers["x-request-id"]
    assert type(error).__name__ in line["exception"]


@both
async def test_a_time_out_inside_of_a_handler_is_not_the_callers_deadline(kind: str) -> None:
    async with tiny(**failing(kind, TimeoutError(SECRET))) as server:
        told = await refused(server, kind)
    assert (told.code, told.message) == (grpc.StatusCode.INTERNAL, INTERNAL)


@both
async def test_a_stray_cancellation_ends_the_call_instead_of_hanging(kind: str) -> None:
    async with tiny(**failing(kind, asyncio.CancelledError())) as server:
        told = await refused(server, kind)
    assert (told.code, told.message) == (grpc.StatusCode.INTERNAL, INTERNAL)


async def test_a_cancelled_task_that_was_awaited_ends_the_call_instead_of_hanging() -> None:
    async def awaits_a_cancelled_task(request: Any, context: Any) -> StringValue:
        task = asyncio.create_task(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task
        raise AssertionError("unreachable")

    async with tiny(awaits_a_cancelled_task) as server:
        assert (await refusal(server.call())).code is grpc.StatusCode.INTERNAL


@both
async def test_a_caller_that_leaves_cancels_its_handler(kind: str) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
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

    async with tiny(unary, stream=stream) as server:
        call = getattr(server, kind)(StringValue())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await begun.wait()
            call.cancel()
            await cancelled.wait()


async def test_a_handler_may_abort_by_itself() -> None:
    async def aborts(request: Any, context: Any) -> StringValue:
        await context.abort(grpc.StatusCode.NOT_FOUND, "not here")
        raise AssertionError("unreachable")

    async with tiny(aborts) as server:
        told = await refusal(server.call())
    assert (told.code, told.message) == (grpc.StatusCode.NOT_FOUND, "not here")


@pytest.mark.parametrize("letter", ["a", "ß", "🐉"])
async def test_a_request_with_hundreds_of_violations_is_still_answered(letter: str) -> None:
    request = GenerateTacticalMapRequest(theme="Nope", features=["", letter * 300] * 200)
    for index in range(40):
        request.terrain.properties[letter * 400 + str(index)] = letter * 400
    async with tiny(hello, takes=GenerateTacticalMapRequest) as server:
        told = await refusal(server.call(request))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert told.reason == "INVALID_ARGUMENT"
    assert told.fields[0] == "theme"
    assert len(told.trailers["grpc-status-details-bin"]) <= 4096


async def test_bytes_that_are_no_request_are_refused_in_our_own_words() -> None:
    async with tiny(takes=GenerateTacticalMapRequest) as server:
        raw = server.channel.unary_unary(f"/{SERVICE}/Unary")
        told = await refusal(raw(b"\x0a\x02\xff\xfe", timeout=SECONDS))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert told.request_id
    assert "DecodeError" not in told.message


async def test_a_reader_that_takes_nothing_loses_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("image_grpc.rpc.interceptors.STALL_SECONDS", 0.2)
    ended = asyncio.Event()

    async def endless(request: Any, context: Any) -> AsyncIterator[StringValue]:
        try:
            while True:
                yield StringValue(value="x" * 1_000_000)
        finally:
            ended.set()

    async with tiny(stream=endless) as server:
        stalled = server.stream(StringValue())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()
        stalled.cancel()
