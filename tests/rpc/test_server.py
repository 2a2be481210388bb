"""Health, the port, and the RPCs of the contract."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from image_grpc.rpc.generation import GenerationServicer
from image_grpc.rpc.health import READINESS, HealthServicer, always
from image_grpc.rpc.image import ImageServicer
from image_grpc.rpc.overlay import OverlayServicer
from image_grpc.rpc.server import OPTIONS
from image_grpc.rpc.status import StatusServicer
from image_grpc.rpc.theme import ThemeServicer
from image_grpc_testkit.eventually import MAX_WAIT_SECONDS
from tests.service import Service, service
from tests.statuses import failed_call

SERVICES = [
    f"tabletop.image.v1.{name}Service"
    for name in ("Audit", "FloorPlan", "Generation", "Image", "Map", "Overlay", "Status", "Theme")
]
HEALTH = health_pb2.HealthCheckResponse
ENDLESS = 3600.0

together = pytest.mark.asyncio(loop_scope="module")


# Health


@together
@pytest.mark.parametrize("name", ["", *SERVICES])
async def test_the_server_and_each_of_its_services_are_serving(running: Service, name: str) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == HEALTH.SERVING


@together
async def test_health_lists_every_service(running: Service) -> None:
    listed = await health_pb2_grpc.HealthStub(running.channel).List(health_pb2.HealthListRequest())
    assert {name: each.status for name, each in listed.statuses.items()} == dict.fromkeys(
        ["", *SERVICES, READINESS], HEALTH.SERVING
    )


@together
async def test_the_health_of_an_unknown_service_is_not_found(running: Service) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    status = await failed_call(stub.Check(health_pb2.HealthCheckRequest(service="unknown")))
    assert status.code is grpc.StatusCode.NOT_FOUND


@together
async def test_a_watch_of_an_unknown_service_reports_that_and_stays_open(running: Service) -> None:
    watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest(service="unknown"))
    assert (await watch.read()).status == HEALTH.SERVICE_UNKNOWN
    assert not watch.done()
    watch.cancel()


async def rest_of(watch: Any) -> list[int]:
    """Return the statuses that a watch sends until it ends."""
    statuses = []
    while (response := await watch.read()) is not grpc.aio.EOF:
        statuses.append(response.status)
    return statuses


async def test_watches_report_that_the_server_stops_and_end() -> None:
    servicer = HealthServicer({"": always, "a.Service": always})
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watches = {
            name: stub.Watch(health_pb2.HealthCheckRequest(service=name)) for name in ("", "a.Service", "unknown")
        }
        first = {name: (await watch.read()).status for name, watch in watches.items()}
        servicer.stop_serving()
        rest = {name: await rest_of(watch) for name, watch in watches.items()}
        now = await stub.Check(health_pb2.HealthCheckRequest())
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            await server.stop(ENDLESS)  # an open watch would block it for the whole grace
    assert first == {"": HEALTH.SERVING, "a.Service": HEALTH.SERVING, "unknown": HEALTH.SERVICE_UNKNOWN}
    assert rest == {"": [HEALTH.NOT_SERVING], "a.Service": [HEALTH.NOT_SERVING], "unknown": []}
    assert now.status == HEALTH.NOT_SERVING


async def test_a_watch_reports_a_stop_that_begins_while_it_sends() -> None:
    servicer = HealthServicer({"": always})
    watch = servicer.Watch(health_pb2.HealthCheckRequest(), None)
    assert (await anext(watch)).status == HEALTH.SERVING
    servicer.stop_serving()
    assert [response.status async for response in watch] == [HEALTH.NOT_SERVING]


async def test_a_stopping_service_reports_to_its_watches_and_does_not_wait_for_them(tmp_path: Path) -> None:
    async with service(tmp_path, shutdown_grace_seconds=ENDLESS) as it:
        # The service's own channel is closed before the server stops.
        channel = grpc.aio.insecure_channel(it.running.address)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == HEALTH.SERVING
    async with asyncio.timeout(MAX_WAIT_SECONDS):
        assert await rest_of(watch) == [HEALTH.NOT_SERVING]
    await channel.close()


# Port and options


@together
async def test_two_servers_cannot_share_a_port(running: Service, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the port is in use"):
        async with service(tmp_path, listen=running.running.address):
            pass
    stub = health_pb2_grpc.HealthStub(running.channel)
    assert (await stub.Check(health_pb2.HealthCheckRequest())).status == HEALTH.SERVING


def test_clients_may_ping_every_ten_seconds_even_without_calls() -> None:
    options = dict(OPTIONS)
    assert options["grpc.http2.min_ping_interval_without_data_ms"] < 10_000
    assert options["grpc.keepalive_permit_without_calls"] == 1


# RPCs of the contract


@pytest.mark.parametrize(
    "servicer", [GenerationServicer, ImageServicer, OverlayServicer, ThemeServicer, StatusServicer]
)
def test_every_rpc_of_the_contract_is_implemented(servicer: type) -> None:
    contract = servicer.__mro__[1]
    assert {name for name in vars(contract) if name[0].isupper()} <= set(vars(servicer))


@together
async def test_a_method_that_does_not_exist_is_unimplemented(running: Service) -> None:
    call = running.channel.unary_unary("/tabletop.image.v1.ImageService/PaintImage")
    assert (await failed_call(call(b""))).code is grpc.StatusCode.UNIMPLEMENTED
