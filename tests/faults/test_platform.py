"""Servers, replicas of the Storage Service, the broker and the database fail; what was promised is kept.

`python -m tests.faults` is the whole scenario; this is what fits into every run of the tests.
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
from tests.faults.callers import CALL_SECONDS, PAUSE_SECONDS, Callers, Diary, detail, portrait, reason
from tests.faults.checker import check
from tests.faults.platform import Platform, Server, platform
from tests.faults.scenario import cut_often, kill_and_start

# One platform for all of them: they share an event loop, and a process, since a file is not split between two.
pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_WAIT_SECONDS = 300.0
DEADLINE_SECONDS = 4.0
GETIMG_SECONDS = 40.0
"""The lease on a generation follows from it. It must be longer than anything is away, also on a slow machine: when
it is over, somebody else draws the picture again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The platform, who calls it, and what they were promised."""

    platform: Platform
    callers: Callers
    diary: Diary

    async def promises_kept(self) -> None:
        verdict = await check(self.platform, self.callers, self.diary, patience=MAX_WAIT_SECONDS)
        print(verdict.report(self.diary))
        assert verdict.lost == []
        assert verdict.unexpected == []
        assert verdict.kept == len(self.diary.promised)

    async def picture(self, what: str) -> Generation:
        """A promise that was kept."""
        id_ = await self.callers.ask_for(portrait(what))
        ended = await self.callers.outcome(id_)
        assert ended.state == GenerationState.GENERATION_STATE_SUCCEEDED
        return ended


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("platform")
    diary = Diary()
    async with platform(folder, latency=0.3, variety=1, getimg_timeout=GETIMG_SECONDS) as made:
        yield Scene(platform=made, callers=Callers(made, diary), diary=diary)


async def told_that_storage_is_away(callers: Callers) -> list[GeneratePortraitRequest]:
    """Asks until the caller is told what is away, and when to try again, before its own deadline; answers all that
    was refused meanwhile."""
    refused = []
    while True:
        request, error = await callers.failed_call(DEADLINE_SECONDS)
        refused.append(request)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            continue  # the machine took longer than is left for the answer
        assert reason(error) == "UNAVAILABLE STORAGE_SERVICE_ERROR"
        retry = detail(error, error_details_pb2.RetryInfo)
        assert retry is not None
        assert retry.retry_delay.ToMilliseconds() > 0
        return refused


async def test_every_promise_is_kept_while_parts_die_and_connections_break(scene: Scene) -> None:
    made, diary = scene.platform, scene.diary
    async with asyncio.TaskGroup() as asking:
        asking.create_task(scene.callers.ask_for_pictures(32, "meanwhile", over_seconds=14))
        await asyncio.sleep(0.5)
        async with diary.fault("a server and a storage process killed"):
            await asyncio.gather(
                kill_and_start(made, made.servers[0].program, diary), kill_and_start(made, made.storages[0], diary)
            )
        async with diary.fault("connections cut"):
            await cut_often([made.hub, made.sql], times=4, every=0.7)
        async with diary.fault("broker restarted"):
            await made.restart_broker()
    await scene.promises_kept()


async def test_while_storage_is_away_callers_are_told_and_what_is_cached_is_read(scene: Scene) -> None:
    picture = await scene.picture("seen before")
    server = scene.platform.servers[0]
    seen = await read_patiently(server, picture.image.id)

    await scene.callers.ask_for_pictures(4, "accepted before")
    refused: list[GeneratePortraitRequest] = []

    async def read_while_storage_is_away() -> bool:
        for storage in scene.platform.storages:
            storage.pause()
        refused.extend(await told_that_storage_is_away(scene.callers))
        try:
            found = await read(server, picture.image.id)
        except grpc.aio.AioRpcError:
            found = b""  # the change feed told of it after it was read, so it is not cached any more
        for storage in scene.platform.storages:
            storage.resume()
        if found:
            assert found == seen
        else:
            await read_patiently(server, picture.image.id)
        return bool(found)

    await eventually(read_while_storage_is_away, "what is cached is read")
    for each in refused:
        await scene.callers.ask_for(each)
    await scene.promises_kept()


async def read(server: Server, image_id: str) -> bytes:
    """A picture's description and bytes."""
    await server.images.GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS)
    parts = server.images.ReadImage(ReadImageRequest(image_id=image_id), timeout=CALL_SECONDS)
    return b"".join([part.data async for part in parts])


async def read_patiently(server: Server, image_id: str) -> bytes:
    """As `read`, until it succeeds."""
    while True:
        try:
            return await read(server, image_id)
        except grpc.aio.AioRpcError:
            await asyncio.sleep(PAUSE_SECONDS)


async def test_a_message_that_nobody_can_process_is_put_aside_and_those_behind_it_flow(scene: Scene) -> None:
    queue = topology.GENERATE_QUEUES[Priority.PRIORITY_NORMAL]
    job = GenerateJob(generation_id="0f6ed0d2-9d0a-4d0e-9c51-111111111111")
    unknown, content_type = envelopes.encode(
        envelopes.protobuf_envelope(topology.GENERATE_JOB, job, correlation_id="test")
    )
    async with scene.platform.channel() as channel:
        send = channel.default_exchange.publish
        await send(aio_pika.Message(b"\x00garbage", content_type="application/json"), queue)
        await send(aio_pika.Message(unknown, content_type=content_type), queue)
        await scene.picture("behind them")

        dead = await channel.get_queue(topology.DEAD_QUEUE)
        reasons: list[str] = []

        async def both_are_there() -> bool:
            if message := await dead.get(no_ack=True, fail=False):
                assert message.headers["origin"] == queue
                reasons.append(str(message.headers["reason"]))
            return len(reasons) == 2

        await eventually(both_are_there, "both are dead letters")
    garbage, nothing = sorted(reasons)
    assert garbage.startswith("body is not an envelope")
    assert nothing == f"generation {job.generation_id} does not exist"


async def test_while_the_broker_is_out_of_memory_callers_are_told_and_all_recovers(scene: Scene) -> None:
    await scene.callers.ask_for_pictures(4, "accepted before the alarm")
    await scene.platform.memory_alarm()
    refused = await told_that_storage_is_away(scene.callers)
    await scene.platform.clear_alarm()
    await scene.picture("after the alarm")
    for each in refused:
        await scene.callers.ask_for(each)
    await scene.promises_kept()
