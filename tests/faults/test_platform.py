"""No accepted generation is lost when servers, Storage Service replicas, the broker or connections fail.

`python -m tests.faults` runs the complete scenario; these tests are the part that is short enough for every run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aio_pika
import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from tabletop.image.internal.v1.job_pb2 import GenerateJob
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.image_service_pb2 import GetImageRequest, ReadImageRequest
from tabletop.image.v1.types_pb2 import Priority

from image_grpc.hub import envelope as envelopes
from image_grpc.hub import topology
from image_grpc_testkit.eventually import eventually
from tests.faults.callers import CALL_SECONDS, PAUSE_SECONDS, Callers, History, detail, portrait_request, reason
from tests.faults.checker import check
from tests.faults.injection import cut_repeatedly, kill_and_restart
from tests.faults.platform import Platform, Server, run_platform

# The tests share one platform, and therefore one event loop. pytest-xdist runs a file in one process (loadfile).
pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

MAX_WAIT_SECONDS = 300.0
DEADLINE_SECONDS = 4.0
GETIMG_SECONDS = 40.0
"""Timeout of calls to GetImg.AI, from which the duration of leases follows.

It must exceed every outage, even on a slow machine: when a lease expires, another server generates the picture again.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The platform that the tests share, with its callers and the history of the run."""

    platform: Platform
    callers: Callers
    history: History

    async def assert_nothing_lost(self) -> None:
        """Wait until all accepted generations end, and check that all guarantees hold."""
        report = await check(self.platform, self.callers, self.history, timeout=MAX_WAIT_SECONDS)
        print(report.summary(self.history))
        assert report.lost == []
        assert report.wrongly_rejected == []
        assert report.unexpected == []
        assert report.completed == len(self.history.accepted)

    async def generate(self, details: str) -> Generation:
        """Request a picture and return its generation, which must succeed."""
        id_ = await self.callers.request_picture(portrait_request(details))
        generation = await self.callers.wait_until_final(id_)
        assert generation.state == GenerationState.GENERATION_STATE_SUCCEEDED
        return generation


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Environment]:
    folder = tmp_path_factory.mktemp("platform")
    history = History()
    async with run_platform(folder, latency=0.3, variety=1, getimg_timeout=GETIMG_SECONDS) as running:
        yield Environment(platform=running, callers=Callers(running, history), history=history)


async def wait_for_storage_error(callers: Callers) -> list[GeneratePortraitRequest]:
    """Send requests until one fails with STORAGE_SERVICE_ERROR and a retry delay before its own deadline.

    Returns all requests that failed, so that they can be repeated.
    """
    failed: list[GeneratePortraitRequest] = []
    while True:
        request, error = await callers.request_until_error(DEADLINE_SECONDS)
        failed.append(request)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            continue  # the machine was too slow for the response
        assert reason(error) == "UNAVAILABLE STORAGE_SERVICE_ERROR"
        retry = detail(error, error_details_pb2.RetryInfo)
        assert retry is not None
        assert retry.retry_delay.ToMilliseconds() > 0
        return failed


async def test_no_generation_is_lost_when_processes_are_killed_and_connections_cut(environment: Environment) -> None:
    running, history = environment.platform, environment.history
    async with asyncio.TaskGroup() as requests:
        requests.create_task(environment.callers.request_pictures(32, "meanwhile", over_seconds=14))
        await asyncio.sleep(0.5)
        async with history.fault("a server and a storage process killed"):
            await asyncio.gather(
                kill_and_restart(running, running.servers[0].program, history),
                kill_and_restart(running, running.storages[0], history),
            )
        async with history.fault("connections cut"):
            await cut_repeatedly([running.hub_proxy, running.database_proxy], times=4, interval=0.7)
        async with history.fault("broker restarted"):
            await running.restart_broker()
    await environment.assert_nothing_lost()


async def test_calls_fail_but_cached_images_are_readable_while_storage_is_unavailable(environment: Environment) -> None:
    picture = await environment.generate("cached before")
    server = environment.platform.servers[0]
    expected = await retry_read(server, picture.image.id)

    await environment.callers.request_pictures(4, "accepted before")
    failed: list[GeneratePortraitRequest] = []

    async def cached_image_is_readable() -> bool:
        for storage in environment.platform.storages:
            storage.pause()
        failed.extend(await wait_for_storage_error(environment.callers))
        try:
            data = await read(server, picture.image.id)
        except grpc.aio.AioRpcError:
            data = b""  # no longer cached: the change feed reported its creation after it was read
        for storage in environment.platform.storages:
            storage.resume()
        if data:
            assert data == expected
        else:
            await retry_read(server, picture.image.id)
        return bool(data)

    await eventually(cached_image_is_readable, "a cached image is read while storage is paused")
    for request in failed:
        await environment.callers.request_picture(request)
    await environment.assert_nothing_lost()


async def read(server: Server, image_id: str) -> bytes:
    """Get an image, and return its bytes."""
    await server.images.GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS)
    parts = server.images.ReadImage(ReadImageRequest(image_id=image_id), timeout=CALL_SECONDS)
    return b"".join([part.data async for part in parts])


async def retry_read(server: Server, image_id: str) -> bytes:
    """Repeat `read` until it succeeds."""
    while True:
        try:
            return await read(server, image_id)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(PAUSE_SECONDS)


async def test_unprocessable_messages_are_dead_lettered_without_blocking_others(environment: Environment) -> None:
    queue = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]
    job = GenerateJob(generation_id="0f6ed0d2-9d0a-4d0e-9c51-111111111111")
    orphan, content_type = envelopes.encode(
        envelopes.protobuf_envelope(topology.GENERATE_JOB, job, correlation_id="test")
    )
    async with environment.platform.channel() as channel:
        send = channel.default_exchange.publish
        await send(aio_pika.Message(b"\x00garbage", content_type="application/json"), queue)
        await send(aio_pika.Message(orphan, content_type=content_type), queue)
        await environment.generate("behind them")

        dead = await channel.get_queue(topology.DEAD_QUEUE)
        reasons: list[str] = []

        async def both_arrived() -> bool:
            if message := await dead.get(no_ack=True, fail=False):
                assert message.headers["origin"] == queue
                reasons.append(str(message.headers["reason"]))
            return len(reasons) == 2

        await eventually(both_arrived, "both messages are dead letters")
    garbage, orphaned = sorted(reasons)
    assert garbage.startswith("body is not an envelope")
    assert orphaned == f"generation {job.generation_id} does not exist"


async def test_calls_fail_during_a_memory_alarm_of_the_broker_and_succeed_afterwards(environment: Environment) -> None:
    await environment.callers.request_pictures(4, "accepted before the alarm")
    await environment.platform.raise_memory_alarm()
    failed = await wait_for_storage_error(environment.callers)
    await environment.platform.clear_memory_alarm()
    await environment.generate("after the alarm")
    for request in failed:
        await environment.callers.request_picture(request)
    await environment.assert_nothing_lost()


async def test_processes_end_on_sigterm_while_the_broker_is_down(environment: Environment) -> None:
    """The last test: nothing runs after it."""
    running = environment.platform
    await environment.callers.request_pictures(4, "accepted before the end")
    await asyncio.to_thread(running.broker.control, "stop_app")
    async with asyncio.timeout(MAX_WAIT_SECONDS):
        codes = await asyncio.gather(*(program.terminate() for program in running.programs))
    assert codes == [0] * len(running.programs)
