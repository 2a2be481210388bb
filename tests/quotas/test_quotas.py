"""The limits of callers hold for all replicas together."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.image_service_pb2 import WatchImagesRequest
from tabletop.image.v1.theme_service_pb2 import ListThemesRequest

from getimg_standin import Fault, Standin
from image_grpc import app, reloading_file
from image_grpc.access.callers import create_key
from image_grpc.app.hub import run_hub
from image_grpc.app.server import run_server
from image_grpc.app.storage_service import run_storage_service
from image_grpc.quotas import concurrency, counters, rates
from image_grpc.settings import EmbeddedSettings, InvalidSettings, load
from image_grpc.telemetry import Telemetry
from image_grpc_testkit.eventually import eventually
from tests.access.calls import as_caller
from tests.service import (
    MODEL,
    PRICE,
    Provider,
    Service,
    block_generations,
    new_id,
    portrait,
    running_standin,
    service,
    stubs,
)
from tests.statuses import failed_call, failed_stream, read_status


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "REPLY_SECONDS", 60.0)  # on a slow machine, too, the Storage Service counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicas:
    """Two servers on one hub and one Storage Service, as their limited caller sees them."""

    first: Service
    second: Service
    standin: Standin


@asynccontextmanager
async def replicas(folder: Path, provider: Provider | None = None, **limits: Any) -> AsyncIterator[Replicas]:
    """Run two servers whose caller has these limits."""
    key = create_key(folder / "keys", name="game", role="writer")
    (folder / "limits").write_text(json.dumps({"caller": "game", **limits}) + "\n")
    async with running_standin() if provider is None else _same(provider) as standin:
        settings = load(
            EmbeddedSettings,
            listen="127.0.0.1:0",
            data_dir=folder / "data",
            getimg_base_url=standin.url,
            getimg_api_key=standin.standin.api_key,
            model_portrait=MODEL,
            drain_seconds=0,
            heartbeat_seconds=0.1,
            storage_timeout_seconds=60,
            api_keys_file=folder / "keys",
            limits_file=folder / "limits",
        )
        async with (
            run_hub(settings) as hub,
            run_storage_service(settings, hub),
            run_server(settings, hub, Telemetry()) as first,
            run_server(settings, hub, Telemetry()) as second,
            grpc.aio.insecure_channel(first.address) as to_first,
            grpc.aio.insecure_channel(second.address) as to_second,
        ):
            running = app.Running(address=first.address, for_bridge=first.for_bridge, hub=hub)
            yield Replicas(
                first=as_caller(Service(running=running, provider=standin, **stubs(to_first)), key),
                second=as_caller(Service(running=running, provider=standin, **stubs(to_second)), key),
                standin=standin.standin,
            )


@asynccontextmanager
async def _same(provider: Provider) -> AsyncIterator[Provider]:
    yield provider


async def outcomes(calls: list[Any]) -> Counter[str]:
    """Return how often the calls succeeded (an empty name), or failed with each reason."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(read_status(each).reason if isinstance(each, BaseException) else "" for each in results)


def spent(standin: Standin) -> Decimal:
    """Return what the stand-in has billed."""
    return standin.calls * Decimal(PRICE)


async def test_two_replicas_never_exceed_a_budget(tmp_path: Path) -> None:
    async with replicas(tmp_path, cost_per_day="0.05") as both:
        calls = [each.generate(portrait(details=new_id())) for each in (both.first, both.second) for _ in range(10)]
        assert await outcomes(calls) == {"": 10, "QUOTA_EXCEEDED": 10}
        assert spent(both.standin) == Decimal("0.05")
        status = await failed_call(both.second.generate(portrait(details=new_id())))
        assert status.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert status.quota_subjects == ["caller:game"]
        assert "budget of game" in status.message
        midnight = (datetime.now(UTC) + timedelta(seconds=status.retry_seconds or 0)).replace(microsecond=0)
        assert midnight.time().isoformat()[:5] in ("23:59", "00:00")


async def test_pictures_per_day_count_what_is_generated_only(tmp_path: Path) -> None:
    async with replicas(tmp_path, pictures_per_day=2) as both:
        first = await both.first.generate(portrait(details="one"))
        for caller in (both.first, both.second):
            assert (await caller.generate(portrait(details="one"))).image.id == first.image.id
            await caller.generate(portrait(details="three", validate_only=True))
        await both.second.generate(portrait(details="two"))
        status = await failed_call(both.first.generate(portrait(details="three")))
        assert (status.reason, "number of pictures" in status.message) == ("QUOTA_EXCEEDED", True)
        assert both.standin.calls == 2


async def test_a_repeated_request_is_counted_once(tmp_path: Path) -> None:
    async with replicas(tmp_path, pictures_per_day=2, cost_per_day="0.01") as both:
        request = portrait(request_id=new_id())
        made = await asyncio.gather(*(each.generate(request) for each in (both.first, both.second) for _ in range(4)))
        assert len({generation.id for generation in made}) == 1
        await both.second.generate(portrait(details="another"))


