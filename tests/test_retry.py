"""Every rule of the retry policy, at its boundaries."""

from __future__ import annotations

import pytest

from image_grpc import retry
from image_grpc.errors import ServiceError
from image_grpc.retry import (
    LADDER,
    MAX_UNUSABLE_PICTURES,
    Backoff,
    GenerationLimits,
    RetryLadder,
    delay_before_next_call,
    delay_before_next_download,
)

LIMITS = GenerationLimits(max_attempts=3, timeout=100.0)


def failure(retry_delay: float | None, **metadata: str) -> ServiceError:
    return ServiceError("failed", retry_delay=retry_delay, metadata=metadata)


def next_call(
    error: ServiceError, *, sent: bool = True, attempts: int = 1, elapsed: float | None = 0.0
) -> float | None:
    return delay_before_next_call(error, sent=sent, attempts=attempts, elapsed=elapsed, limits=LIMITS)


def next_download(
    error: ServiceError, *, unusable: bool = False, attempt: int = 1, elapsed: float = 0.0
) -> float | None:
    return delay_before_next_download(error, unusable=unusable, attempt=attempt, elapsed=elapsed, limits=LIMITS)


def test_the_documented_limits() -> None:
    assert LADDER.steps == (1, 5, 30, 120, 600)
    assert (retry.MAX_HANDLER_FAULTS, retry.MAX_TRANSIENT_ATTEMPTS, retry.MAX_DELIVERIES) == (5, 10, 100)
    assert (retry.MAX_CONFLICT_RETRIES, retry.MAX_INTERRUPTED_CALLS, retry.MAX_UNUSABLE_PICTURES) == (10, 10, 2)
    assert retry.PEER_UNAVAILABLE_SECONDS == 5.0


def test_the_transient_attempts_last_about_an_hour() -> None:
    waits = [LADDER.after_attempt(attempt) for attempt in range(1, retry.MAX_TRANSIENT_ATTEMPTS)]
    assert 50 * 60 <= sum(waits) <= 70 * 60


# The ladder


@pytest.mark.parametrize(
    ("delay", "step"), [(0, 1), (1, 1), (1.1, 5), (5, 5), (5.1, 30), (31, 120), (599, 600), (600, 600), (601, 600)]
)
def test_round_up(delay: float, step: float) -> None:
    assert LADDER.round_up(delay) == step


@pytest.mark.parametrize(
    ("delay", "step"), [(0, 1), (0.9, 1), (1, 1), (4.9, 1), (5, 5), (29, 5), (30, 30), (600, 600), (9999, 600)]
)
def test_round_down(delay: float, step: float) -> None:
    assert LADDER.round_down(delay) == step


@pytest.mark.parametrize(("attempt", "step"), [(1, 1), (2, 5), (3, 30), (4, 120), (5, 600), (6, 600), (99, 600)])
def test_after_attempt(attempt: int, step: float) -> None:
    assert LADDER.after_attempt(attempt) == step


def test_a_ladder_of_one_step() -> None:
    ladder = RetryLadder((7,))
    assert (ladder.round_up(1), ladder.round_up(8), ladder.round_down(1), ladder.after_attempt(9)) == (7, 7, 7, 7)


# Backoff


@pytest.mark.parametrize(("attempt", "delay"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (6, 5.0)])
def test_backoff_doubles_up_to_its_maximum(attempt: int, delay: float) -> None:
    assert Backoff(initial=0.5, maximum=5.0).delay(attempt) == delay


def test_backoff_does_not_overflow() -> None:
    assert Backoff(initial=1e-12, maximum=5.0).delay(100_000) == 1e-12 * 2.0**32


def test_jitter_is_added_below_the_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "uniform", lambda low, high: low + high)
    backoff = Backoff(initial=1.0, maximum=3.0, jitter=0.25)
    assert [backoff.delay(attempt) for attempt in (1, 2, 3)] == [1.25, 2.25, 3.0]


def test_jitter_stays_in_its_range() -> None:
    delays = {Backoff(initial=1.0, maximum=9.0, jitter=0.5).delay(1) for _ in range(100)}
    assert len(delays) > 1
    assert all(1.0 <= delay <= 1.5 for delay in delays)


