"""What was paid for is durable before anything else can happen: no stop, no second delivery pays again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import GetGenerationRequest, WaitGenerationRequest

from getimg_standin import Behavior, Fault
from image_grpc.generation import jobs
from tests.contracts.patience import eventually
from tests.service import Service, listening, portrait, quick, service

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED


async def state_of(platform: Service, id_: str) -> int:
    answer = await platform.generations.GetGeneration(GetGenerationRequest(generation_id=id_))
    state: int = answer.generation.state
    return state


async def test_drawn_pictures_that_wait_for_their_turn_to_be_stored_survive_a_stop(tmp_path: Path) -> None:
    async with listening(quick()) as provider:
        provider.standin.add_fault(Fault(kind="hang_download"))
        async with service(tmp_path, provider, store_concurrency=1, shutdown_grace_seconds=0.2) as platform:
            ids = [
                (await platform.generations.GeneratePortrait(portrait(details=str(n)))).generation.id for n in range(5)
            ]

            async def all_storing() -> bool:
                states = await asyncio.gather(*(state_of(platform, id_) for id_ in ids))
                return all(state == GenerationState.GENERATION_STATE_STORING for state in states)

            await eventually(all_storing, "every picture is known to be drawn")
        provider.standin.clear_faults()
        async with service(tmp_path, provider) as again:
            for id_ in ids:
                done = await again.generations.WaitGeneration(WaitGenerationRequest(generation_id=id_))
                assert done.generation.state == SUCCEEDED
        assert provider.standin.billed == 5


async def test_a_second_delivery_of_a_drawn_job_pays_nothing(tmp_path: Path) -> None:
    async with service(tmp_path) as platform:
        platform.standin.add_fault(Fault(kind="hang_download"))
        id_ = (await platform.generations.GeneratePortrait(portrait())).generation.id
        await eventually(lambda: platform.standin.downloads == 1, "the picture is being downloaded")
        record = GenerationRecord()
        record.generation.id = id_
        record.generation.request.portrait.priority = 2
        await platform.running.hub.publish(jobs.generate_job(record), timeout=1)
        await asyncio.sleep(0.3)
        assert platform.standin.calls == 1


async def test_what_was_accepted_with_a_key_waits_until_there_is_one_again(tmp_path: Path) -> None:
    async with listening(quick(latency=600)) as provider:
        async with service(tmp_path, provider, shutdown_grace_seconds=0.1) as platform:
            id_ = (await platform.generations.GeneratePortrait(portrait())).generation.id
            await eventually(lambda: provider.standin.in_flight == 1, "it is being drawn")
        provider.standin.behavior = Behavior(variety=1)
        async with service(tmp_path, provider, getimg_api_key="") as without:
            await asyncio.sleep(0.3)
            assert await state_of(without, id_) == GenerationState.GENERATION_STATE_GENERATING
        async with service(tmp_path, provider) as again:
            done = await again.generations.WaitGeneration(WaitGenerationRequest(generation_id=id_))
            assert done.generation.state == SUCCEEDED


async def test_a_refresh_that_fails_leaves_the_old_answer_in_place(tmp_path: Path) -> None:
    async with service(tmp_path) as platform:
        old = await platform.generate(portrait())
        platform.standin.add_fault(Fault(kind="status", status=400, count=1))
        failed = await platform.generate(portrait(cache=3))
        assert failed.state == GenerationState.GENERATION_STATE_FAILED
        again = await platform.generate(portrait())
        assert again.cache_hit
        assert again.image.id == old.image.id
