"""The service config for clients, and when gRPC repeats a call by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tabletop.image.v1.image_service_pb2 import ListImagesRequest

from image_grpc.access import changes_something
from image_grpc.bridge.client import services
from image_grpc.errors import Overloaded, QuotaExceeded, ServiceError
from image_grpc_client import SERVICE_CONFIG
from image_grpc_testkit.servers.rabbitmq import Node
from tests.rpc.small_server import SERVICE, UNARY, small_server
from tests.service import Service, service
from tests.statuses import failed_call

READS, WRITES = json.loads(SERVICE_CONFIG.read_text())["methodConfig"]


def test_only_reads_are_repeated_when_a_call_may_have_been_made() -> None:
    methods = {(each.full_name, method.name) for each in services() for method in each.methods}
    reads = {(service, method) for service, method in methods if not changes_something(f"{service}/{method}")}
    assert {(name["service"], name["method"]) for name in READS["name"]} == reads
    assert {name["service"] for name in WRITES["name"]} == {each.full_name for each in services()}
    assert READS["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]
    assert WRITES["retryPolicy"]["retryableStatusCodes"] == ["RESOURCE_EXHAUSTED"]


@pytest.mark.parametrize(
    ("failure", "calls"),
    [
        (Overloaded("busy", retry_delay=0.01), 3),
        (QuotaExceeded("the budget is used up", retry_delay=3600), 1),
        (QuotaExceeded("without a delay"), 1),
    ],
    ids=["soon", "in an hour", "never"],
)
async def test_a_client_repeats_what_the_server_says_may_succeed_soon(failure: ServiceError, calls: int) -> None:
    made = 0

    async def succeed_the_third_time(request: Any, context: Any) -> StringValue:
        nonlocal made
        made += 1
        if made < 3:
            raise failure
        return StringValue()

    config = {"methodConfig": [{**WRITES, "name": [{"service": SERVICE}]}]}
    async with small_server(succeed_the_third_time) as server:
        options = [("grpc.service_config", json.dumps(config))]
        async with grpc.aio.insecure_channel(server.address, options=options) as channel:
            call = channel.unary_unary(f"/{UNARY}", StringValue.SerializeToString, StringValue.FromString)
            if calls == 3:
                await call(StringValue(), timeout=60)
            else:
                await failed_call(call(StringValue(), timeout=60))
    assert made == calls


@pytest.fixture(params=["memory", "rabbitmq"])
async def platform(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    settings: dict[str, Any] = {}
    if request.param == "rabbitmq":
        node: Node = request.getfixturevalue("node")
        settings["hub_url"] = node.add_virtual_host()
    async with service(tmp_path, **settings) as running:
        yield running


async def test_a_short_deadline_is_honored_and_blames_nobody(platform: Service) -> None:
    """Whether a call ends in time depends on the machine; if not, that is all that the status says."""
    codes = set[grpc.StatusCode]()
    for milliseconds in (5, 20, 50, 100, 200):
        for _ in range(20):
            call = platform.images.ListImages(ListImagesRequest(), timeout=milliseconds / 1000)
            codes.add(await call.code())
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}
