"""The pipeline: what becomes of a job when its step returns, or raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.internal.v1.job_pb2 import GenerateJob, StoreJob
from tabletop.image.internal.v1.provider_result_pb2 import ProviderResult
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.correlation import current_correlation_id
from image_grpc.errors import RequestIdReused, ServiceError, StorageServiceError, VersionConflict
from image_grpc.generation import jobs as job_messages
from image_grpc.generation import pipeline as pipeline_module
from image_grpc.generation import states
from image_grpc.generation.pipeline import Pipeline, Steps
from image_grpc.generation.repository import GenerationRepository
from image_grpc.generation.requeue import requeue_unfinished
from image_grpc.generation.steps.generate import Generated
from image_grpc.hub import Ack, Delivery, Retry, Settlement, topology
from image_grpc.hub.memory import MemoryHub
from image_grpc.retry import MAX_HANDLER_FAULTS, PEER_UNAVAILABLE_SECONDS, RetryLadder
from image_grpc.settings import ServerSettings, load
from image_grpc.storage import Storage, collection
from image_grpc.telemetry import Telemetry
from image_grpc.weighted_fair_semaphore import Closed, WeightedFairSemaphore
from image_grpc_testkit.eventually import eventually
from tests.generation.builders import portrait, provider_result, queued
from tests.generation.conftest import Database, Jobs

QUEUE = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]
STORE_CONCURRENCY = 2


class ScriptedSteps:
    """Both steps: record how they were called, then do what a test wants."""

    def __init__(self) -> None:
        self.generated: list[tuple[GenerationRecord, Priority]] = []
        self.stored: list[tuple[GenerationRecord, ProviderResult, int]] = []
        self.correlation_ids: list[str] = []
        self.act: Callable[[], Awaitable[Settlement]] = self.acknowledge
        self.result: ProviderResult | None = None
        """The result of generating, if it is not what `act` returns."""

    async def acknowledge(self) -> Settlement:
        return Ack()

    async def generate(self, record: GenerationRecord, priority: Priority) -> Settlement | Generated:
        self.generated.append((record, priority))
        self.correlation_ids.append(current_correlation_id())
        return Generated(states.storing(record, self.result)) if self.result is not None else await self.act()

    async def store(self, record: GenerationRecord, result: ProviderResult, attempt: int) -> Settlement:
        self.stored.append((record, result, attempt))
        return await self.act()


@pytest.fixture
async def hub() -> AsyncIterator[MemoryHub]:
    hub = MemoryHub(ladder=RetryLadder((0.01, 0.02)))
    await hub.start()
    yield hub
    await hub.close()


@pytest.fixture
def steps() -> ScriptedSteps:
    return ScriptedSteps()


@pytest_asyncio.fixture
async def pipeline(
    hub: MemoryHub,
    generations: GenerationRepository,
    semaphore: WeightedFairSemaphore[Priority],
    steps: ScriptedSteps,
    telemetry: Telemetry,
) -> AsyncIterator[Pipeline]:
    pipeline = Pipeline(
        load(ServerSettings, shutdown_grace_seconds=1, generation_concurrency=1, store_concurrency=STORE_CONCURRENCY),
        hub,
        generations,
        semaphore,
        Steps(generate=steps.generate, store=steps.store),  # type: ignore[arg-type]
        telemetry,
    )
    await pipeline.start()
    yield pipeline
    await pipeline.stop()


@pytest.mark.parametrize("priority", [each for each in Priority.values() if each], ids=Priority.Name)
@pytest.mark.usefixtures("pipeline")
async def test_a_generate_job_runs_its_step_with_the_stored_record(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, telemetry: Telemetry, priority: Priority
) -> None:
    record = await database.add_generation(queued(portrait(priority=priority)))
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: bool(steps.generated), "the step runs")
    assert steps.generated == [(record, priority)]
    assert steps.correlation_ids == [record.correlation_id]
    await eventually(lambda: telemetry.counters.generations_unfinished == 0, "the step ends")


@pytest.mark.usefixtures("pipeline")
async def test_a_store_job_runs_its_step_with_result_and_attempt(
    hub: MemoryHub, steps: ScriptedSteps, database: Database
) -> None:
    record, result = await database.add_generation(queued()), provider_result()
    await hub.publish(job_messages.store_job(record, result), timeout=1)
    await eventually(lambda: bool(steps.stored), "the step runs")
    assert steps.stored == [(record, result, 1)]


@pytest.mark.usefixtures("pipeline")
async def test_a_generated_picture_is_stored_by_the_same_delivery(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, jobs: Jobs, telemetry: Telemetry
) -> None:
    record, steps.result = await database.add_generation(queued()), provider_result()
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: bool(steps.stored), "the picture is stored")
    assert steps.stored == [(states.storing(record, steps.result), steps.result, 1)]
    await eventually(lambda: telemetry.counters.generations_unfinished == 0, "the job ends")
    assert len(steps.generated) == len(steps.stored) == 1
    assert (await jobs.count(QUEUE), await jobs.count(topology.STORE_QUEUE)) == (0, 0)


@pytest.mark.parametrize("failure", [None, StorageServiceError("away"), VersionConflict("changed")], ids=str)
@pytest.mark.usefixtures("pipeline")
async def test_a_picture_that_cannot_be_stored_yet_is_left_to_the_next_delivery(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, failure: ServiceError | None
) -> None:
    record, steps.result = await database.add_generation(queued()), provider_result()

    async def fail() -> Settlement:
        steps.act, steps.result = steps.acknowledge, None
        if failure is not None:
            raise failure
        return Retry(0, "HTTP 503")

    steps.act = fail
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: len(steps.generated) == 2, "the job is delivered again")
    assert len(steps.stored) == 1


@pytest.mark.usefixtures("pipeline")
async def test_a_fault_in_storing_is_no_fault_of_the_job_that_generated(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, jobs: Jobs
) -> None:
    record, failures = await database.add_generation(queued()), [VersionConflict("changed")] * MAX_HANDLER_FAULTS

    async def fail() -> Settlement:
        if failures:
            raise failures.pop()
        if not steps.stored:
            steps.result = provider_result()
            return Retry(0, "soon")
        steps.act, steps.result = steps.acknowledge, None
        raise ValueError("a bug")

    steps.act = fail
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    # After the conflicts, one delivery without a result, one whose picture is not stored, and the last one.
    await eventually(lambda: len(steps.generated) == MAX_HANDLER_FAULTS + 3, "the job is delivered again")
    assert len(steps.stored) == 1
    assert await jobs.count(topology.DEAD_QUEUE) == 0


async def fill_store_slots(hub: MemoryHub, steps: ScriptedSteps, database: Database) -> asyncio.Event:
    """Let as many pictures be stored as are allowed at once, until the returned event is set."""
    may_end, steps.result = asyncio.Event(), provider_result()

    async def wait() -> Settlement:
        await may_end.wait()
        return Ack()

    steps.act = wait
    for _ in range(STORE_CONCURRENCY):
        await publish_new_job(hub, database)
    await eventually(lambda: len(steps.stored) == STORE_CONCURRENCY, "pictures are being stored")
    return may_end


async def publish_new_job(hub: MemoryHub, database: Database) -> None:
    record = await database.add_generation(queued())
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)


@pytest.mark.usefixtures("pipeline")
async def test_few_pictures_are_stored_at_once(hub: MemoryHub, steps: ScriptedSteps, database: Database) -> None:
    may_end = await fill_store_slots(hub, steps, database)
    await publish_new_job(hub, database)
    other = await database.add_generation(queued())
    await hub.publish(job_messages.store_job(other, provider_result()), timeout=1)
    await eventually(lambda: len(steps.generated) == STORE_CONCURRENCY + 1, "others are generated meanwhile")
    await asyncio.sleep(0.05)
    assert len(steps.stored) == STORE_CONCURRENCY
    may_end.set()
    await eventually(lambda: len(steps.stored) == STORE_CONCURRENCY + 2, "the others follow")


@pytest.mark.usefixtures("pipeline")
async def test_a_picture_that_waits_too_long_is_left_to_the_next_delivery(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_module, "MAX_WAIT_SECONDS", 0.01)
    may_end = await fill_store_slots(hub, steps, database)
    await publish_new_job(hub, database)
    await eventually(lambda: len(steps.generated) > STORE_CONCURRENCY + 1, "the job is delivered again")
    assert len(steps.stored) == STORE_CONCURRENCY
    may_end.set()


async def test_a_stopping_pipeline_stores_the_pictures_that_are_generated(
    hub: MemoryHub, pipeline: Pipeline, steps: ScriptedSteps, database: Database, jobs: Jobs
) -> None:
    may_end = await fill_store_slots(hub, steps, database)
    await publish_new_job(hub, database)
    await eventually(lambda: len(steps.generated) == STORE_CONCURRENCY + 1, "one waits to be stored")
    stopping = asyncio.create_task(pipeline.stop())
    await asyncio.sleep(0.05)
    may_end.set()
    await stopping
    assert len(steps.stored) == STORE_CONCURRENCY + 1
    assert await jobs.count(QUEUE) == 0


async def test_a_redelivered_job_waits_while_its_picture_is_stored(
    hub: MemoryHub, pipeline: Pipeline, steps: ScriptedSteps, database: Database
) -> None:
    may_end = await fill_store_slots(hub, steps, database)
    record = steps.stored[0][0]
    envelope = job_messages.generate_job(record, record.generation.version).envelope
    delivery = Delivery(envelope=envelope, queue=QUEUE, routing_key=QUEUE, redelivered=True)
    settlement = await pipeline._handle_generate(Priority.PRIORITY_NORMAL, delivery)
    assert settlement == Retry(PEER_UNAVAILABLE_SECONDS, "the picture is being stored")
    may_end.set()


@pytest.mark.usefixtures("pipeline")
async def test_an_ended_generation_runs_no_step(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, jobs: Jobs
) -> None:
    ended = await database.add_generation(states.cancelled(queued()))
    open_ = await database.add_generation(queued())
    for record in (ended, open_):
        await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: bool(steps.generated), "the other step runs")
    assert [record.generation.id for record, _ in steps.generated] == [open_.generation.id]
    assert await jobs.count(topology.DEAD_QUEUE) == 0


@pytest.mark.usefixtures("pipeline")
async def test_a_job_of_an_unknown_generation_is_a_dead_letter(hub: MemoryHub) -> None:
    reasons: list[str] = []

    async def read(delivery: Delivery) -> Settlement:
        reasons.append(delivery.headers["reason"])
        return Ack()

    reader = await hub.consume(topology.DEAD_QUEUE, read, concurrency=1)
    unknown = queued()
    job = job_messages.generate_job(unknown, 1)
    job.envelope.payload_bytes = GenerateJob(generation_id=unknown.generation.id).SerializeToString()
    await hub.publish(job, timeout=1)
    await eventually(lambda: bool(reasons), "the job is a dead letter")
    assert reasons == [f"generation {unknown.generation.id} does not exist"]
    await reader.stop(grace=1)


@pytest.mark.usefixtures("pipeline")
async def test_a_delivery_that_may_follow_changes_reads_the_record(
    hub: MemoryHub, steps: ScriptedSteps, database: Database
) -> None:
    record = await database.add_generation(queued())
    failures = [VersionConflict("changed")]

    async def conflict_once() -> Settlement:
        if failures:
            await database.touch(record.generation.id)
            raise failures.pop()
        return Ack()

    steps.act = conflict_once
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: len(steps.generated) == 2, "the job is delivered again")
    assert [each.generation.version for each, _ in steps.generated] == [1, 2]


@pytest.mark.parametrize(
    "failure",
    [StorageServiceError("away"), VersionConflict("changed"), RequestIdReused("stored"), Closed()],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.usefixtures("pipeline")
async def test_a_job_that_cannot_go_on_is_retried(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, failure: ServiceError | Closed
) -> None:
    record = await database.add_generation(queued())
    failures: list[Exception] = [failure] * (MAX_HANDLER_FAULTS + 1)

    async def fail_at_first() -> Settlement:
        if failures:
            raise failures.pop()
        return Ack()

    steps.act = fail_at_first
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: len(steps.generated) == MAX_HANDLER_FAULTS + 2, "the step runs until it succeeds")


@pytest.mark.usefixtures("pipeline")
async def test_a_generation_has_one_step_in_progress(
    hub: MemoryHub, steps: ScriptedSteps, database: Database, telemetry: Telemetry
) -> None:
    record = await database.add_generation(queued())
    may_end = asyncio.Event()

    async def wait() -> Settlement:
        await may_end.wait()
        return Ack()

    steps.act = wait
    for _ in range(2):
        await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: bool(steps.generated), "the step runs")
    await asyncio.sleep(0.05)
    assert len(steps.generated) == 1
    assert telemetry.counters.generations_unfinished == 1
    may_end.set()
    await eventually(lambda: len(steps.generated) == 2, "the second delivery follows")


async def test_a_stopped_pipeline_finishes_its_steps_and_takes_no_more(
    hub: MemoryHub, pipeline: Pipeline, steps: ScriptedSteps, database: Database, jobs: Jobs
) -> None:
    record, other = await database.add_generation(queued()), await database.add_generation(queued())
    finished = []

    async def wait() -> Settlement:
        await asyncio.sleep(0.1)
        finished.append(True)
        return Ack()

    steps.act = wait
    await hub.publish(job_messages.generate_job(record, record.generation.version), timeout=1)
    await eventually(lambda: bool(steps.generated), "the step runs")
    await pipeline.stop()
    assert finished == [True]
    await hub.publish(job_messages.generate_job(other, other.generation.version), timeout=1)
    await hub.publish(job_messages.store_job(other, provider_result()), timeout=1)
    await asyncio.sleep(0.05)
    assert (await jobs.count(QUEUE), await jobs.count(topology.STORE_QUEUE)) == (1, 1)


async def test_stopping_refuses_the_jobs_that_wait_for_a_slot(
    pipeline: Pipeline, semaphore: WeightedFairSemaphore[Priority]
) -> None:
    await pipeline.stop()
    with pytest.raises(Closed):
        async with semaphore.slot(Priority.PRIORITY_HIGH):
            pass


# Requeuing


async def test_unfinished_generations_are_requeued_at_their_step(
    hub: MemoryHub, storage: Storage, database: Database, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "MAX_PAGE_SIZE", 2)
    waiting = [queued(), states.generating(queued(), owner="me", lease_seconds=90)]
    generated = [states.storing(queued(), provider_result()) for _ in range(2)]
    ended = [states.cancelled(queued()), states.served_by(queued(), queued())]
    await database.add(*waiting, *generated, *ended)
    assert await requeue_unfinished(hub, storage) == 4
    for queue, kind, records in ((QUEUE, GenerateJob, waiting), (topology.STORE_QUEUE, StoreJob, generated)):
        published = await jobs.take(queue, kind)
        assert [job.generation_id for job in published] == [record.generation.id for record in records]
        assert all([await database.has_current(job) for job in published])


def test_a_job_carries_the_trace_and_the_correlation_id_of_its_request() -> None:
    record = queued()
    record.correlation_id, record.traceparent = "campaign-9", "00-trace"
    job = job_messages.generate_job(record, record.generation.version)
    assert (job.envelope.correlation_id, job.envelope.type) == ("campaign-9", topology.GENERATE_JOB)
    assert dict(job.headers) == {"traceparent": "00-trace"}
    assert job.mandatory
    record.traceparent = ""
    assert dict(job_messages.store_job(record, provider_result()).headers) == {}