# Calls to GetImg.AI


def test_a_permanent_failure_is_not_repeated() -> None:
    assert next_call(failure(None)) is None
    assert next_call(failure(None), sent=False, elapsed=None) is None
    assert next_call(failure(None, http_status="429")) is None


@pytest.mark.parametrize(("delay", "step"), [(0.0, 1), (4.9, 1), (5.0, 5), (700.0, 600)])
def test_before_the_first_call_the_delay_is_rounded_down(delay: float, step: float) -> None:
    assert next_call(failure(delay), attempts=0, elapsed=None) == step
    # Neither limit applies before the first call.
    assert next_call(failure(delay), attempts=LIMITS.max_attempts, elapsed=None) == step


def test_a_failed_call_is_repeated_below_the_limit_of_attempts() -> None:
    assert next_call(failure(0.0), attempts=LIMITS.max_attempts - 1) is not None
    assert next_call(failure(0.0), attempts=LIMITS.max_attempts) is None
    assert next_call(failure(0.0), attempts=LIMITS.max_attempts + 1) is None


def test_the_delay_of_a_failed_call_is_the_longer_of_its_own_and_the_ladder_s() -> None:
    assert next_call(failure(0.0), attempts=1) == 1
    assert next_call(failure(0.0), attempts=2) == 5
    assert next_call(failure(7.5), attempts=2) == 7.5


@pytest.mark.parametrize(
    ("error", "sent"), [(failure(7.5, http_status="429"), True), (failure(7.5), False)], ids=["429", "not sent"]
)
def test_a_throttled_call_is_rounded_down_and_does_not_count(error: ServiceError, sent: bool) -> None:
    assert next_call(error, sent=sent, attempts=LIMITS.max_attempts + 1) == 5
    assert next_call(error, sent=sent, attempts=1) == 5


def test_another_status_than_429_counts() -> None:
    assert next_call(failure(7.5, http_status="503"), attempts=LIMITS.max_attempts) is None
    assert next_call(failure(7.5, http_status="503"), attempts=1) == 7.5


def test_a_call_that_would_start_at_the_timeout_is_not_made() -> None:
    assert next_call(failure(10.0), elapsed=89.9) == 10.0
    assert next_call(failure(10.0), elapsed=90.0) is None
    assert next_call(failure(10.0), elapsed=90.1) is None


def test_the_timeout_of_a_throttled_call_uses_the_delay_before_rounding() -> None:
    throttled = failure(9.0, http_status="429")
    assert next_call(throttled, elapsed=90.9) == 5
    assert next_call(throttled, elapsed=91.0) is None


def test_the_ladder_counts_towards_the_timeout() -> None:
    assert next_call(failure(0.0), attempts=2, elapsed=94.9) == 5
    assert next_call(failure(0.0), attempts=2, elapsed=95.0) is None


# Downloads


def test_a_permanent_download_failure_is_not_repeated() -> None:
    assert next_download(failure(None)) is None


def test_an_unusable_picture_is_downloaded_again_below_its_limit() -> None:
    assert next_download(failure(0.0), unusable=True, attempt=MAX_UNUSABLE_PICTURES - 1) is not None
    assert next_download(failure(0.0), unusable=True, attempt=MAX_UNUSABLE_PICTURES) is None
    assert next_download(failure(0.0), unusable=True, attempt=MAX_UNUSABLE_PICTURES + 1) is None


def test_a_failed_download_has_no_limit_of_attempts() -> None:
    assert next_download(failure(0.0), attempt=MAX_UNUSABLE_PICTURES) == 5
    assert next_download(failure(0.0), attempt=MAX_UNUSABLE_PICTURES + 1) == 30


def test_the_delay_of_a_download_is_the_longer_of_its_own_and_the_ladder_s() -> None:
    assert next_download(failure(0.0), attempt=1) == 1
    assert next_download(failure(7.5), attempt=2) == 7.5


def test_a_download_that_would_start_at_the_timeout_is_not_made() -> None:
    assert next_download(failure(10.0), elapsed=89.9) == 10.0
    assert next_download(failure(10.0), elapsed=90.0) is None
