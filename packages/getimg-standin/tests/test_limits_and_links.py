"""Rate limits, billing, signed URLs, start and stop of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import getimg
import httpx
import pytest
import uvloop

from clients import KEY, MODEL, PRICE, Running, in_flight
from getimg_standin import Behavior, Fault, Standin


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standin(clock: Clock) -> Standin:
    return Standin(api_key=KEY, behavior=Behavior(variety=1), clock=clock)


async def test_rate_limit_headers_are_always_present(running: Running) -> None:
    for response in (await running.post(), await running.http.get("/v2/models"), await running.post(model="no")):
        limit, remaining = (int(response.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining"))
        assert 0 < remaining <= limit
        assert 0 < int(response.headers["x-ratelimit-reset"]) <= 60
        assert response.headers["x-request-id"]


async def test_the_rate_limit_sends_retry_after(running: Running, clock: Clock) -> None:
    running.standin.behavior = Behavior(requests_per_minute=2, variety=1)
    remaining = [(await running.post()).headers["x-ratelimit-remaining"] for _ in range(2)]
    clock.now += 20
    rejected = await running.post()
    assert remaining == ["1", "0"]
    assert rejected.status_code == 429
    assert (rejected.headers["retry-after"], rejected.headers["x-ratelimit-reset"]) == ("40", "40")
    assert running.standin.billed == 2
    clock.now += 40
    assert (await running.post()).status_code == 200


async def test_concurrent_generations_are_limited(running: Running) -> None:
    running.standin.behavior = Behavior(max_in_flight=2, variety=1)
    running.standin.add_fault(Fault(kind="hang", count=2))
    hanging = [asyncio.create_task(running.post()) for _ in range(2)]
    await in_flight(running.standin, 2)
    rejected = await running.post()
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await in_flight(running.standin, 0)
    assert (rejected.status_code, rejected.headers["retry-after"]) == (429, "1")
    assert running.standin.max_in_flight_seen == 2
    assert (await running.post()).status_code == 200


async def test_generations_fail_once_the_balance_is_spent(running: Running) -> None:
    running.standin.behavior = Behavior(balance=Decimal(PRICE) * 2, variety=1)
    assert (await running.sdk.billing.retrieve_balance()).balance == "0.010"
    await running.generate()
    await running.generate()
    with pytest.raises(getimg.APIStatusError) as raised:
        await running.generate()
    assert raised.value.status_code == 402
    assert Decimal((await running.sdk.billing.retrieve_balance()).balance) == 0
    assert (running.standin.billed, running.standin.total_cost) == (2, Decimal(PRICE) * 2)


async def test_concurrent_calls_do_not_overdraw_the_balance(running: Running) -> None:
    running.standin.behavior = Behavior(balance=Decimal(PRICE) * 3, variety=1)
    responses = await asyncio.gather(*(running.post() for _ in range(8)))
    assert sorted(response.status_code for response in responses) == [200] * 3 + [402] * 5


async def test_costs_by_day(running: Running, clock: Clock) -> None:
    await running.generate()
    clock.now += timedelta(days=1).total_seconds()
    await running.generate()
    await running.generate()
    day = datetime(2026, 3, 1, tzinfo=UTC)
    costs = await running.sdk.billing.list_costs(start=day, end=day + timedelta(days=2))
    assert [(str(bucket.date), bucket.cost) for bucket in costs.data] == [
        ("2026-03-01", 0.005),
        ("2026-03-02", 0.01),
        ("2026-03-03", 0.0),
    ]
    assert (costs.total_cost, costs.currency, costs.start) == (0.015, "USD", day)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("", "2026-01-02T00:00:00Z"),
        ("2026-01-01T00:00:00", "2026-01-02T00:00:00Z"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    ],
)
async def test_invalid_cost_ranges_are_rejected(running: Running, start: str, end: str) -> None:
    response = await running.http.get("/v2/billing/costs", params={"start": start, "end": end})
    assert response.status_code == 400


async def test_the_sdk_parses_all_models(running: Running) -> None:
    models = await running.sdk.models.list()
    assert await running.sdk.models.list(type="video") == []
    assert {model.id for model in await running.sdk.models.list(type="image")} == {model.id for model in models}
    assert len(models) == 5
    assert [model.id for model in models if not model.pricing.rates] == ["gemini-3-1-flash-image"]
    for model in models:
        single = await running.sdk.models.retrieve(model.id)
        assert single.model_dump() == model.model_dump()
        assert model.supported_resolutions[0] == ("2K" if model.id == "seedream-4-5" else "1K")


async def test_urls_expire(running: Running, clock: Clock) -> None:
    running.standin.behavior = Behavior(url_lifetime=30, variety=1)
    response = await running.generate()
    assert response.data[0].deletes_at.timestamp() == clock.now + 30
    clock.now += 29
    assert (await running.http.get(response.data[0].url)).status_code == 200
    clock.now += 1
    expired = await running.http.get(response.data[0].url)
    assert (expired.status_code, expired.json()["error"]["code"]) == (410, "expired")


async def test_tampered_urls_are_rejected(running: Running) -> None:
    url = httpx.URL(await running.picture_url())
    later_expiry = str(int(url.params["expires"]) + 1)
    tampered = [
        url.copy_set_param("expires", later_expiry),
        url.copy_set_param("expires", "soon"),
        url.copy_set_param("signature", "0" * 64),
        url.copy_set_param("signature", "ü"),
        url.copy_remove_param("signature"),
        url.copy_with(path=url.path.replace(".png", ".webp")),
        url.copy_with(path="/files/x.png"),
    ]
    assert {(await running.http.get(each)).status_code for each in tampered} == {403}
    assert running.standin.downloads == 0


async def test_a_restarted_standin_serves_earlier_urls(running: Running, clock: Clock) -> None:
    url = httpx.URL(await running.picture_url())
    original = (await running.http.get(url)).content
    async with Standin(api_key=KEY, clock=clock).listen() as restarted, httpx.AsyncClient() as client:
        response = await client.get(httpx.URL(restarted).copy_with(raw_path=url.raw_path))
        assert response.content == original
    async with Standin(api_key="other", clock=clock).listen() as other, httpx.AsyncClient() as client:
        assert (await client.get(httpx.URL(other).copy_with(raw_path=url.raw_path))).status_code == 403


async def test_unknown_paths_and_methods_have_api_errors(running: Running) -> None:
    assert (await running.http.get("/v2/nothing")).json()["error"]["code"] == "not_found"
    assert (await running.http.get("/v2/images/generations")).json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("new_event_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_hanging_requests_do_not_delay_a_stop(new_event_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_stop_with_requests_hanging())


async def _stop_with_requests_hanging() -> None:
    standin = Standin(api_key=KEY)
    standin.add_fault(Fault(kind="hang"))
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=None) as http:
        async with standin.listen() as url:
            body = {"model": MODEL, "prompt": "x"}
            calls = [http.post(f"{url}/v2/images/generations", json=body) for _ in range(3)]
            tasks = [asyncio.create_task(call) for call in calls]
            await in_flight(standin, 3)
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, httpx.TransportError) for result in results)
    assert standin.in_flight == 0


async def test_listening_again_keeps_the_counters(standin: Standin) -> None:
    for _ in range(2):
        async with standin.listen() as url, getimg.AsyncGetimgAI(base_url=url, api_key=KEY) as sdk:
            await sdk.images.generate(model=MODEL, prompt="x")
    assert standin.calls == 2


async def test_listening_twice_is_an_error(running: Running) -> None:
    with pytest.raises(RuntimeError):
        async with running.standin.listen():
            pass


async def test_a_taken_port_is_an_error(running: Running) -> None:
    with pytest.raises(OSError, match="in use"):
        async with Standin().listen(port=httpx.URL(running.url).port or 0):
            pass
