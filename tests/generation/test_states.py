"""The states of a generation: what each transition changes, and what never happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop.image.internal.v1.cache_entry_pb2 import CacheEntryState
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.image_pb2 import Image

from image_grpc.errors import ApiError
from image_grpc.generation import states
from image_grpc.messages import clone
from tests.generation.builders import provider_result, queued

IMAGE = Image(id="the-image", version=3)
State = GenerationState
Transition = Callable[[GenerationRecord], GenerationRecord]

STEPS: dict[str, Transition] = {
    "generating": lambda record: states.generating(record, owner="me", lease_seconds=90),
    "released_after_call": states.released_after_call,
    "storing": lambda record: states.storing(record, provider_result()),
    "generating_again": states.generating_again,
}
"""May happen in any order and number until the generation ends."""
ENDS: dict[str, Transition] = {
    "succeeded": lambda record: states.succeeded(record, IMAGE, storage_correlation_id="operation"),
    "failed": lambda record: states.failed(record, ApiError("no", metadata={"http_status": "400"})),
    "cancelled": states.cancelled,
    "served from the cache": lambda record: states.served_from_cache(record, IMAGE),
}
TRANSITIONS = (
    STEPS
    | ENDS
    | {
        "released_before_call": states.released_before_call,
        "served_by": lambda record: states.served_by(record, queued()),
    }
)


@given(st.lists(st.sampled_from(list(STEPS)), max_size=12), st.sampled_from(list(ENDS)))
def test_state_and_progress_never_decrease(steps: list[str], end: str) -> None:
    record = queued()
    for name in [*steps, end]:
        previous, record = record.generation, TRANSITIONS[name](record)
        current = record.generation
        assert current.state >= previous.state, name
        assert 0 <= previous.progress <= current.progress <= 1, name
        assert current.attempts >= previous.attempts, name
        assert Decimal(current.cost.amount or 0) >= Decimal(previous.cost.amount or 0), name
    assert states.is_final(record.generation)
    assert record.generation.progress == 1


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_transition_leaves_the_original_record_unchanged(name: str) -> None:
    record = STEPS["generating"](queued())
    record.generation.queue_position = 4
    original = clone(record)
    TRANSITIONS[name](record)
    assert record == original


@pytest.mark.parametrize("state", State.values(), ids=State.Name)
def test_three_states_are_final(state: GenerationState) -> None:
    final = state in (State.GENERATION_STATE_SUCCEEDED, State.GENERATION_STATE_FAILED, State.GENERATION_STATE_CANCELLED)
    assert states.is_final(Generation(state=state)) is final
    assert (state in states.UNFINISHED) is (not final and state != State.GENERATION_STATE_UNSPECIFIED)


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("succeeded", State.GENERATION_STATE_SUCCEEDED),
        ("failed", State.GENERATION_STATE_FAILED),
        ("cancelled", State.GENERATION_STATE_CANCELLED),
        ("served from the cache", State.GENERATION_STATE_SUCCEEDED),
    ],
)
def test_an_ended_generation_has_a_finish_time_and_no_lease_or_position(end: str, state: GenerationState) -> None:
    record = STEPS["generating"](queued())
    record.generation.queue_position = 4
    record.generation.expect_finish_time.GetCurrentTime()
    ended = ENDS[end](record)
    assert ended.generation.state == state
    assert not ended.HasField("lease")
    assert not ended.generation.HasField("queue_position")
    assert not ended.generation.HasField("expect_finish_time")
    assert ended.generation.HasField("finish_time")


def test_a_call_is_counted_and_gets_a_lease() -> None:
    record = queued()
    record.generation.queue_position = 4
    first = STEPS["generating"](record)
    assert first.generation.state == State.GENERATION_STATE_GENERATING
    assert first.generation.progress == pytest.approx(0.1)
    assert not first.generation.HasField("queue_position")
    assert first.lease.owner == "me"
    assert first.lease.expire_time.ToMilliseconds() / 1000 == pytest.approx(time.time() + 90, abs=10)
    first.generation.start_time.seconds -= 60
    second = STEPS["generating"](states.released_after_call(first))
    assert (first.generation.attempts, second.generation.attempts) == (1, 2)
    assert second.generation.start_time == first.generation.start_time


def test_only_a_call_that_never_reached_getimg_is_not_counted() -> None:
    record = STEPS["generating"](queued())
    sent, unsent = states.released_after_call(record), states.released_before_call(record)
    assert (sent.generation.attempts, unsent.generation.attempts) == (1, 0)
    assert not sent.HasField("lease")
    assert not unsent.HasField("lease")


def test_a_generated_picture_is_kept_with_its_result() -> None:
    record = STEPS["generating"](queued())
    record.generation.queue_position = 4
    result = provider_result()
    stored = states.storing(record, result)
    assert stored.provider_result == result
    assert stored.generation.state == State.GENERATION_STATE_STORING
    assert stored.generation.progress == pytest.approx(0.8)
    assert stored.generation.generate_time == result.generate_time
    assert not stored.HasField("lease")
    assert not stored.generation.HasField("queue_position")


def test_a_picture_that_was_generated_twice_costs_twice() -> None:
    once = states.storing(STEPS["generating"](queued()), provider_result("0.035"))
    assert once.generation.cost.amount == "0.035"
    lost = states.generating_again(once)
    assert not lost.HasField("provider_result")
    twice = states.storing(STEPS["generating"](lost), provider_result("0.04"))
    assert (twice.generation.cost.amount, twice.generation.cost.quantity) == ("0.075", 2)
    assert twice.generation.cost.currency == "USD"


def test_a_result_without_a_cost_leaves_the_total_unchanged() -> None:
    free = provider_result()
    free.ClearField("cost")
    assert not states.storing(queued(), free).generation.HasField("cost")
    assert states.storing(states.storing(queued(), provider_result("1")), free).generation.cost.amount == "1"


@given(st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=8))
def test_costs_are_added_exactly(amounts: list[Decimal]) -> None:
    record = queued()
    for amount in amounts:
        record = states.storing(record, provider_result(format(amount, "f")))
    assert Decimal(record.generation.cost.amount) == sum(amounts)
    assert "E" not in record.generation.cost.amount


def test_a_cache_hit_costs_nothing_and_has_the_image() -> None:
    record = ENDS["served from the cache"](queued())
    hit = record.generation
    assert hit.cache_hit
    assert not hit.HasField("cost")
    assert (hit.image.id, hit.image.version) == (IMAGE.id, IMAGE.version)
    assert record.image_id == IMAGE.id


def test_a_pointer_has_no_state() -> None:
    other = queued()
    pointer = states.served_by(queued(), other)
    assert (pointer.served_by_id, pointer.image_id) == (other.generation.id, other.image_id)
    assert pointer.generation.state == State.GENERATION_STATE_UNSPECIFIED


def test_a_failure_is_reported_like_a_failed_call() -> None:
    error = ENDS["failed"](queued()).generation.error
    assert (error.reason, error.message, dict(error.metadata)) == ("API_ERROR", "no", {"http_status": "400"})


def test_a_success_has_the_image_and_the_operation_that_stored_it() -> None:
    generation = ENDS["succeeded"](queued()).generation
    assert generation.storage_correlation_id == "operation"
    assert (generation.image.id, generation.image.version) == (IMAGE.id, IMAGE.version)
    assert not generation.cache_hit


def test_a_cache_entry_goes_from_in_flight_to_ready_or_void() -> None:
    record = queued()
    entry = states.in_flight_entry(record)
    assert (entry.fingerprint, entry.generation_id) == (record.fingerprint, record.generation.id)
    assert entry.state == CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
    ready = states.ready_entry(entry, IMAGE)
    assert ready.state == CacheEntryState.CACHE_ENTRY_STATE_READY
    assert (ready.image_id, ready.image_version) == (IMAGE.id, IMAGE.version)
    assert states.void_entry(entry).state == CacheEntryState.CACHE_ENTRY_STATE_VOID
    assert entry.state == CacheEntryState.CACHE_ENTRY_STATE_IN_FLIGHT
