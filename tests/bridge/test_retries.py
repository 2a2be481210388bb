"""When requests and reactions are tried again, and when they are given up."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import grpc
import pytest
from tabletop.hub.v1.events_pb2 import CharacterUpdated

from image_grpc.bridge import events
from image_grpc.bridge.client import Cause, ImageServiceClient
from image_grpc.bridge.errors import FAULT_CODES, TRANSIENT_CODES, CallError, invalid_argument
from image_grpc.bridge.keyed_lock import KeyedLock
from image_grpc.bridge.reaction_context import ReactionContext, Superseded
from image_grpc.bridge.reactions import Reaction
from image_grpc.bridge.requests import delay_before_next_attempt
from image_grpc.endpoint import Endpoint
from image_grpc.hub import Ack, DeadLetter, Settlement
from image_grpc.retry import LADDER, MAX_HANDLER_FAULTS, MAX_TRANSIENT_ATTEMPTS, Backoff

PERMANENT = invalid_argument("wrong", "field")
ABORTED = CallError(code=grpc.StatusCode.ABORTED, reason="ABORTED", message="stale version")
FAULT = CallError(code=grpc.StatusCode.INTERNAL, reason="INTERNAL", message="a bug")
TRANSIENT = CallError(code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE", message="restarting")


# Requests


@pytest.mark.parametrize("code", TRANSIENT_CODES, ids=lambda code: code.name)
def test_a_transient_error_is_retried_below_its_limit(code: grpc.StatusCode) -> None:
    error = CallError(code=code, reason=code.name, message="")
    for attempt in (1, MAX_HANDLER_FAULTS, MAX_TRANSIENT_ATTEMPTS - 1):
        assert delay_before_next_attempt(error, attempt) == LADDER.after_attempt(attempt)
    assert delay_before_next_attempt(error, MAX_TRANSIENT_ATTEMPTS) is None
    assert delay_before_next_attempt(error, MAX_TRANSIENT_ATTEMPTS + 1) is None


@pytest.mark.parametrize("code", FAULT_CODES, ids=lambda code: code.name)
def test_a_fault_is_retried_below_its_limit(code: grpc.StatusCode) -> None:
    error = CallError(code=code, reason=code.name, message="")
    for attempt in (1, MAX_HANDLER_FAULTS - 1):
        assert delay_before_next_attempt(error, attempt) == LADDER.after_attempt(attempt)
    assert delay_before_next_attempt(error, MAX_HANDLER_FAULTS) is None
    assert delay_before_next_attempt(error, MAX_HANDLER_FAULTS + 1) is None


@pytest.mark.parametrize("error", [PERMANENT, ABORTED], ids=["invalid", "aborted"])
def test_other_errors_of_requests_are_not_retried(error: CallError) -> None:
    assert delay_before_next_attempt(error, 1) is None


# Reactions


async def run(
    react: Callable[[ReactionContext[CharacterUpdated]], Awaitable[None]], *, expires_at: float | None = None
) -> tuple[str, Settlement]:
    reaction = Reaction(event="test", payload=CharacterUpdated, key=lambda payload: payload.character_id, react=react)
    client, cause = (
        ImageServiceClient(Endpoint(target="127.0.0.1:1")),
        Cause(message_id="id", correlation_id="id", headers={}),
    )
    try:
        async with KeyedLock().hold("key", 0) as lock:
            context = ReactionContext(
                payload=CharacterUpdated(), only_newest=False, cause=cause, client=client, lock=lock
            )
            return await events.react(reaction, context, expires_at=expires_at)
    finally:
        await client.close()


class Failing:
    """A reaction that raises `error` the first `times` times."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    async def __call__(self, _: ReactionContext[CharacterUpdated]) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BACKOFF", Backoff(initial=0.0, maximum=0.0))


@pytest.mark.parametrize("error", [FAULT, ZeroDivisionError()], ids=["fault", "bug"])
async def test_a_reaction_that_fails_below_the_limit_completes(error: Exception) -> None:
    react = Failing(error, MAX_HANDLER_FAULTS - 1)
    assert await run(react) == ("completed", Ack())
    assert react.calls == MAX_HANDLER_FAULTS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FAULT, "INTERNAL: a bug"),
        (ZeroDivisionError(), f"reaction failed {MAX_HANDLER_FAULTS} times: ZeroDivisionError"),
    ],
    ids=["fault", "bug"],
)
async def test_an_event_is_dead_lettered_when_its_reaction_fails_at_the_limit(error: Exception, reason: str) -> None:
    react = Failing(error, MAX_HANDLER_FAULTS)
    assert await run(react) == ("dead", DeadLetter(reason))
    assert react.calls == MAX_HANDLER_FAULTS


@pytest.mark.parametrize("error", [TRANSIENT, ABORTED], ids=["transient", "aborted"])
async def test_reactions_have_no_limit_of_transient_failures(error: CallError) -> None:
    assert await run(Failing(error, MAX_TRANSIENT_ATTEMPTS * 2)) == ("completed", Ack())


async def test_a_permanent_error_dead_letters_the_event_at_once() -> None:
    react = Failing(PERMANENT, 1)
    assert await run(react) == ("dead", DeadLetter("INVALID_ARGUMENT: field: wrong"))
    assert react.calls == 1


async def test_a_superseded_event_is_acknowledged() -> None:
    assert await run(Failing(Superseded(), 1)) == ("superseded", Ack())


async def test_a_reaction_stops_once_its_event_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([99.0, 99.9, 100.0])
    monkeypatch.setattr(time, "time", lambda: next(clock))
    react = Failing(TRANSIENT, 10)
    assert await run(react, expires_at=100.0) == ("expired", Ack())
    assert react.calls == 2
