"""Waiting for, watching and cancelling generations through the whole service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import (
    CancelGenerationRequest,
    CancelOutcome,
    GetGenerationRequest,
    WaitGenerationRequest,
    WatchGenerationRequest,
)

from image_grpc_testkit.eventually import eventually
from tests.service import Service, block_generations, fast_standin, portrait, running_standin, service

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
ENDLESS = 600.0
ENDLESSLY = {"getimg_timeout_seconds": ENDLESS}
"""Settings for calls to GetImg.AI that never end."""


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path) as running:
        yield running


async def test_without_waiting_the_queued_generation_is_returned(platform: Service) -> None:
    queued = (await platform.generations.GeneratePortrait(portrait())).generation
    assert queued.state == GenerationState.GENERATION_STATE_QUEUED
    assert queued.HasField("queue_position")
    assert queued.HasField("expect_finish_time")
    done = await platform.generations.WaitGeneration(WaitGenerationRequest(generation_id=queued.id))
    assert done.generation.state == SUCCEEDED
    got = await platform.generations.GetGeneration(GetGenerationRequest(generation_id=queued.id))
    assert got.generation == done.generation


async def test_a_wait_returns_the_current_state_after_its_timeout(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=ENDLESS)) as provider:
        async with service(tmp_path, provider, shutdown_grace_seconds=0.1, **ENDLESSLY) as platform:
            queued = (await platform.generations.GeneratePortrait(portrait())).generation
            request = WaitGenerationRequest(generation_id=queued.id)
            request.timeout.FromMilliseconds(200)
            waited = (await platform.generations.WaitGeneration(request)).generation
            assert waited.state < SUCCEEDED
            # A call's own deadline ends the wait as well, early enough for the response to arrive.
            waiting = portrait()
            waiting.wait_for.seconds = 60

            async def returned() -> bool:
                try:
                    generation = (await platform.generations.GeneratePortrait(waiting, timeout=1)).generation
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                        raise
                    return False  # the machine was too slow for the response
                return bool(generation.id == queued.id)

            await eventually(returned, "the response arrives before the deadline")


async def test_a_watch_reports_every_state_and_can_be_resumed(platform: Service) -> None:
    queued = (await platform.generations.GeneratePortrait(portrait())).generation
    watch = platform.generations.WatchGeneration(WatchGenerationRequest(generation_id=queued.id))
    events = [change async for change in watch]
    states = [change.generation.state for change in events if change.HasField("generation")]
    assert states == [1, 2, 3, 4]
    assert events[-1].generation.image.content.byte_size > 0
    resumed = platform.generations.WatchGeneration(
        WatchGenerationRequest(generation_id=queued.id, cursor=events[1].cursor)
    )
    assert [change.generation.state async for change in resumed] == [3, 4]


async def test_a_silent_watch_has_heartbeats(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=ENDLESS)) as provider:
        settings = {"shutdown_grace_seconds": 0.1, "heartbeat_seconds": 0.1}
        async with service(tmp_path, provider, **settings, **ENDLESSLY) as platform:
            queued = (await platform.generations.GeneratePortrait(portrait())).generation
            heartbeats = 0
            async for change in platform.generations.WatchGeneration(WatchGenerationRequest(generation_id=queued.id)):
                heartbeats += not change.HasField("generation")
                if heartbeats == 2:
                    break
            assert heartbeats == 2


async def test_only_a_queued_generation_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_finish = block_generations(monkeypatch)
    async with running_standin(fast_standin()) as provider:
        async with service(tmp_path, provider, generation_concurrency=1) as platform:
            generating = (await platform.generations.GeneratePortrait(portrait(details="first"))).generation
            queued = (await platform.generations.GeneratePortrait(portrait(details="second"))).generation
            await eventually(lambda: provider.standin.in_flight == 1, "GetImg.AI is called")
            stopped = await platform.generations.CancelGeneration(CancelGenerationRequest(generation_id=queued.id))
            assert stopped.outcome == CancelOutcome.CANCEL_OUTCOME_STOPPED
            assert stopped.generation.state == GenerationState.GENERATION_STATE_CANCELLED
            late = await platform.generations.CancelGeneration(CancelGenerationRequest(generation_id=generating.id))
            assert late.outcome == CancelOutcome.CANCEL_OUTCOME_TOO_LATE
            may_finish.set()
            done = (
                await platform.generations.WaitGeneration(WaitGenerationRequest(generation_id=generating.id))
            ).generation
            assert done.state == SUCCEEDED
            ended = await platform.generations.CancelGeneration(CancelGenerationRequest(generation_id=generating.id))
            assert ended.outcome == CancelOutcome.CANCEL_OUTCOME_ALREADY_ENDED
            # A cancelled generation serves no equal request.
            again = await platform.generate(portrait(details="second"))
            assert again.state == SUCCEEDED
            assert provider.standin.calls == 2
