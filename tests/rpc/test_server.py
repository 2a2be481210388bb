"""Health, reflection, the port, and what is not implemented yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from image_grpc.rpc.service_status import StatusServicer

from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.health import HealthServicer
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.server import OPTIONS
from image_grpc.rpc.theme import ThemeServicer
from tests.contracts.patience import PATIENCE_SECONDS
from tests.service import Service, refusal, service

SERVICES = [f"tabletop.image.v1.{name}Service" for name in ("Generation", "Image", "Overlay", "Status", "Theme")]
HEALTH = health_pb2.HealthCheckResponse
ENDLESS = 3600.0

together = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    async with service(tmp_path_factory.mktemp("server")) as it:
        yield it


# Health


@together
@pytest.mark.parametrize("name", ["", *SERVICES])
async def test_every_service_and_the_whole_are_serving(running: Service, name: str) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == HEALTH.SERVING


@together
async def test_health_lists_every_service(running: Service) -> None:
    listed = await health_pb2_grpc.HealthStub(running.channel).List(health_pb2.HealthListRequest())
    assert {name: each.status for name, each in listed.statuses.items()} == dict.fromkeys(
        ["", *SERVICES], HEALTH.SERVING
    )


@together
async def test_the_health_of_an_unknown_service_is_not_found(running: Service) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    told = await refusal(stub.Check(health_pb2.HealthCheckRequest(service="nobody")))
    assert told.code is grpc.StatusCode.NOT_FOUND


@together
async def test_a_watch_of_an_unknown_service_says_so_and_stays_open(running: Service) -> None:
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest(service="nobody"))
    assert (await watch.read()).status == HEALTH.SERVICE_UNKNOWN
    assert not watch.done()
    watch.cancel()


async def rest_of(watch: Any) -> list[int]:
    """The statuses that a watch still sends until it ends."""
    statuses = []
    while (answer := await watch.read()) is not grpc.aio.EOF:
        statuses.append(answer.status)
    return statuses


async def test_watches_end_after_they_have_said_that_the_server_stops() -> None:
    servicer = HealthServicer(["a.Service"])
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = {
            name: stub.Watch(health_pb2.HealthCheckRequest(service=name)) for name in ("", "a.Service", "nobody")
        }
        first = {name: (await watch.read()).status for name, watch in watches.items()}
        servicer.stop_serving()
        rest = {name: await rest_of(watch) for name, watch in watches.items()}
        now = await stub.Check(health_pb2.HealthCheckRequest())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await server.stop(ENDLESS)  # an open watch would block it for the whole grace
    assert first == {"": HEALTH.SERVING, "a.Service": HEALTH.SERVING, "nobody": HEALTH.SERVICE_UNKNOWN}
    assert rest == {"": [HEALTH.NOT_SERVING], "a.Service": [HEALTH.NOT_SERVING], "nobody": []}
    assert now.status == HEALTH.NOT_SERVING


async def test_a_stopping_service_tells_its_watchers_first_and_then_stops_at_once(tmp_path: Path) -> None:
    async with service(tmp_path, shutdown_grace_seconds=ENDLESS) as it:
        # The service's own channel is closed before the server stops.
        channel = grpc.aio.insecure_channel(it.running.address)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == HEALTH.SERVING
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await rest_of(watch) == [HEALTH.NOT_SERVING]
    await channel.close()


# Reflection


async def reflected(channel: grpc.aio.Channel, **request: Any) -> Any:
    asked = reflection_pb2.ServerReflectionRequest(**request)

    async def requests() -> AsyncIterator[Any]:
        yield asked

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    [answer] = [each async for each in stub.ServerReflectionInfo(requests())]
    return answer


@together
async def test_reflection_lists_all_services(running: Service) -> None:
    answer = await reflected(running.channel, list_services="")
    assert sorted(each.name for each in answer.list_services_response.service) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        *SERVICES,
    ]


@together
@pytest.mark.parametrize("name", SERVICES)
async def test_a_client_can_learn_everything_that_it_needs_for_a_call(running: Service, name: str) -> None:
    answer = await reflected(running.channel, file_containing_symbol=name)
    found: dict[str, FileDescriptorProto] = {}
    wanted = [*answer.file_descriptor_response.file_descriptor_proto]
    while wanted:
        file = FileDescriptorProto.FromString(wanted.pop())
        if file.name in found:
            continue
        found[file.name] = file
        for dependency in file.dependency:
            answer = await reflected(running.channel, file_by_filename=dependency)
            wanted += answer.file_descriptor_response.file_descriptor_proto
    assert any(name == f"{file.package}.{each.name}" for file in found.values() for each in file.service)
    if name != "tabletop.image.v1.StatusService":  # its requests have no fields
        assert "buf/validate/validate.proto" in found, "the rules of the fields are known to the client too"


# Port and options


@together
async def test_two_servers_cannot_share_a_port(running: Service, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is the port taken"):
        async with service(tmp_path, listen=running.running.address):
            pass
    stub = health_pb2_grpc.HealthStub(running.channel)
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status == HEALTH.SERVING


def test_clients_may_ping_every_ten_seconds_also_without_calls() -> None:
    options = dict(OPTIONS)
    assert options["grpc.http2.min_ping_interval_without_data_ms"] < 10_000
    assert options["grpc.keepalive_permit_without_calls"] == 1


# What comes later


@pytest.mark.parametrize(
    "servicer", [GenerationServicer, ImageServicer, OverlayServicer, ThemeServicer, StatusServicer]
)
def test_every_rpc_of_the_contract_is_implemented(servicer: type) -> None:
    contract = servicer.__mro__[1]
    assert {name for name in vars(contract) if name[0].isupper()} <= set(vars(servicer))


@together
async def test_a_method_that_does_not_exist_is_unimplemented(running: Service) -> None:
    call = running.channel.unary_unary("/tabletop.image.v1.ImageService/PaintImage")
    assert (await refusal(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED
