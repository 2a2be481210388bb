"""Every method of the contract requires a role, of every caller."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tabletop.image.v1.access_pb2 import Role
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.access import required_role, role_label
from image_grpc.access.callers import create_key
from image_grpc.bridge.client import services
from tests.access.calls import jwt_settings, signing_key, token, write_key_set
from tests.rpc.small_server import WITHOUT_ROLE, small_server
from tests.service import Service, service
from tests.statuses import CallStatus, failed_call, failed_stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = [method for each in services() for method in each.methods]
ROLES = ("reader", "writer", "admin")
REFUSED = (
    "an unknown key",
    "an expired key",
    "an expired token",
    "a token for another audience",
    "a token of another issuer",
    "a token with another signature",
)
SECONDS = 60.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Keys by role, and what identifies nobody by why; beside them, the files of callers and of the key set."""
    folder: Path = tmp_path_factory.mktemp("keys")
    file, key_set = folder / "keys.jsonl", folder / "jwks.json"
    created = {role: create_key(file, name=f"the {role}", role=role) for role in ROLES}
    expired = create_key(file, name="late", role="admin", expires=datetime.now(UTC) - timedelta(seconds=1))
    signing = signing_key("one")
    write_key_set(key_set, signing)
    refused = {
        "an unknown key": "igk_wrong",
        "an expired key": expired,
        "an expired token": token(signing, role="admin", exp=int(time.time()) - 600),
        "a token for another audience": token(signing, role="admin", aud="other"),
        "a token of another issuer": token(signing, role="admin", iss="https://other.example.com"),
        "a token with another signature": token(signing_key("one"), role="admin"),
    }
    assert refused.keys() == set(REFUSED)
    return created | refused | {"a token": token(signing, role="admin"), "file": str(file), "key set": str(key_set)}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    settings = {"api_keys_file": keys["file"], **jwt_settings(keys["key set"])}
    async with service(tmp_path_factory.mktemp("data"), **settings) as it:
        yield it


async def refusal(running: Service, method: MethodDescriptor, key: str | None) -> CallStatus:
    """Call a method with invalid bytes, and return the status.

    Authentication precedes decoding, so INVALID_ARGUMENT means that the caller may call the method.
    """
    path = f"/{method.containing_service.full_name}/{method.name}"
    metadata = [("authorization", f"Bearer {key}")] if key else []
    garbage, options = b"\xff\xff\xff\xff", {"metadata": metadata, "timeout": SECONDS}
    channel = running.channel
    if method.client_streaming:
        return await failed_call(channel.stream_unary(path)(iter([garbage]), **options))  # type: ignore[arg-type]
    if method.server_streaming:
        return await failed_stream(channel.unary_stream(path)(garbage, **options))  # type: ignore[arg-type]
    return await failed_call(channel.unary_unary(path)(garbage, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
async def test_a_caller_needs_credentials_and_the_role(
    running: Service, keys: dict[str, str], method: MethodDescriptor
) -> None:
    for credential in (None, *(keys[each] for each in REFUSED)):
        status = await refusal(running, method, credential)
        assert (status.code, status.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert (await refusal(running, method, keys["a token"])).code is grpc.StatusCode.INVALID_ARGUMENT
    required = required_role(f"{method.containing_service.full_name}/{method.name}")
    assert required, "the contract names no role for this method"
    for role in ROLES:
        status = await refusal(running, method, keys[role])
        if ROLES.index(role) < ROLES.index(role_label(required)):
            assert (status.code, status.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
            assert role_label(required) in status.message
        else:
            assert status.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_method_without_a_role_is_refused_to_everybody() -> None:
    async with small_server() as server:
        assert (await server.call()).value == "hello"
        status = await failed_call(server.channel.unary_unary(f"/{WITHOUT_ROLE}")(b"", timeout=SECONDS))
    assert (status.code, status.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_the_roles_are_ordered() -> None:
    assert Role.ROLE_UNSPECIFIED < Role.ROLE_READER < Role.ROLE_WRITER < Role.ROLE_ADMIN


async def test_health_needs_no_credentials_and_reflection_does(running: Service, keys: dict[str, str]) -> None:
    health = await health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    status = await failed_stream(stub.ServerReflectionInfo(iter([request]), timeout=SECONDS))
    assert status.reason == "UNAUTHENTICATED"
    metadata = [("authorization", f"Bearer {keys['reader']}")]
    replies = [each async for each in stub.ServerReflectionInfo(iter([request]), metadata=metadata, timeout=SECONDS)]
    assert any(each.name.startswith("tabletop.") for each in replies[0].list_services_response.service)


async def test_the_bridge_in_the_process_calls_as_itself(running: Service) -> None:
    endpoint = running.running.for_bridge
    async with endpoint.open_async() as channel:
        stub: Any = ThemeServiceStub(channel)
        themes = await stub.ListThemes(ListThemesRequest(), metadata=endpoint.metadata, timeout=SECONDS)
    assert themes.themes
