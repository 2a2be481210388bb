"""When GetImg.AI may be called, by what its answers said."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.getimg.limits import (
    DEFAULT_RETRY_SECONDS,
    MAX_PAUSE_SECONDS,
    NotSent,
    RateLimiter,
    retry_after,
)

NOW = 1_800_000_000.0


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(2, clock=clock)


async def is_open(limiter: RateLimiter) -> bool:
    try:
        async with limiter.turn():
            return True
    except NotSent:
        return False


@pytest.mark.parametrize(
    ("headers", "limited", "seconds"),
    [
        ({"retry-after": "17"}, True, 17),
        ({"retry-after": formatdate(NOW + 17, usegmt=True)}, True, 17),
        ({"retry-after": formatdate(NOW - 17, usegmt=True)}, True, 0),
        ({"retry-after": "17", "x-ratelimit-reset": "40"}, True, 17),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, True, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 40)}, True, 40),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "40"}, True, DEFAULT_RETRY_SECONDS),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, False, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 40)}, False, 40),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "40"}, False, 0),
        ({"x-ratelimit-remaining": "0"}, False, 0),
        ({"retry-after": "17"}, False, 0),
        ({}, False, 0),
        ({}, True, DEFAULT_RETRY_SECONDS),
        ({"retry-after": "soon"}, True, DEFAULT_RETRY_SECONDS),
    ],
    ids=str,
)
async def test_the_pause_is_what_the_headers_say(
    limiter: RateLimiter, clock: Clock, headers: dict[str, str], limited: bool, seconds: float
) -> None:
    assert limiter.observe(headers, limited=limited) == pytest.approx(seconds)
    assert await is_open(limiter) == (seconds == 0)
    clock.now += seconds
    assert await is_open(limiter)


async def test_a_call_that_would_wait_too_long_is_put_off_until_then(limiter: RateLimiter) -> None:
    limiter.observe({"retry-after": "17"}, limited=True)
    with pytest.raises(NotSent) as put_off:
        async with limiter.turn():
            pass
    assert put_off.value.retry_delay == pytest.approx(17)


async def test_a_short_pause_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    limiter = RateLimiter(1, clock=clock)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr("image_grpc.getimg.limits.asyncio.sleep", sleep)
    limiter.observe({"retry-after": "2"}, limited=True)
    assert await is_open(limiter)
    assert clock.now == NOW + 2


async def test_a_shorter_pause_does_not_end_a_longer_one(limiter: RateLimiter, clock: Clock) -> None:
    limiter.observe({"retry-after": "60"}, limited=True)
    limiter.observe({"retry-after": "5"}, limited=True)
    clock.now += 30
    assert not await is_open(limiter)


@pytest.mark.parametrize("value", ["inf", "1e999", "99999999999", str(NOW * 1000)])
@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset"])
async def test_no_header_can_stop_the_service_for_ever(
    limiter: RateLimiter, clock: Clock, header: str, value: str
) -> None:
    headers = {"x-ratelimit-remaining": "0", header: value}
    assert limiter.observe(headers, limited=True) <= MAX_PAUSE_SECONDS
    clock.now += MAX_PAUSE_SECONDS
    assert await is_open(limiter)


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_whatever_a_header_says_is_a_number_of_seconds_or_nothing(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= MAX_PAUSE_SECONDS


async def test_no_more_calls_at_once_than_allowed(limiter: RateLimiter) -> None:
    inside, most, go = 0, 0, asyncio.Event()

    async def call() -> None:
        nonlocal inside, most
        async with limiter.turn():
            inside += 1
            most = max(most, inside)
            await go.wait()
            inside -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(call())
        await asyncio.sleep(0)
        go.set()
    assert most == 2
