"""The control API."""

from __future__ import annotations

import pytest

from clients import PRICE, Running


async def test_report(running: Running) -> None:
    await running.http.get(await running.picture_url())
    await running.post(model="no-such-model")
    report = (await running.http.get("/_standin")).json()
    assert {name: report[name] for name in ("calls", "billed", "downloads", "in_flight", "max_in_flight_seen")} == {
        "calls": 2,
        "billed": 1,
        "downloads": 1,
        "in_flight": 0,
        "max_in_flight_seen": 1,
    }
    assert (report["total_cost"], report["faults"]) == (PRICE, [])


async def test_faults_are_replaced_and_cleared(running: Running) -> None:
    faults = [{"kind": "status", "status": 503, "retry_after": 1.5, "count": 2}, {"kind": "html"}]
    report = (await running.http.put("/_standin/faults", json=faults)).json()
    assert [fault["kind"] for fault in report["faults"]] == ["status", "html"]
    response = await running.post()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1.5")
    assert (await running.http.get("/_standin")).json()["faults"][0]["count"] == 1
    assert (await running.http.put("/_standin/faults", json=[{"kind": "invalid"}])).json()["faults"] == [
        {"kind": "invalid", "status": 500}
    ]
    assert (await running.http.delete("/_standin/faults")).json()["faults"] == []
    assert (await running.post()).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "x",
        {},
        [7],
        [{}],
        [{"kind": "no-such-kind"}],
        [{"kind": "status", "status": "500"}],
        [{"kind": "status", "status": True}],
        [{"kind": "status", "status": 200}],
        [{"kind": "redirect"}],
        [{"kind": "hang", "count": 0}],
        [{"kind": "hang", "color": "red"}],
    ],
)
async def test_invalid_faults_are_rejected_without_effect(running: Running, body: object) -> None:
    await running.http.put("/_standin/faults", json=[{"kind": "gone"}])
    assert (await running.http.put("/_standin/faults", json=body)).status_code == 400
    assert len((await running.http.get("/_standin")).json()["faults"]) == 1


async def test_behavior_is_changed_partially(running: Running) -> None:
    changes = {"url_lifetime": 7, "variety": 3, "balance": "0.5", "max_in_flight": None}
    behavior = (await running.http.put("/_standin/behavior", json=changes)).json()["behavior"]
    assert {name: behavior[name] for name in changes} == changes
    assert behavior["latency"] == 0
    assert (await running.http.get("/v2/billing/balance")).json() == {"balance": "0.5", "currency": "USD"}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"color": "red"},
        {"latency": -1},
        {"latency": "1"},
        {"latency": True},
        {"variety": 0},
        {"variety": 1.5},
        {"balance": "much"},
        {"balance": "NaN"},
        {"max_in_flight": -1},
        {"requests_per_minute": -1},
    ],
)
async def test_invalid_behavior_is_rejected(running: Running, body: object) -> None:
    assert (await running.http.put("/_standin/behavior", json=body)).status_code == 400
    assert (await running.http.put("/_standin/behavior", content=b"{")).status_code == 400


async def test_reset_clears_only_the_counters(running: Running) -> None:
    await running.generate()
    running.standin.reset()
    await running.generate()
    await running.http.put("/_standin/faults", json=[{"kind": "gone"}])
    report = (await running.http.post("/_standin/reset")).json()
    assert (report["calls"], report["billed"], report["total_cost"]) == (0, 0, "0")
    assert (report["balance"], len(report["faults"])) == ("9999.990", 1)
