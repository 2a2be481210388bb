from __future__ import annotations

import asyncio

import pytest

from getimg_standin import Fault
from image_grpc.getimg import CallNotSent
from image_grpc.getimg.limits import CircuitBreaker, CircuitState
from tests.getimg.conftest import FakeClock, connected, generate, generate_failure
from tests.service import Provider

THRESHOLD = 3
OPEN_SECONDS = 10.0


class Refused(Exception):
    """The breaker did not let the call pass."""


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(THRESHOLD, OPEN_SECONDS, clock=clock)


def guarded(breaker: CircuitBreaker):
    return breaker.guard(refusal=Refused, is_failure=lambda error: not isinstance(error, LookupError))


def succeed(breaker: CircuitBreaker) -> None:
    with guarded(breaker):
        pass


def fail(breaker: CircuitBreaker, times: int = 1, *, error: type[BaseException] = OSError) -> None:
    for _ in range(times):
        with pytest.raises(error), guarded(breaker):
            raise error


def test_it_stays_closed_below_the_threshold(breaker: CircuitBreaker) -> None:
    fail(breaker, THRESHOLD - 1)
    assert breaker.state is CircuitState.CLOSED
    assert not breaker.refuses_calls


def test_it_opens_at_the_threshold(breaker: CircuitBreaker) -> None:
    fail(breaker, THRESHOLD)
    assert breaker.state is CircuitState.OPEN
    assert breaker.refuses_calls
    with pytest.raises(Refused):
        succeed(breaker)


def test_only_consecutive_failures_open_it(breaker: CircuitBreaker) -> None:
    for _ in range(THRESHOLD):
        fail(breaker, THRESHOLD - 1)
        succeed(breaker)
    assert breaker.state is CircuitState.CLOSED


def test_a_rejected_request_counts_as_a_success(breaker: CircuitBreaker) -> None:
    fail(breaker, THRESHOLD - 1)
    fail(breaker, 5 * THRESHOLD, error=LookupError)
    fail(breaker, THRESHOLD - 1)
    assert breaker.state is CircuitState.CLOSED


def test_a_cancelled_call_counts_neither_way(breaker: CircuitBreaker) -> None:
    fail(breaker, THRESHOLD - 1)
    fail(breaker, THRESHOLD, error=asyncio.CancelledError)
    assert breaker.state is CircuitState.CLOSED
    fail(breaker)
    assert breaker.state is CircuitState.OPEN


def test_it_is_half_open_after_the_open_time(breaker: CircuitBreaker, clock: FakeClock) -> None:
    fail(breaker, THRESHOLD)
    clock.now += OPEN_SECONDS - 0.1
    assert breaker.state is CircuitState.OPEN
    clock.now += 0.1
    assert breaker.state is CircuitState.HALF_OPEN
    assert not breaker.refuses_calls


@pytest.fixture
def half_open(breaker: CircuitBreaker, clock: FakeClock) -> CircuitBreaker:
    fail(breaker, THRESHOLD)
    clock.now += OPEN_SECONDS
    return breaker


def test_half_open_lets_a_single_probe_pass(half_open: CircuitBreaker) -> None:
    with guarded(half_open):
        assert half_open.refuses_calls
        with pytest.raises(Refused):
            succeed(half_open)
    assert not half_open.refuses_calls


def test_a_successful_probe_closes_it(half_open: CircuitBreaker) -> None:
    succeed(half_open)
    assert half_open.state is CircuitState.CLOSED
    fail(half_open, THRESHOLD - 1)
    assert half_open.state is CircuitState.CLOSED, "the count starts again"


def test_a_failed_probe_opens_it_for_the_whole_time(half_open: CircuitBreaker, clock: FakeClock) -> None:
    fail(half_open)
    assert half_open.refuses_calls
    clock.now += OPEN_SECONDS - 0.1
    assert half_open.state is CircuitState.OPEN
    clock.now += 0.1
    assert half_open.state is CircuitState.HALF_OPEN


def test_a_cancelled_probe_makes_way_for_the_next(half_open: CircuitBreaker) -> None:
    fail(half_open, error=asyncio.CancelledError)
    assert half_open.state is CircuitState.HALF_OPEN
    succeed(half_open)
    assert half_open.state is CircuitState.CLOSED


@pytest.mark.parametrize("outcome", [None, OSError])
def test_calls_from_before_it_opened_change_nothing(
    breaker: CircuitBreaker, clock: FakeClock, outcome: type[Exception] | None
) -> None:
    late = guarded(breaker)
    late.__enter__()
    fail(breaker, THRESHOLD)
    clock.now += OPEN_SECONDS
    late.__exit__(outcome, outcome() if outcome else None, None)
    assert breaker.state is CircuitState.HALF_OPEN


# With the client


async def test_a_failing_api_is_called_again_only_as_a_probe(
    provider: Provider, breaker: CircuitBreaker, clock: FakeClock
) -> None:
    provider.standin.add_fault(Fault(kind="status", status=500))
    async with connected(provider.url, breaker=breaker) as client:
        for _ in range(THRESHOLD):
            assert not isinstance(await generate_failure(client), CallNotSent)
        suspended = await generate_failure(client)
        assert isinstance(suspended, CallNotSent)
        assert suspended.retry_delay == OPEN_SECONDS
        assert provider.standin.calls == THRESHOLD

        clock.now += OPEN_SECONDS
        assert not isinstance(await generate_failure(client), CallNotSent)
        assert isinstance(await generate_failure(client), CallNotSent)
        assert provider.standin.calls == THRESHOLD + 1, "one probe"

        clock.now += OPEN_SECONDS
        provider.standin.clear_faults()
        for _ in range(THRESHOLD + 1):
            await generate(client)
        assert client.last_failure == ""


async def test_rejected_requests_do_not_suspend_calls(provider: Provider, breaker: CircuitBreaker) -> None:
    provider.standin.add_fault(Fault(kind="status", status=400))
    async with connected(provider.url, breaker=breaker) as client:
        for _ in range(10):
            await generate_failure(client)
    assert provider.standin.calls == 10


async def test_failures_between_successes_do_not_suspend_calls(provider: Provider, breaker: CircuitBreaker) -> None:
    async with connected(provider.url, breaker=breaker) as client:
        for _ in range(4):
            provider.standin.add_fault(Fault(kind="status", status=500, count=2))
            await generate_failure(client)
            await generate_failure(client)
            await generate(client)
