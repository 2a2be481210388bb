"""Server reflection, over a real channel and with a client that is not ours."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2

from image_grpc.bridge.client import services
from tests.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = [service.full_name for service in services()]
VERSIONS = ["v1", "v1alpha"]
BUF = Path(sys.executable).with_name("buf")


async def reflected(channel: grpc.aio.Channel, version: str, **request: Any) -> Any:
    """Return the response to a request for reflection."""

    async def requests() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(**request)

    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    [response] = [response async for response in call(requests())]
    return response


@pytest.mark.parametrize("version", VERSIONS)
async def test_all_services_are_listed(running: Service, version: str) -> None:
    response = await reflected(running.channel, version, list_services="")
    assert sorted(service.name for service in response.list_services_response.service) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        *SERVICES,
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SERVICES)
async def test_reflection_has_everything_that_a_client_needs_for_a_call(
    running: Service, version: str, name: str
) -> None:
    response = await reflected(running.channel, version, file_containing_symbol=name)
    files: dict[str, FileDescriptorProto] = {}
    pending = [*response.file_descriptor_response.file_descriptor_proto]
    while pending:
        file = FileDescriptorProto.FromString(pending.pop())
        if file.name in files:
            continue
        files[file.name] = file
        for dependency in file.dependency:
            response = await reflected(running.channel, version, file_by_filename=dependency)
            pending += response.file_descriptor_response.file_descriptor_proto
    assert any(name == f"{file.package}.{each.name}" for file in files.values() for each in file.service)
    if name != "tabletop.image.v1.StatusService":  # its requests have no fields
        assert "buf/validate/validate.proto" in files, "clients can read the rules of the fields too"


async def curl(running: Service, method: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Call a method with `buf curl`, which knows nothing but the address. Return the exit code and what it prints."""
    url = f"http://{running.running.address}/tabletop.image.v1.{method}"
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", json.dumps(request), url]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    return process.returncode or 0, json.loads(out or error)


async def test_another_client_calls_and_decodes_errors(running: Service) -> None:
    code, theme = await curl(running, "ThemeService/GetTheme", {"theme": "horror"})
    assert (code, theme["theme"]["name"]) == (0, "horror")
    code, failure = await curl(running, "ImageService/GetImage", {"image_id": "x"})
    assert (code != 0, failure["code"]) == (True, "invalid_argument")
    types = {each["type"] for each in failure["details"]}
    assert types == {"google.rpc.ErrorInfo", "google.rpc.RequestInfo", "google.rpc.BadRequest"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["ErrorInfo", "RequestInfo", "BadRequest", "RetryInfo", "QuotaFailure"])
async def test_clients_can_decode_the_details_of_errors(running: Service, version: str, name: str) -> None:
    response = await reflected(running.channel, version, file_containing_symbol=f"google.rpc.{name}")
    file = FileDescriptorProto.FromString(response.file_descriptor_response.file_descriptor_proto[0])
    assert name in {message.name for message in file.message_type}
