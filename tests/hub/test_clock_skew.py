"""Differences between the clocks of hosts are noticed from the times of their messages."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from image_grpc.hub.clock_skew import ClockSkew

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def test_a_message_from_the_future_shows_a_clock_that_is_ahead() -> None:
    skew = ClockSkew()
    skew.observe(NOW + 5)
    assert skew.seconds == 5


def test_a_reply_from_before_its_request_shows_a_clock_that_is_behind() -> None:
    skew = ClockSkew()
    skew.observe(NOW - 6, earliest=NOW)
    assert skew.seconds == -5  # the time of the reply is in whole seconds


@pytest.mark.parametrize(("sent", "earliest"), [(NOW, 0.0), (NOW - 3600, 0.0), (NOW + 1, 0.0), (NOW - 1, NOW)])
def test_a_delay_is_no_difference(sent: float, earliest: float) -> None:
    skew = ClockSkew()
    with capture_logs() as logs:
        skew.observe(sent, earliest=earliest)
    assert skew.seconds == 0
    assert logs == []


def test_the_largest_difference_of_a_minute_counts_and_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    skew = ClockSkew()
    with capture_logs() as logs:
        for seconds in (5, -20, 3):
            skew.observe(NOW + seconds, earliest=NOW)
    assert skew.seconds == -19
    assert len(logs) == 1
    monotonic += 61
    assert skew.seconds == 0
