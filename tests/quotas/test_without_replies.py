"""Limits while the Storage Service does not reply, and calls that end while it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tabletop.storage.v1.storage_pb2 import CounterChange, CounterResult

from image_grpc.deadline import deadline_in, remaining
from image_grpc.errors import QuotaExceeded
from image_grpc.quotas import LimitedCaller, Limits, concurrency, counters, rates
from image_grpc.quotas.concurrency import Concurrency
from image_grpc.quotas.counters import SharedCounters
from image_grpc.quotas.rates import CallRates
from image_grpc.storage import LimitExceeded
from image_grpc_testkit.eventually import eventually


class SlowStorage:
    """Counts as the Storage Service does, once it may reply."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.requests = 0
        self.may_reply = asyncio.Event()

    async def count(self, *changes: CounterChange) -> list[CounterResult]:
        self.requests += 1
        await self.may_reply.wait()
        if remaining(60.0) < 1.0:
            raise TimeoutError
        for change in changes:
            if change.HasField("maximum") and not change.partial and self.value(change) + change.add > change.maximum:
                raise LimitExceeded("too many", "")
        return [CounterResult(added=self._add(change)) for change in changes]

    def value(self, change: CounterChange) -> int:
        return self.values.get(change.name, 0)

    def _add(self, change: CounterChange) -> int:
        added = min(change.add, change.maximum - self.value(change)) if change.partial else change.add
        self.values[change.name] = self.value(change) + added
        return added


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> SlowStorage:
    monkeypatch.setattr(rates, "now", lambda: 1000.5)
    monkeypatch.setattr(concurrency, "_period", lambda: 100)
    monkeypatch.setattr(counters, "PROBE_SECONDS", 0.01)
    return SlowStorage()


def shared(storage: Any) -> SharedCounters:
    return SharedCounters(storage)


GAME = LimitedCaller("game", Limits(caller="game", calls_per_second=10))


async def taken(call_rates: CallRates, calls: int) -> int:
    """Return how many of some calls are accepted."""
    results = await asyncio.gather(*(call_rates.take(GAME) for _ in range(calls)), return_exceptions=True)
    assert all(result is None or isinstance(result, QuotaExceeded) for result in results)
    return results.count(None)


async def test_one_call_waits_for_a_storage_service_that_does_not_reply(
    storage: SlowStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "REPLY_SECONDS", 0.05)
    monkeypatch.setattr(counters, "PROBE_SECONDS", 3600.0)
    common = shared(storage)
    assert await taken(CallRates(common), 30) == 10
    concurrent = Concurrency(common)
    for _ in range(30):
        async with concurrent.hold("game", "calls", 5):
            pass
    assert storage.requests == 1


async def test_the_limits_are_shared_again_once_it_replies(
    storage: SlowStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "REPLY_SECONDS", 0.05)
    common = shared(storage)
    assert await taken(CallRates(common), 1) == 1
    storage.may_reply.set()
    await eventually(lambda: "probe" in storage.values, "the probe gets a reply")
    monkeypatch.setattr(counters, "REPLY_SECONDS", 60.0)
    others = [CallRates(common), CallRates(shared(storage))]
    assert sum([await taken(each, 30) for each in others]) == 10


async def test_the_deadline_of_a_call_does_not_end_its_counting(storage: SlowStorage) -> None:
    storage.may_reply.set()
    with deadline_in(0.5):  # too short for the Storage Service
        assert await taken(CallRates(shared(storage)), 1) == 1
    assert storage.values == {"calls/1000/game": 1}


async def test_a_cancelled_call_holds_nothing(storage: SlowStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "REPLY_SECONDS", 60.0)
    monkeypatch.setattr(concurrency, "UPDATE_SECONDS", 0.01)
    concurrent = Concurrency(shared(storage))
    updates = asyncio.create_task(concurrent.run())

    async def hold() -> None:
        async with concurrent.hold("game", "calls", 1):
            pass

    waiting = asyncio.create_task(hold())
    await eventually(lambda: storage.requests == 1, "the Storage Service is asked")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    storage.may_reply.set()
    await eventually(lambda: set(storage.values.values()) == {0}, "nothing is counted any more")
    await hold()
    updates.cancel()
