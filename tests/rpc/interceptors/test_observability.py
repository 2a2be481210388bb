"""The span, the duration and the access log of each call."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tabletop.image.v1.generation_request_pb2 import GenerateTacticalMapRequest

from image_grpc.errors import ImageNotFound
from image_grpc.rpc.interceptors import observe, translate_errors
from image_grpc.telemetry import Telemetry
from tests.rpc.small_server import UNARY, raising, say_hello, small_server
from tests.statuses import failed_call


class Histogram:
    """A fake histogram that keeps the recorded amounts and attributes."""

    def __init__(self) -> None:
        self.recorded: list[tuple[float, dict[str, str]]] = []

    def record(self, amount: float, attributes: dict[str, str]) -> None:
        self.recorded.append((amount, dict(attributes)))


@pytest.fixture
def durations(monkeypatch: pytest.MonkeyPatch) -> tuple[Telemetry, Histogram]:
    telemetry, histogram = Telemetry(), Histogram()
    monkeypatch.setattr(telemetry, "rpc_duration", histogram)
    return telemetry, histogram


async def test_the_access_log_has_a_json_line_for_each_call(log_lines: Any) -> None:
    async with small_server() as server:
        metadata = (("x-request-id", "r-1"), ("x-correlation-id", "c-1"))
        await server.call(metadata=metadata)
    [line] = log_lines()
    assert line["event"] == "call"
    assert (line["method"], line["code"], line["reason"]) == (UNARY, "OK", None)
    assert (line["request_id"], line["correlation_id"]) == ("r-1", "c-1")
    assert 0 < line["seconds"] < 60
    assert line["level"] == "info"
    assert line["timestamp"]
    assert line["peer"].startswith("ipv4:127.0.0.1:")


async def test_the_access_log_has_the_code_and_the_reason_of_an_error(log_lines: Any) -> None:
    async with small_server(say_hello, takes=GenerateTacticalMapRequest) as server:
        await failed_call(server.call(GenerateTacticalMapRequest()))
    [line] = log_lines()
    assert (line["code"], line["reason"]) == ("INVALID_ARGUMENT", "INVALID_THEME")


async def test_health_checks_are_not_in_the_access_log(log_lines: Any) -> None:
    async with small_server() as server:
        await health_pb2_grpc.HealthStub(server.channel).Check(health_pb2.HealthCheckRequest())
    assert log_lines() == []


@pytest.mark.parametrize(
    ("error", "code", "error_type"),
    [
        (None, "OK", None),
        (ImageNotFound("gone"), "NOT_FOUND", "IMAGE_NOT_FOUND"),
        (KeyError("secret"), "INTERNAL", "KeyError"),
    ],
    ids=str,
)
async def test_the_duration_is_recorded_by_method_status_and_error(
    durations: tuple[Telemetry, Histogram], error: Exception | None, code: str, error_type: str | None
) -> None:
    telemetry, histogram = durations
    handler = raising(error) if error is not None else say_hello
    async with small_server(handler, stages=[translate_errors, observe(telemetry)]) as server:
        if error is None:
            await server.call()
        else:
            assert (await failed_call(server.call())).code is grpc.StatusCode[code]
    [(seconds, attributes)] = histogram.recorded
    assert 0 < seconds < 60
    expected = {"rpc.system.name": "grpc", "rpc.method": UNARY, "rpc.response.status_code": code}
    if error_type is not None:
        expected["error.type"] = error_type
    assert attributes == expected
