"""The status of the process and of what it depends on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1 import status_service_pb2 as pb
from tabletop.image.v1.types_pb2 import Priority

from image_grpc import __version__
from image_grpc.deadline import remaining
from image_grpc.errors import HubError
from image_grpc.generation import jobs
from image_grpc.getimg import BalanceMonitor
from image_grpc.hub import Ack, Delivery, QueueState, Settlement, topology
from image_grpc.service_status import PROBE_SECONDS, DependencyMonitor, StatusReporter
from image_grpc.telemetry_counters import Counters
from image_grpc_testkit.contracts.records import a_generation
from image_grpc_testkit.eventually import eventually
from tests.storage.fake_service import Bench, storage_bench

HEALTHY, DEGRADED, UNHEALTHY = pb.HEALTH_STATUS_HEALTHY, pb.HEALTH_STATUS_DEGRADED, pb.HEALTH_STATUS_UNHEALTHY
DEPTHS = {
    topology.GENERATE_QUEUES[Priority.PRIORITY_HIGH]: 1,
    topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]: 20,
    topology.GENERATE_QUEUES[Priority.PRIORITY_LOW]: 300,
    topology.STORE_QUEUE: 4000,
    topology.DEAD_QUEUE: 50_000,
    topology.STORAGE_QUEUE: 600_000,
    topology.BRIDGE_REQUESTS_QUEUE: 7_000_000,
    topology.BRIDGE_EVENTS_QUEUE: 80_000_000,
}


@dataclass
class Provider:
    configured: bool = True
    last_failure: str = ""


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with storage_bench() as bench:
        yield bench


def reporter(
    bench: Bench,
    provider: Provider | None = None,
    monitor: DependencyMonitor | None = None,
    counters: Counters | None = None,
    balance: str | None = None,
) -> StatusReporter:
    watch = BalanceMonitor(Any, low=Decimal(10))
    watch.balance = Decimal(balance) if balance is not None else None
    return StatusReporter(
        bench.hub,
        bench.client,
        provider or Provider(),
        monitor or DependencyMonitor(bench.hub, bench.client),
        counters or Counters(),
        watch,
    )


class TestMonitor:
    async def test_the_jobs_of_all_priorities_and_of_the_store_step_are_counted(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def queue_state(queue: str) -> QueueState:
            return QueueState(messages=DEPTHS[queue], consumers=1)

        monkeypatch.setattr(bench.hub, "queue_state", queue_state)
        monitor = DependencyMonitor(bench.hub, bench.client)
        assert monitor.queued == 0
        await monitor.probe()
        assert monitor.queued == 4321

    async def test_jobs_on_a_real_hub_are_counted(self, bench: Bench) -> None:
        for priority, count in ((Priority.PRIORITY_HIGH, 1), (Priority.PRIORITY_LOW, 2)):
            for _ in range(count):
                record = a_generation()
                record.generation.request.portrait.priority = priority
                await bench.hub.publish(jobs.generate_job(record, record.generation.version), timeout=1)
        await bench.hub.publish(jobs.store_job(a_generation(), ProviderResult()), timeout=1)
        monitor = DependencyMonitor(bench.hub, bench.client)
        await monitor.probe()
        assert monitor.queued == 4

    async def test_a_queue_without_the_consumer_that_it_needs_is_noticed(self, bench: Bench) -> None:
        async def handle(delivery: Delivery) -> Settlement:
            return Ack()

        async def missing() -> set[str]:
            await monitor.probe()
            return {queue for queue, is_missing in monitor.missing_consumers.items() if is_missing}

        monitor = DependencyMonitor(bench.hub, bench.client)
        jobs_ = {topology.STORE_QUEUE, *topology.GENERATE_QUEUES.values()}
        assert await missing() == jobs_
        consumers = [await bench.hub.consume(queue, handle, concurrency=1) for queue in sorted(jobs_)]
        assert await missing() == set()
        await consumers[0].stop(grace=1)
        assert await missing() == {sorted(jobs_)[0]}

    async def test_the_bridge_is_missed_once_it_was_seen_or_messages_wait_for_it(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        states = {queue.name: QueueState(messages=0, consumers=0) for queue in topology.QUEUES}
        states[topology.DEAD_QUEUE] = QueueState(messages=7, consumers=0)

        async def queue_state(queue: str) -> QueueState:
            return states[queue]

        async def missing(**state: int) -> tuple[bool, bool]:
            """Return whether the consumer of bridge requests is missing, and any of the others that are optional."""
            states[topology.BRIDGE_REQUESTS_QUEUE] = QueueState(**state)
            await monitor.probe()
            others = (topology.BRIDGE_EVENTS_QUEUE, topology.DEAD_QUEUE)
            return monitor.missing_consumers[topology.BRIDGE_REQUESTS_QUEUE], any(
                monitor.missing_consumers.get(queue) for queue in others
            )

        monkeypatch.setattr(bench.hub, "queue_state", queue_state)
        monitor = DependencyMonitor(bench.hub, bench.client)
        assert await missing(messages=0, consumers=0) == (False, False)
        assert await missing(messages=1, consumers=0) == (True, False)
        assert await missing(messages=1, consumers=1) == (False, False)
        assert await missing(messages=0, consumers=0) == (True, False)

    async def test_a_probe_notices_that_the_storage_service_fails_and_recovers(self, bench: Bench) -> None:
        monitor = DependencyMonitor(bench.hub, bench.client)
        bench.service.error_code = "STORAGE_SERVICE_ERROR"
        await monitor.probe()
        assert "STORAGE_SERVICE_ERROR" in bench.client.last_failure
        bench.service.error_code = ""
        await monitor.probe()
        assert bench.client.last_failure == ""

    async def test_a_probe_has_a_time_limit(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        limits: list[float] = []

        async def probe() -> None:
            limits.append(remaining(3600))

        monkeypatch.setattr(bench.client, "probe", probe)
        await DependencyMonitor(bench.hub, bench.client).probe()
        assert 0 < limits[0] <= PROBE_SECONDS

    @pytest.mark.parametrize("error", [HubError("away"), RuntimeError("unexpected")])
    async def test_a_failed_probe_keeps_the_last_count(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        async def fail(queue: str) -> int:
            raise error

        monitor = DependencyMonitor(bench.hub, bench.client)
        monitor.depths = {topology.STORE_QUEUE: 7}
        monkeypatch.setattr(bench.hub, "queue_state", fail)
        await monitor.probe()
        assert monitor.queued == 7

    async def test_it_probes_until_it_is_cancelled(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        probes = 0

        async def probe() -> None:
            nonlocal probes
            probes += 1

        monkeypatch.setattr("image_grpc.service_status.PROBE_SECONDS", 0.001)
        monitor = DependencyMonitor(bench.hub, bench.client)
        monkeypatch.setattr(monitor, "probe", probe)
        task = asyncio.create_task(monitor.run())
        await eventually(lambda: probes >= 3, "three probes")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()


class TestReport:
    async def test_all_is_healthy(self, bench: Bench) -> None:
        report = reporter(bench).report()
        assert (report.status, report.version) == (HEALTHY, __version__)
        dependencies = report.dependencies
        for dependency in (
            dependencies.message_hub,
            dependencies.storage_service,
            dependencies.getimg_api,
            dependencies.object_store,
            dependencies.cache,
        ):
            assert (dependency.status, dependency.message) == (HEALTHY, "")

    async def test_without_the_hub_it_is_unhealthy(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench.hub, "problem", "not connected")
        report = reporter(bench, Provider(last_failure="down")).report()
        assert report.status == UNHEALTHY
        hub = report.dependencies.message_hub
        assert (hub.status, hub.message) == (UNHEALTHY, "not connected")

    async def test_without_the_storage_service_it_is_degraded(self, bench: Bench) -> None:
        bench.service.error_code = "STORAGE_SERVICE_ERROR"
        await DependencyMonitor(bench.hub, bench.client).probe()
        report = reporter(bench).report()
        assert report.status == DEGRADED
        assert report.dependencies.storage_service.status == UNHEALTHY
        assert report.dependencies.storage_service.message == bench.client.last_failure

    @pytest.mark.parametrize(("skew", "text"), [(5.0, "5.0 s ahead"), (-7.5, "7.5 s behind")])
    async def test_a_clock_that_differs_is_a_warning(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, skew: float, text: str
    ) -> None:
        monkeypatch.setattr(bench.hub, "clock_skew", skew)
        report = reporter(bench).report()
        assert (report.status, list(report.warnings)) == (DEGRADED, [f"the clock of another host is {text}"])

    async def test_stalled_generations_are_a_warning(self, bench: Bench) -> None:
        report = reporter(bench, counters=Counters(generations_stalled=3)).report()
        assert report.status == DEGRADED
        assert report.metrics.stalled_generations == 3
        assert report.warnings[0].startswith("3 generations made no progress")

    @pytest.mark.parametrize(("balance", "low"), [(None, False), ("10", False), ("9.99", True), ("0", True)])
    async def test_a_low_balance_is_a_warning(self, bench: Bench, balance: str | None, low: bool) -> None:
        report = reporter(bench, balance=balance).report()
        assert (report.status == DEGRADED) == low
        assert [f"the balance at GetImg.AI is {balance} USD; top it up"] * low == list(report.warnings)

    @pytest.mark.parametrize(
        ("provider", "message"),
        [
            (Provider(last_failure="HTTP 500"), "HTTP 500"),
            (Provider(configured=False), "GETIMG_API_KEY is not set"),
            (Provider(configured=False, last_failure="HTTP 500"), "GETIMG_API_KEY is not set"),
        ],
        ids=str,
    )
    async def test_without_getimg_it_is_degraded(self, bench: Bench, provider: Provider, message: str) -> None:
        report = reporter(bench, provider).report()
        assert report.status == DEGRADED
        getimg = report.dependencies.getimg_api
        assert (getimg.status, getimg.message) == (UNHEALTHY, message)

    async def test_the_metrics_are_those_of_the_process_and_of_the_hub(self, bench: Bench) -> None:
        monitor = DependencyMonitor(bench.hub, bench.client)
        monitor.depths = {topology.STORE_QUEUE: 100}
        counters = Counters(
            images_generated=3, generations_failed=1, generations_unfinished=5, cache_hits=1, cache_misses=3
        )
        assert reporter(bench, monitor=monitor, counters=counters).report().metrics == pb.Metrics(
            images_generated=3, generation_queue=105, error_rate=0.25, cache_hit_rate=0.25, interrupted_cost="0"
        )
