"""Deserialization and the contract's rules."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest
from tabletop.image.v1.image_service_pb2 import BatchGetImagesRequest, GetImageRequest

from image_grpc.rpc.interceptors import decode, translate_errors, validate
from tests.rpc.small_server import SECONDS, SERVICE, say_hello, small_server
from tests.statuses import failed_call

ALONE = (translate_errors, decode, validate)


async def test_all_violations_are_reported_at_once() -> None:
    request = GenerateTacticalMapRequest(theme="NOT A NAME", details="x" * 2001, request_id="7", features=["ok", ""])
    request.size.width, request.size.height = 0, 100_000
    request.source.id = "nobody"
    async with small_server(say_hello, takes=GenerateTacticalMapRequest, stages=ALONE) as server:
        status = await failed_call(server.call(request))
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert sorted(status.fields) == [
        "details",
        "features[1]",
        "request_id",
        "size.height",
        "size.width",
        "source.id",
        "theme",
    ]
    for field in status.fields:
        assert field in status.message


async def test_a_field_is_reported_once() -> None:
    async with small_server(say_hello, takes=GenerateTacticalMapRequest, stages=ALONE) as server:
        status = await failed_call(server.call(GenerateTacticalMapRequest(theme="NOT A NAME")))
    assert status.fields == ["theme"]
    assert status.reason == "INVALID_THEME"


async def test_an_invalid_request_does_not_reach_the_handler() -> None:
    async def handler(request: Any, context: Any) -> Message:
        raise AssertionError("reached the handler")

    async with small_server(handler, takes=GenerateTacticalMapRequest, stages=ALONE) as server:
        assert (await failed_call(server.call(GenerateTacticalMapRequest()))).code is (grpc.StatusCode.INVALID_ARGUMENT)


async def test_validation_does_not_look_up_names() -> None:
    async with small_server(say_hello, takes=GenerateTacticalMapRequest, stages=ALONE) as server:
        assert (await server.call(GenerateTacticalMapRequest(theme="no_such_theme"))).value == "hello"


async def test_paths_contain_list_indexes_and_map_keys() -> None:
    request = GenerateTacticalMapRequest(theme="fantasy")
    request.terrain.properties["floor"] = "x" * 201
    async with small_server(say_hello, takes=GenerateTacticalMapRequest, stages=ALONE) as server:
        assert (await failed_call(server.call(request))).fields == ['terrain.properties["floor"]']
    batch = BatchGetImagesRequest(image_ids=[str(uuid.uuid4()), "7"])
    async with small_server(say_hello, takes=BatchGetImagesRequest, stages=ALONE) as server:
        assert (await failed_call(server.call(batch))).fields == ["image_ids[1]"]


async def test_a_valid_request_reaches_the_handler_with_its_uuids_in_lower_case() -> None:
    id_, requests = str(uuid.uuid4()), []

    async def handler(request: GetImageRequest, context: Any) -> Message:
        requests.append(request)
        return StringValue()

    async with small_server(handler, takes=GetImageRequest, stages=ALONE) as server:
        await server.call(GetImageRequest(image_id=id_.upper(), version=3))
    assert requests == [GetImageRequest(image_id=id_, version=3)]


async def test_malformed_bytes_are_an_invalid_argument() -> None:
    async with small_server(takes=GenerateTacticalMapRequest) as server:
        raw = server.channel.unary_unary(f"/{SERVICE}/Unary")
        status = await failed_call(raw(b"\x0a\x02\xff\xfe", timeout=SECONDS))
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert status.request_id
    assert "DecodeError" not in status.message
