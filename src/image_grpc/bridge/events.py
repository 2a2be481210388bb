"""Events: reacts to each one in order per key, and repeats reactions that may succeed later."""

import itertools
import time
from functools import partial

import structlog

from image_grpc.bridge.client import Cause, ImageServiceClient
from image_grpc.bridge.errors import CallError
from image_grpc.bridge.keyed_lock import KeyedLock, always_valid
from image_grpc.bridge.payloads import decode_event
from image_grpc.bridge.reaction_context import P, ReactionContext, Superseded
from image_grpc.bridge.reactions import REACTIONS, Reaction
from image_grpc.correlation import correlated
from image_grpc.hub import Ack, DeadLetter, Delivery, Settlement
from image_grpc.retry import MAX_HANDLER_FAULTS, Backoff
from image_grpc.telemetry import ATTR_OPERATION, ATTR_OUTCOME, SPAN_BRIDGE, Telemetry

log = structlog.get_logger(__name__)

BACKOFF = Backoff(initial=0.05, maximum=5.0)

_BY_EVENT = {reaction.event: reaction for reaction in REACTIONS}


class EventHandler:
    """Handles the events of other services."""

    def __init__(self, client: ImageServiceClient, telemetry: Telemetry) -> None:
        self._client, self._telemetry, self._locks = client, telemetry, KeyedLock()

    def close(self) -> None:
        """Start no further reaction, and repeat none: their events return to the queue."""
        self._locks.close()

    async def handle(self, delivery: Delivery) -> Settlement:
        """React to an event once earlier events with its key are settled. Must be called in order of arrival."""
        reaction = _BY_EVENT.get(delivery.envelope.type.replace(".", "_"))
        if reaction is None:
            return DeadLetter(f"no reaction to events of type {delivery.envelope.type!r}")
        outcome, settlement = await self._handle(reaction, delivery)
        self._telemetry.bridge_messages.add(1, {ATTR_OPERATION: reaction.event, ATTR_OUTCOME: outcome})
        return settlement

    async def _handle(self, reaction: Reaction[P], delivery: Delivery) -> tuple[str, Settlement]:
        try:
            payload = decode_event(delivery.envelope, reaction.payload, ignore_unknown_fields=not reaction.is_command)
        except CallError as error:
            return "dead", DeadLetter(str(error))
        cause, envelope = Cause.of(delivery), delivery.envelope
        created = envelope.timestamp.ToNanoseconds() if envelope.HasField("timestamp") else time.time_ns()
        # Nothing is awaited before this line: the locks are acquired in order of arrival.
        is_valid = partial(reaction.is_valid, payload, self._client, cause) if reaction.is_valid else always_valid
        async with self._locks.hold(f"{reaction.event}/{reaction.key(payload)}", created, is_valid) as lock:
            name = SPAN_BRIDGE + reaction.event
            span = self._telemetry.consumer_span(name, delivery.queue, parent=delivery.headers)
            with correlated(cause.correlation_id), span:
                context = ReactionContext(
                    payload=payload,
                    only_newest=reaction.is_valid is not None,
                    cause=cause,
                    client=self._client,
                    lock=lock,
                )
                return await react(reaction, context, expires_at=delivery.expires_at)


async def react(
    reaction: Reaction[P], context: ReactionContext[P], *, expires_at: float | None
) -> tuple[str, Settlement]:
    """Run a reaction until it succeeds or cannot succeed, and return its outcome and settlement."""
    fields = {"type": reaction.event, "message_id": context.cause.message_id}
    for attempt in itertools.count(1):
        if expires_at is not None and expires_at <= time.time():
            log.info("event expired", **fields)
            return "expired", Ack()
        try:
            await reaction.react(context)
        except Superseded:
            return "superseded", Ack()
        except CallError as error:
            log.info("reaction failed", **fields, error=str(error))
            if error.permanent or (error.fault and attempt >= MAX_HANDLER_FAULTS):
                return "dead", DeadLetter(str(error))
        except Exception as bug:
            log.exception("reaction raised", **fields)
            if attempt >= MAX_HANDLER_FAULTS:
                return "dead", DeadLetter(f"reaction failed {attempt} times: {type(bug).__name__}")
        else:
            return "completed", Ack()
        # Wait here instead of on the retry ladder: later events with the key must wait for this one.
        await context.lock.sleep(BACKOFF.delay(attempt))
    raise AssertionError("unreachable")
