"""The alerts and the dashboard in `deploy/` use metrics that a running service reports, and the alerts fire."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
import yaml
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.processes import free_port
from tests.cli.processes import run, up

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS, DASHBOARD = DEPLOY / "prometheus" / "alerts.yaml", DEPLOY / "grafana" / "image-grpc.json"
METRIC = re.compile(r"\b(?:tabletop|rpc|process)_\w+(?=[{\[)\s]|$)")
LABELS = re.compile(r"\{[^}]*\}|\bby \([^)]*\)")

FIRING: Mapping[str, Mapping[str, str]] = {
    "ImageServiceDown": {'up{job="image-grpc"}': "0x60"},
    "ImageDependencyUnhealthy": {'tabletop_dependency_healthy{tabletop_dependency="object_store"}': "0x60"},
    "ImageJobsWaiting": {'tabletop_hub_queue_depth{tabletop_queue="image.store"}': "501x60"},
    "ImageConsumersMissing": {'tabletop_hub_missing_consumers{tabletop_queue="image.bridge.events"}': "1x60"},
    "ImageDeadLetters": {'tabletop_hub_queue_depth{tabletop_queue="image.dead"}': "1x60"},
    "ImageGenerationsStalled": {"tabletop_generations_stalled": "1x60"},
    "ImageGenerationsOld": {"tabletop_generations_oldest_unfinished_age_seconds": "901x60"},
    "ImageBalanceLow": {"tabletop_getimg_balance_USD": "9.99x60"},
    "ImageGenerationsFailing": {
        "tabletop_generations_failed_total": "0+2x60",
        "tabletop_images_generated_total": "0+8x60",
    },
    "ImageCallsFailing": {
        'rpc_server_call_duration_seconds_count{rpc_response_status_code="UNAVAILABLE"}': "0+2x60",
        'rpc_server_call_duration_seconds_count{rpc_response_status_code="OK"}': "0+98x60",
    },
    "ImageStorageSlow": {
        'tabletop_storage_operation_duration_seconds_bucket{le="1"}': "0+90x60",
        'tabletop_storage_operation_duration_seconds_bucket{le="2.5"}': "0+100x60",
        'tabletop_storage_operation_duration_seconds_bucket{le="+Inf"}': "0+100x60",
    },
    "ImageGetimgSuspended": {"tabletop_getimg_circuit_open": "1x60"},
    "ImageCostPerDay": {"tabletop_getimg_cost_USD_total": "0+3x60"},
    "ImageCostsDiffer": {"tabletop_getimg_cost_difference_USD": "1.01x60"},
    "ImageClockSkew": {"tabletop_hub_clock_skew_seconds": "-6x60"},
    "ImageAuditEntriesLost": {"tabletop_audit_entries_lost_total": "0+1x60"},
}
"""By alert: series, one value per minute, that make it fire within an hour."""
HEALTHY: Mapping[str, str] = {
    'up{job="image-grpc"}': "1x60",
    'tabletop_dependency_healthy{tabletop_dependency="object_store"}': "1x60",
    'tabletop_dependency_healthy{tabletop_dependency="getimg_api"}': "0x60",
    'tabletop_hub_queue_depth{tabletop_queue="image.store"}': "20x60",
    'tabletop_hub_queue_depth{tabletop_queue="image.dead"}': "0x60",
    'tabletop_hub_missing_consumers{tabletop_queue="image.store"}': "0x20 1x3 0x37",
    "tabletop_generations_stalled": "0x60",
    "tabletop_generations_oldest_unfinished_age_seconds": "0x60",
    "tabletop_getimg_balance_USD": "10x60",
    "tabletop_generations_failed_total": "0x30 1x30",
    "tabletop_images_generated_total": "0+1x60",
    'rpc_server_call_duration_seconds_count{rpc_response_status_code="UNAVAILABLE"}': "0x30 1x30",
    'rpc_server_call_duration_seconds_count{rpc_response_status_code="OK"}': "0+1x60",
    **{
        f'tabletop_storage_operation_duration_seconds_bucket{{le="{le}"}}': f"0+{count}x60"
        for le, count in {"0.005": 50, "0.01": 90, "0.025": 98, "0.5": 100, "+Inf": 100}.items()
    },
    "tabletop_getimg_circuit_open": "0x60",
    "tabletop_getimg_cost_USD_total": "0+0.05x60",
    "tabletop_getimg_cost_difference_USD": "-0.4x60",
    "tabletop_hub_clock_skew_seconds": "0.1x60",
    "tabletop_audit_entries_lost_total": "0x60",
}
"""Series of a service that works, in which now and then a call fails."""


def expressions() -> list[str]:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]


async def test_the_metrics_of_alerts_and_dashboard_exist(tmp_path: Path) -> None:
    used = {name for expression in expressions() for name in METRIC.findall(LABELS.sub("", expression))}
    assert len(used) > 15
    listen = f"127.0.0.1:{free_port()}"
    async with up(tmp_path, "--standin-latency-seconds", "0", IMAGE_GRPC_PROMETHEUS_LISTEN=listen) as process:
        request = GeneratePortraitRequest(theme="fantasy")
        request.size.width = request.size.height = 64
        request.wait_for.seconds = 60
        await GenerationServiceStub(process.channel).GeneratePortrait(request)
        async with httpx.AsyncClient() as http:
            reported: set[str] = set()

            async def metrics() -> httpx.Response:
                return await http.get(f"http://{listen}/metrics")

            async def all_are_reported() -> bool:
                text = (await metrics()).text
                reported.update(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))
                return used <= reported

            await eventually(all_are_reported, "all metrics are reported")
            bounds = set(
                re.findall(r'storage_operation_duration_seconds_bucket{.*le="([^"]+)"', (await metrics()).text)
            )
    invented = {series for case in (*FIRING.values(), HEALTHY) for series in case}
    assert {bound for series in invented for bound in re.findall(r'le="([^"]+)"', series)} <= bounds


async def test_a_port_that_is_taken_stops_a_start(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as other:
        listen = "{}:{}".format(*other.sockets[0].getsockname())
        code, _, error = await run("up", "--data-dir", str(tmp_path), IMAGE_GRPC_PROMETHEUS_LISTEN=listen)
    assert code == 1
    assert f"cannot listen on {listen}" in error


def test_every_alert_has_a_case() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == list(FIRING)


@pytest.mark.parametrize("alert", FIRING)
def test_an_alert_fires(alert: str, tmp_path: Path) -> None:
    expression = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    promtool(FIRING[alert], expression, [{"labels": "{}", "value": 1}], tmp_path)


def test_no_alert_fires_while_the_service_works(tmp_path: Path) -> None:
    promtool(HEALTHY, 'ALERTS{alertstate="firing"}', [], tmp_path)


def test_a_target_that_disappears_is_reported(tmp_path: Path) -> None:
    expression = 'count(ALERTS{alertname="ImageServiceDown", alertstate="firing"})'
    promtool({'up{job="image-grpc"}': "1x30 _x30"}, expression, [{"labels": "{}", "value": 1}], tmp_path)


def promtool(series: Mapping[str, str], expression: str, expected: Sequence[object], folder: Path) -> None:
    """Evaluate an expression after an hour of series, of one value per minute."""
    case = {
        "rule_files": [str(ALERTS)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [{"expr": expression, "eval_time": "1h", "exp_samples": list(expected)}],
            }
        ],
    }
    file = folder / "case.yaml"
    file.write_text(yaml.safe_dump(case))
    result = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
