"""The rate limiter, by the response headers of GetImg.AI."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_grpc.getimg import CallNotSent
from image_grpc.getimg.limits import DEFAULT_THROTTLE_SECONDS, MAX_PAUSE_SECONDS, RateLimiter, retry_after
from tests.getimg.conftest import FakeClock

NOW = FakeClock().now


@pytest.fixture
def limiter(clock: FakeClock) -> RateLimiter:
    return RateLimiter(2, clock=clock)


async def is_open(limiter: RateLimiter) -> bool:
    try:
        async with limiter.slot():
            return True
    except CallNotSent:
        return False


@pytest.mark.parametrize(
    ("headers", "throttled", "seconds"),
    [
        ({"retry-after": "17"}, True, 17),
        ({"retry-after": formatdate(NOW + 17, usegmt=True)}, True, 17),
        ({"retry-after": formatdate(NOW - 17, usegmt=True)}, True, 0),
        ({"retry-after": "17", "x-ratelimit-reset": "40"}, True, 17),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, True, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 40)}, True, 40),
        ({"x-ratelimit-remaining": "5", "x-ratelimit-reset": "40"}, True, DEFAULT_THROTTLE_SECONDS),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40"}, False, 40),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 40)}, False, 40),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "40"}, False, 0),
        ({"x-ratelimit-remaining": "0"}, False, 0),
        ({"retry-after": "17"}, False, 0),
        ({}, False, 0),
        ({}, True, DEFAULT_THROTTLE_SECONDS),
        ({"retry-after": "soon"}, True, DEFAULT_THROTTLE_SECONDS),
    ],
    ids=str,
)
async def test_the_headers_set_the_pause(
    limiter: RateLimiter, clock: FakeClock, headers: dict[str, str], throttled: bool, seconds: float
) -> None:
    observe = limiter.observe_throttling if throttled else limiter.observe
    assert observe(headers) == pytest.approx(seconds)
    assert await is_open(limiter) == (seconds == 0)
    clock.now += seconds
    assert await is_open(limiter)


async def test_a_long_pause_is_reported_with_its_retry_delay(limiter: RateLimiter) -> None:
    limiter.observe_throttling({"retry-after": "17"})
    with pytest.raises(CallNotSent) as paused:
        async with limiter.slot():
            pass
    assert paused.value.retry_delay == pytest.approx(17)


async def test_a_short_pause_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    limiter = RateLimiter(1, clock=clock)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr("image_grpc.getimg.limits.asyncio.sleep", sleep)
    limiter.observe_throttling({"retry-after": "2"})
    assert await is_open(limiter)
    assert clock.now == NOW + 2


async def test_a_shorter_pause_does_not_end_a_longer_one(limiter: RateLimiter, clock: FakeClock) -> None:
    limiter.observe_throttling({"retry-after": "60"})
    limiter.observe_throttling({"retry-after": "5"})
    clock.now += 30
    assert not await is_open(limiter)


@pytest.mark.parametrize("value", ["inf", "1e999", "99999999999", str(NOW * 1000)])
@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset"])
async def test_no_header_can_stop_the_service_forever(
    limiter: RateLimiter, clock: FakeClock, header: str, value: str
) -> None:
    headers = {"x-ratelimit-remaining": "0", header: value}
    assert limiter.observe_throttling(headers) <= MAX_PAUSE_SECONDS
    clock.now += MAX_PAUSE_SECONDS
    assert await is_open(limiter)


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_any_retry_after_header_is_bounded_or_ignored(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= MAX_PAUSE_SECONDS


async def test_concurrent_calls_are_limited(limiter: RateLimiter) -> None:
    running, peak, release = 0, 0, asyncio.Event()

    async def call() -> None:
        nonlocal running, peak
        async with limiter.slot():
            running += 1
            peak = max(peak, running)
            await release.wait()
            running -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(call())
        await asyncio.sleep(0)
        release.set()
    assert peak == 2
