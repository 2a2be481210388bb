"""A billed picture is durable at once: neither a restart nor a second delivery is billed again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_service_pb2 import GetGenerationRequest, WaitGenerationRequest

from getimg_standin import Behavior, Fault
from image_grpc.generation import jobs
from image_grpc_testkit.eventually import eventually
from tests.service import Service, fast_standin, portrait, running_standin, service

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED


async def state_of(platform: Service, id_: str) -> int:
    response = await platform.generations.GetGeneration(GetGenerationRequest(generation_id=id_))
    state: int = response.generation.state
    return state


async def test_generated_pictures_that_are_not_stored_yet_survive_a_restart(tmp_path: Path) -> None:
    async with running_standin(fast_standin()) as provider:
        provider.standin.add_fault(Fault(kind="hang_download"))
        async with service(tmp_path, provider, store_concurrency=1, shutdown_grace_seconds=0.2) as platform:
            ids = [
                (await platform.generations.GeneratePortrait(portrait(details=str(n)))).generation.id for n in range(5)
            ]

            async def all_storing() -> bool:
                states = await asyncio.gather(*(state_of(platform, id_) for id_ in ids))
                return all(state == GenerationState.GENERATION_STATE_STORING for state in states)

            await eventually(all_storing, "every picture is generated")
        provider.standin.clear_faults()
        async with service(tmp_path, provider) as restarted:
            for id_ in ids:
                done = await restarted.generations.WaitGeneration(WaitGenerationRequest(generation_id=id_))
                assert done.generation.state == SUCCEEDED
        assert provider.standin.billed == 5


async def test_a_second_delivery_of_a_finished_job_costs_nothing(tmp_path: Path) -> None:
    async with service(tmp_path) as platform:
        platform.standin.add_fault(Fault(kind="hang_download"))
        id_ = (await platform.generations.GeneratePortrait(portrait())).generation.id
        await eventually(lambda: platform.standin.downloads == 1, "the picture is being downloaded")
        record = GenerationRecord()
        record.generation.id = id_
        record.generation.request.portrait.priority = 2
        await platform.running.hub.publish(jobs.generate_job(record, record.generation.version), timeout=1)
        await asyncio.sleep(0.3)
        assert platform.standin.calls == 1


async def test_a_generation_waits_until_there_is_an_api_key_again(tmp_path: Path) -> None:
    async with running_standin(fast_standin(latency=600)) as provider:
        async with service(tmp_path, provider, shutdown_grace_seconds=0.1) as platform:
            id_ = (await platform.generations.GeneratePortrait(portrait())).generation.id
            await eventually(lambda: provider.standin.in_flight == 1, "GetImg.AI is called")
        provider.standin.behavior = Behavior(variety=1)
        async with service(tmp_path, provider, getimg_api_key="") as without_key:
            await asyncio.sleep(0.3)
            assert await state_of(without_key, id_) == GenerationState.GENERATION_STATE_GENERATING
        async with service(tmp_path, provider) as restarted:
            done = await restarted.generations.WaitGeneration(WaitGenerationRequest(generation_id=id_))
            assert done.generation.state == SUCCEEDED


async def test_a_failed_refresh_leaves_the_cache_entry_in_place(tmp_path: Path) -> None:
    async with service(tmp_path) as platform:
        old = await platform.generate(portrait())
        platform.standin.add_fault(Fault(kind="status", status=400, count=1))
        failed = await platform.generate(portrait(cache=3))
        assert failed.state == GenerationState.GENERATION_STATE_FAILED
        again = await platform.generate(portrait())
        assert again.cache_hit
        assert again.image.id == old.image.id
