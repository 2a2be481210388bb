"""Events: each is reacted to in its turn, again and again while that may help."""

from __future__ import annotations

import itertools
import time

import structlog
from opentelemetry.trace import SpanKind

from image_grpc.bridge.calls import Cause, Failure, Server
from image_grpc.bridge.keyed import Keyed, Turn
from image_grpc.bridge.payloads import read_event
from image_grpc.bridge.reactions import REACTIONS, Reaction
from image_grpc.bridge.work import Superseded, Work
from image_grpc.correlation import correlated
from image_grpc.hub import Ack, DeadLetter, Delivery, Settlement
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.port import MAX_FAULTS
from image_grpc.telemetry import ATTR_OPERATION, ATTR_OUTCOME, SPAN_BRIDGE, Telemetry

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0

_BY_EVENT = {reaction.event: reaction for reaction in REACTIONS}


class Events:
    """Handles what happens elsewhere."""

    def __init__(self, server: Server, telemetry: Telemetry) -> None:
        self._server, self._telemetry, self._keyed = server, telemetry, Keyed()

    def close(self) -> None:
        """Begins nothing any more, and tries nothing again: such events go back to their queue."""
        self._keyed.close()

    async def handle(self, delivery: Delivery) -> Settlement:
        """Reacts to an event when those of its key that came before are settled. It must be called in the order of
        arrival."""
        reaction = _BY_EVENT.get(delivery.envelope.type.replace(".", "_"))
        if reaction is None:
            return DeadLetter(f"nothing is done for events of type {delivery.envelope.type!r}")
        try:
            payload = read_event(delivery.envelope, reaction.payload)
        except Failure as failure:
            return self._told(reaction, "dead", DeadLetter(str(failure)))
        cause = Cause.of(delivery)
        # Nothing is awaited before this line: the order of arrival is that of the turns.
        async with self._keyed.turn(f"{reaction.event}/{reaction.key(payload)}", _made(delivery)) as turn:
            span = self._telemetry.span(SPAN_BRIDGE + reaction.event, parent=delivery.headers, kind=SpanKind.CONSUMER)
            with correlated(cause.correlation_id), span:
                work = Work(
                    payload=payload, only_newest=reaction.only_newest, cause=cause, server=self._server, turn=turn
                )
                outcome, settlement = await self._react(reaction, work, turn, envelopes.expires_at(delivery.envelope))
        return self._told(reaction, outcome, settlement)

    async def _react(self, reaction: Reaction, work: Work, turn: Turn, expires: float | None) -> tuple[str, Settlement]:
        for attempt in itertools.count(1):
            if expires is not None and expires <= time.time():
                log.info("event has expired", type=reaction.event, message_id=work.cause.message_id)
                return "expired", Ack()
            try:
                await reaction.react(work)
            except Superseded:
                return "superseded", Ack()
            except Failure as failure:
                log.info(
                    "event not reacted to", type=reaction.event, message_id=work.cause.message_id, problem=str(failure)
                )
                if failure.final or (failure.fault and attempt >= MAX_FAULTS):
                    return "dead", DeadLetter(str(failure))
            except Exception as bug:
                log.exception("reaction failed", type=reaction.event, message_id=work.cause.message_id)
                if attempt >= MAX_FAULTS:
                    return "dead", DeadLetter(f"reaction failed {attempt} times: {type(bug).__name__}")
            else:
                return "completed", Ack()
            # Here, not on the retry ladder: later events of the key must wait for this one.
            await turn.pause(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))
        raise AssertionError("unreachable")

    def _told(self, reaction: Reaction, outcome: str, settlement: Settlement) -> Settlement:
        self._telemetry.bridge_messages.add(1, {ATTR_OPERATION: reaction.event, ATTR_OUTCOME: outcome})
        return settlement


def _made(delivery: Delivery) -> int:
    """When an event was made, in nanoseconds since the epoch; one that does not say so, now."""
    envelope = delivery.envelope
    return envelope.timestamp.ToNanoseconds() if envelope.HasField("timestamp") else time.time_ns()
