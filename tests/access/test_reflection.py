"""Who may use server reflection, in both of its versions, for each value of the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from image_grpc.access.callers import create_key
from image_grpc.settings import InvalidSettings, ServerSettings, load
from tests.access.calls import SECONDS, bearer
from tests.service import Service, service
from tests.statuses import CallStatus, failed_stream

VERSIONS = ("v1", "v1alpha")
OURS = "tabletop.image.v1.ImageService"


def reflect(running: Service, version: str, credential: str) -> Any:
    """List the services by server reflection.

    The one request goes out with the start of the call: grpc.aio reports INTERNAL for a write that a refusal overtakes.
    """
    method: Any = running.channel.unary_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    metadata = bearer(credential) if credential else []
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    return method(request, metadata=metadata, timeout=SECONDS)


async def services(running: Service, version: str, credential: str) -> set[str]:
    replies = [reply async for reply in reflect(running, version, credential)]
    return {each.name for reply in replies for each in reply.list_services_response.service}


async def refusal(running: Service, version: str, credential: str) -> CallStatus:
    return await failed_stream(reflect(running, version, credential))


@pytest.mark.parametrize(("setting", "is_open"), [(None, False), ("authenticated", False), ("open", True)])
async def test_with_authentication_reflection_is_for_callers_unless_it_is_open(
    setting: str | None, is_open: bool, tmp_path: Path
) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="somebody", role="reader")
    async with service(tmp_path / "data", api_keys_file=file, **with_setting(setting)) as running:
        for version in VERSIONS:
            assert OURS in await services(running, version, key)
            for credential in ("", "igk_wrong"):
                if is_open:
                    assert OURS in await services(running, version, credential)
                else:
                    status = await refusal(running, version, credential)
                    assert (status.code, status.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


@pytest.mark.parametrize("setting", [None, "authenticated", "open"])
async def test_without_authentication_everybody_is_a_caller(setting: str | None, tmp_path: Path) -> None:
    async with service(tmp_path, **with_setting(setting)) as running:
        for version in VERSIONS:
            assert OURS in await services(running, version, "")


@pytest.mark.parametrize("authenticates", [False, True])
async def test_reflection_that_is_off_does_not_exist(authenticates: bool, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    key = create_key(file, name="somebody", role="admin")
    access = {"api_keys_file": file} if authenticates else {}
    async with service(tmp_path / "data", reflection="off", **access) as running:
        for version in VERSIONS:
            for credential in ("", key):
                assert (await refusal(running, version, credential)).code is grpc.StatusCode.UNIMPLEMENTED


def test_other_values_are_invalid() -> None:
    with pytest.raises(InvalidSettings, match="IMAGE_GRPC_REFLECTION"):
        load(ServerSettings, reflection="on")


def with_setting(setting: str | None) -> dict[str, object]:
    return {} if setting is None else {"reflection": setting}
