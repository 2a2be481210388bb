"""Bytes that are no message are the caller's fault, on every kind of method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.service import Service, service
from tests.statuses import failed_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

GARBAGE = b"\xff\xff\xff\xff"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder: Path = tmp_path_factory.mktemp("undecodable")
    async with service(folder) as it:
        yield it


async def drain(call: Any) -> None:
    async for _ in call:
        pass


@pytest.mark.parametrize("method", ["tabletop.image.v1.ImageService/GetImage", "grpc.health.v1.Health/Check"])
async def test_unary(running: Service, method: str) -> None:
    status = await failed_call(running.channel.unary_unary(f"/{method}")(GARBAGE))
    assert (status.code, status.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "method",
    [
        "tabletop.image.v1.ImageService/ReadImage",
        "tabletop.image.v1.ImageService/WatchImages",
        "grpc.health.v1.Health/Watch",
    ],
)
async def test_response_streams(running: Service, method: str) -> None:
    status = await failed_call(drain(running.channel.unary_stream(f"/{method}")(GARBAGE)))
    assert status.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_request_streams(running: Service) -> None:
    # The asynchronous client reports INTERNAL if the server rejects a call while it writes (grpc/grpc#36066).
    def upload() -> None:
        with grpc.insecure_channel(running.running.address) as channel:
            channel.stream_unary("/tabletop.image.v1.ImageService/UploadImage")(iter([GARBAGE]))

    assert (await failed_call(asyncio.to_thread(upload))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_in_both_directions(running: Service) -> None:
    method = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    status = await failed_call(drain(running.channel.stream_stream(f"/{method}")(iter([GARBAGE]))))
    assert status.code is grpc.StatusCode.INVALID_ARGUMENT
