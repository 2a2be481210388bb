"""The status of this process and of what it depends on."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import structlog
from tabletop.image.v1 import status_service_pb2 as pb

from image_grpc import __version__
from image_grpc.deadline import deadline_in
from image_grpc.errors import ServiceError
from image_grpc.getimg import BalanceMonitor, GetimgClient
from image_grpc.hub import Hub, topology
from image_grpc.storage import ImageStorageClient
from image_grpc.telemetry_counters import Counters

log = structlog.get_logger(__name__)

PROBE_SECONDS = 5.0
"""Time limit of a probe, and pause between two."""

_JOB_QUEUES = (*topology.GENERATE_QUEUES.values(), topology.STORE_QUEUE)
_CONSUMED_QUEUES = (topology.STORAGE_QUEUE, *_JOB_QUEUES)
"""Queues that nothing works without a consumer of. The bridge is optional."""

HEALTHY = pb.HealthStatus.HEALTH_STATUS_HEALTHY
DEGRADED = pb.HealthStatus.HEALTH_STATUS_DEGRADED
UNHEALTHY = pb.HealthStatus.HEALTH_STATUS_UNHEALTHY


class DependencyMonitor:
    """Probes the Storage Service and the hub periodically."""

    def __init__(self, hub: Hub, storage: ImageStorageClient) -> None:
        self._hub, self._storage = hub, storage
        self.depths: dict[str, int] = {}
        """Number of messages that wait in each queue."""
        self.missing_consumers: dict[str, bool] = {}
        """Whether each queue should have a consumer, of any process, and has none."""
        self._consumed = set(_CONSUMED_QUEUES)

    @property
    def queued(self) -> int:
        """Jobs that wait on the hub, of both steps of the pipeline."""
        return sum(self.depths.get(queue, 0) for queue in _JOB_QUEUES)

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Probe once. Failures are logged."""
        for probe in (self._probe_storage, self._count_queued):
            try:
                await probe()
            except ServiceError as failure:
                log.warning("probe failed", problem=failure.message)
            except Exception:  # the next probe may succeed
                log.exception("probe failed")

    async def _probe_storage(self) -> None:
        with deadline_in(PROBE_SECONDS):
            await self._storage.probe()

    async def _count_queued(self) -> None:
        states = {queue.name: await self._hub.queue_state(queue.name) for queue in topology.QUEUES}
        self.depths = {name: state.messages for name, state in states.items()}
        self._consumed |= {name for name, state in states.items() if state.consumers}
        self.missing_consumers = {
            name: not state.consumers and (name in self._consumed or state.messages > 0)
            for name, state in states.items()
            if name != topology.DEAD_QUEUE
        }


@dataclass(frozen=True, slots=True)
class StatusReporter:
    """Assembles the status from what is in memory."""

    hub: Hub
    storage: ImageStorageClient
    getimg: GetimgClient
    monitor: DependencyMonitor
    counters: Counters
    balance: BalanceMonitor

    def report(self) -> pb.GetStatusResponse:
        """Return the current status."""
        dependencies = pb.Dependencies(**{name: _dependency(problem) for name, problem in self.problems().items()})
        counters, warnings = self.counters, list(self._warnings())
        return pb.GetStatusResponse(
            status=_overall(dependencies, warnings),
            warnings=warnings,
            version=__version__,
            dependencies=dependencies,
            metrics=pb.Metrics(
                images_generated=counters.images_generated,
                generation_queue=counters.generations_unfinished + self.monitor.queued,
                error_rate=counters.error_rate,
                cache_hit_rate=counters.cache_hit_rate,
                stalled_generations=counters.generations_stalled,
                interrupted_calls=counters.interrupted_calls,
                interrupted_cost=format(counters.interrupted_cost, "f"),
            ),
        )

    def problems(self) -> dict[str, str]:
        """Return the problem of each dependency, by the names of `Dependencies`; empty for none."""
        return {
            "message_hub": self.hub.problem,
            "storage_service": self.storage.last_failure,
            "object_store": self.storage.last_blob_failure,
            "getimg_api": self.getimg.last_failure if self.getimg.configured else "GETIMG_API_KEY is not set",
            "cache": "",
        }

    def is_ready(self) -> bool:
        """Whether the hub, the Storage Service and its object store work."""
        return not (self.hub.problem or self.storage.last_failure or self.storage.last_blob_failure)

    def _warnings(self) -> Iterator[str]:
        if skew := self.hub.clock_skew:
            yield f"the clock of another host is {abs(skew):.1f} s {'ahead' if skew > 0 else 'behind'}"
        if self.balance.is_low:
            yield f"the balance at GetImg.AI is {self.balance.balance:f} USD; top it up"
        if stalled := self.counters.generations_stalled:
            yield f"{stalled} generations made no progress; their jobs were queued again"


def _dependency(problem: str) -> pb.Dependency:
    return pb.Dependency(status=UNHEALTHY if problem else HEALTHY, message=problem)


def _overall(dependencies: pb.Dependencies, warnings: Collection[str]) -> pb.HealthStatus:
    """Without the hub nothing works; without another dependency some things still do."""
    if dependencies.message_hub.status != HEALTHY:
        return UNHEALTHY
    return (
        HEALTHY if not warnings and all(each.status == HEALTHY for _, each in dependencies.ListFields()) else DEGRADED
    )