async def test_what_failed_or_was_cancelled_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with replicas(tmp_path, pictures_per_day=1, cost_per_day=PRICE) as both:
        both.standin.add_fault(Fault(kind="status", status=400, count=1))
        failed = await both.first.generate(portrait(details="one"))
        assert failed.state == GenerationState.GENERATION_STATE_FAILED
        assert (await both.first.generate(portrait(details="two"))).image.id


async def test_a_limit_holds_until_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading_file, "CHECK_SECONDS", 0.0)
    async with replicas(tmp_path, pictures_per_day=0) as both:
        assert (await failed_call(both.first.generate(portrait()))).reason == "QUOTA_EXCEEDED"
        (tmp_path / "limits").write_text('{"caller": "*", "pictures_per_day": 1}\n')
        await both.first.generate(portrait())
        (tmp_path / "limits").write_text("broken")
        assert (await failed_call(both.first.generate(portrait(details="two")))).reason == "QUOTA_EXCEEDED"
        (tmp_path / "limits").write_text("# nobody\n")
        await both.first.generate(portrait(details="two"))


@pytest.mark.parametrize("storage_replies", [True, False])
async def test_calls_per_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage_replies: bool) -> None:
    now = int(time.time()) + 0.5
    monkeypatch.setattr(rates, "now", lambda: now)
    if not storage_replies:
        monkeypatch.setattr(counters, "REPLY_SECONDS", 0.0)
    async with replicas(tmp_path, calls_per_second=10) as both:
        for _ in range(3):
            calls = [
                each.themes.ListThemes(ListThemesRequest()) for each in (both.first, both.second) for _ in range(30)
            ]
            # Without the Storage Service, each replica counts for itself.
            accepted = 10 if storage_replies else 20
            assert await outcomes(calls) == {"": accepted, "QUOTA_EXCEEDED": 60 - accepted}
            status = await failed_call(both.second.themes.ListThemes(ListThemesRequest()))
            assert status.retry_seconds == 0.5
            now += 1


async def test_concurrent_calls_are_limited_across_replicas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_finish = block_generations(monkeypatch)
    async with replicas(tmp_path, concurrent_calls=5) as both:
        calls = [
            asyncio.ensure_future(each.generate(portrait(details=new_id())))
            for each in (both.first, both.second)
            for _ in range(5)
        ]
        await eventually(lambda: sum(call.done() for call in calls) == 5, "five calls are refused")
        assert (await failed_call(both.first.themes.ListThemes(ListThemesRequest()))).reason == "QUOTA_EXCEEDED"
        may_finish.set()
        assert await outcomes(calls) == {"": 5, "QUOTA_EXCEEDED": 5}
        await eventually(lambda: _succeeds(both.second), "the slots are free again")


async def _succeeds(caller: Service) -> bool:
    try:
        await caller.themes.ListThemes(ListThemesRequest())
    except grpc.aio.AioRpcError:
        return False
    return True


async def test_streams_are_counted_for_as_long_as_they_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "PERIOD_SECONDS", 0.5)
    monkeypatch.setattr(concurrency, "UPDATE_SECONDS", 0.1)
    async with replicas(tmp_path, concurrent_streams=2) as both:
        watches = [each.images.WatchImages(WatchImagesRequest()) for each in (both.first, both.second)]
        for watch in watches:
            await watch.initial_metadata()
        end = time.monotonic() + 2  # several periods of the counters
        while time.monotonic() < end:
            status = await failed_stream(both.second.images.WatchImages(WatchImagesRequest()))
            assert status.reason == "QUOTA_EXCEEDED"
            await both.first.themes.ListThemes(ListThemesRequest())
        watches[0].cancel()
        await eventually(lambda: _accepted(both.second), "a stream is accepted again")
        watches[1].cancel()


async def _accepted(caller: Service) -> bool:
    watch = caller.images.WatchImages(WatchImagesRequest())
    try:
        await watch.initial_metadata()
        return await watch.code() is None if watch.done() else True
    finally:
        watch.cancel()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{}", "line 1: caller"),
        ('{"caller": "a", "calls": 1}', "line 1: calls"),
        ('{"caller": "a", "calls_per_second": 0}', "line 1: calls_per_second"),
        ('{"caller": "a", "cost_per_day": "-1"}', "line 1: cost_per_day"),
        ('# comment\n{"caller": "a"}\n{"caller": "a"}', "line 3: a has limits already"),
    ],
)
async def test_a_start_with_an_invalid_file_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "limits").write_text(line)
    with pytest.raises(InvalidSettings, match=problem):
        async with service(tmp_path / "data", limits_file=tmp_path / "limits"):
            pass
