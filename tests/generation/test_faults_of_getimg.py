"""Failures of GetImg.AI: each ends in the right state with the right reason, and the server stays up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from tabletop.image.v1.generation_pb2 import Generation, GenerationState

from getimg_standin import Fault
from image_grpc_testkit.eventually import increasing_durations
from tests.service import PRICE, Service, fast_standin, portrait, running_standin, service

SUCCEEDED = GenerationState.GENERATION_STATE_SUCCEEDED
FAILED = GenerationState.GENERATION_STATE_FAILED


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Service]:
    # A long timeout, because a busy machine generates slowly.
    async with service(tmp_path, generation_max_attempts=2, generation_timeout_seconds=600) as running:
        yield running


async def generated_with(platform: Service, fault: Fault) -> Generation:
    """Return the generation that meets the fault. The next one, without it, must succeed."""
    platform.standin.add_fault(fault)
    generation = await platform.generate(portrait(details="first"))
    platform.standin.clear_faults()
    assert (await platform.generate(portrait(details="second"))).state == SUCCEEDED
    return generation


TEMPORARY = {
    "429 with Retry-After": Fault(kind="status", status=429, retry_after=1, count=1),
    "429 without": Fault(kind="status", status=429, count=1),
    "500": Fault(kind="status", status=500, count=1),
    "503": Fault(kind="status", status=503, count=1),
    "truncated picture": Fault(kind="truncated", count=1),
    "HTML instead of a picture": Fault(kind="html", count=1),
    "interrupted download": Fault(kind="cut_download", count=1),
    "picture gone": Fault(kind="gone", count=1),
    "picture in another size": Fault(kind="wrong_size", count=1),
}


@pytest.mark.parametrize("name", TEMPORARY)
async def test_a_temporary_failure_is_retried(platform: Service, name: str) -> None:
    generation = await generated_with(platform, TEMPORARY[name])
    assert generation.state == SUCCEEDED
    assert (generation.image.content.size.width, generation.image.content.size.height) == (64, 64)


PERMANENT = {
    "400": (Fault(kind="status", status=400), "API_ERROR", "400"),
    "401": (Fault(kind="status", status=401), "API_ERROR", "401"),
    "402": (Fault(kind="status", status=402), "API_ERROR", "402"),
    "403": (Fault(kind="status", status=403), "API_ERROR", "403"),
    "422": (Fault(kind="status", status=422), "API_ERROR", "422"),
    "500 every time": (Fault(kind="status", status=500), "API_ERROR", "500"),
    "interrupted connection": (Fault(kind="cut"), "API_ERROR", ""),
    "invalid response": (Fault(kind="invalid"), "API_ERROR", ""),
    "40,000 x 40,000 picture": (Fault(kind="huge"), "GENERATION_ERROR", ""),
    "redirect": (Fault(kind="redirect", target="http://127.0.0.1:1/"), "GENERATION_ERROR", ""),
}


@pytest.mark.parametrize("name", PERMANENT)
async def test_a_permanent_failure_ends_the_generation_with_its_reason(platform: Service, name: str) -> None:
    fault, reason, http_status = PERMANENT[name]
    generation = await generated_with(platform, fault)
    assert generation.state == FAILED
    assert generation.error.reason == reason
    assert generation.error.message
    assert generation.error.metadata.get("http_status", "") == http_status
    assert generation.HasField("finish_time")
    assert not generation.HasField("image")


async def test_a_timeout_ends_the_generation(tmp_path: Path) -> None:
    async with running_standin() as provider:
        standin = provider.standin
        standin.add_fault(Fault(kind="hang"))
        ends_soon = {"generation_timeout_seconds": 60}
        for seconds in increasing_durations(1.0):
            standin.reset()
            async with service(tmp_path, provider, getimg_timeout_seconds=seconds, **ends_soon) as short_timeout:
                generation = await short_timeout.generate(portrait(details=f"with a timeout of {seconds} s"))
            assert generation.state == FAILED
            assert generation.error.reason == "API_ERROR"
            if standin.calls:  # otherwise not even the request arrived in time
                break
        standin.clear_faults()
        async with service(tmp_path, provider) as default_timeout:
            assert (await default_timeout.generate(portrait(details="with the default timeout"))).state == SUCCEEDED
            assert standin.calls == 2  # one for each generation: the timed-out call is not repeated


@pytest.mark.parametrize("kind", ["cut", "invalid"])
async def test_a_call_that_may_have_been_billed_is_not_repeated(platform: Service, kind: str) -> None:
    await generated_with(platform, Fault(kind=kind))
    assert platform.standin.calls == 2  # the failed one and the second one


async def test_500_is_retried_as_often_as_configured(platform: Service) -> None:
    generation = await generated_with(platform, Fault(kind="status", status=500))
    assert generation.attempts == 2


async def test_429_does_not_count_as_an_attempt(platform: Service) -> None:
    generation = await generated_with(platform, Fault(kind="status", status=429, retry_after=0.1, count=3))
    assert generation.state == SUCCEEDED


async def test_a_picture_that_stays_damaged_ends_the_generation(tmp_path: Path) -> None:
    async with service(tmp_path) as platform:
        generation = await generated_with(platform, Fault(kind="truncated", count=3))
        assert generation.state == FAILED
        assert generation.error.reason == "GENERATION_ERROR"
        assert generation.cost.amount == PRICE  # it was billed nevertheless


async def test_a_failed_generation_serves_no_equal_request(platform: Service) -> None:
    failed = await generated_with(platform, Fault(kind="status", status=400, count=1))
    again = await platform.generate(portrait(details="first"))
    assert again.id != failed.id
    assert again.state == SUCCEEDED


async def test_a_picture_that_is_missing_for_a_moment_is_not_billed_again(platform: Service) -> None:
    generation = await generated_with(platform, Fault(kind="gone", count=1))
    assert generation.state == SUCCEEDED
    assert generation.cost.amount == PRICE
    assert generation.attempts == 1


async def test_an_expired_picture_is_generated_again_as_often_as_configured(tmp_path: Path) -> None:
    async with running_standin(fast_standin(url_lifetime=-1)) as provider, service(tmp_path, provider) as platform:
        generation = await platform.generate(portrait())
        assert generation.state == FAILED
        assert generation.error.reason == "GENERATION_ERROR"
        assert generation.attempts == 4
        assert Decimal(generation.cost.amount) == 4 * Decimal(PRICE)


async def test_an_exhausted_rate_limit_only_delays_generations(tmp_path: Path) -> None:
    async with running_standin(fast_standin(max_in_flight=2, latency=0.05)) as provider:
        async with service(tmp_path, provider) as platform:
            generations = await asyncio.gather(*(platform.generate(portrait(details=str(n))) for n in range(8)))
            assert {generation.state for generation in generations} == {SUCCEEDED}
