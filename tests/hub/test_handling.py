"""How each kind of handler result and message becomes a settlement."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError
from image_grpc.hub import Ack, DeadLetter, Delivery, Retry, Settlement, Unreadable
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.handling import IncomingMessage, PendingReplies, acknowledging, handle_message
from image_grpc.retry import MAX_DELIVERIES, MAX_HANDLER_FAULTS
from image_grpc_testkit.contracts.hub_testkit import Inbox, envelope_named


def incoming(**fields: object) -> IncomingMessage:
    body, content_type = envelopes.encode(envelope_named("message"))
    defaults = {"body": body, "content_type": content_type, "delivery": delivery_at(attempt=1)}
    return IncomingMessage(**(defaults | fields))  # type: ignore[arg-type]


def delivery_at(attempt: int) -> Delivery:
    return Delivery(envelope=Envelope(), queue="queue", routing_key="key", attempt=attempt)


def fail(_: Delivery) -> Settlement:
    raise ZeroDivisionError


@pytest.mark.parametrize("settlement", [Ack(), Retry(5, "busy"), DeadLetter("unwanted")])
async def test_the_handler_s_settlement_is_returned(settlement: Settlement) -> None:
    assert await handle_message(Inbox(lambda _: settlement), incoming()) == settlement


async def test_the_handler_receives_the_message_and_its_metadata() -> None:
    inbox, properties = Inbox(), Envelope(source_service="property", correlation_id="property")
    expected = Delivery(
        envelope=properties,
        queue="queue",
        routing_key="key",
        attempt=3,
        redelivered=True,
        reply_to="sender",
        reply_correlation_id="property",
        headers={"traceparent": "trace"},
    )
    await handle_message(inbox, incoming(delivery=expected))
    assert inbox.names == ["message"]
    assert [replace(each, envelope=properties) for each in inbox.deliveries] == [expected]


@pytest.mark.parametrize("attempt", [1, MAX_HANDLER_FAULTS - 1])
async def test_a_failing_handler_is_retried_below_the_limit(attempt: int) -> None:
    assert await handle_message(Inbox(fail), incoming(delivery=delivery_at(attempt))) == Retry(0, "handler failed")


@pytest.mark.parametrize("attempt", [MAX_HANDLER_FAULTS, MAX_HANDLER_FAULTS + 1])
async def test_a_message_is_dead_lettered_when_its_handler_fails_at_the_limit(attempt: int) -> None:
    settlement = await handle_message(Inbox(fail), incoming(delivery=delivery_at(attempt)))
    assert settlement == DeadLetter(f"handler failed {attempt} times: ZeroDivisionError")


@pytest.mark.parametrize("deliveries", [MAX_DELIVERIES, MAX_DELIVERIES + 1])
async def test_a_message_is_dead_lettered_unhandled_at_the_delivery_limit(deliveries: int) -> None:
    inbox = Inbox()
    settlement = await handle_message(inbox, incoming(previous_deliveries=deliveries))
    assert settlement == DeadLetter(f"delivered {deliveries} times without being settled")
    assert not inbox.deliveries


async def test_a_message_is_handled_below_the_delivery_limit() -> None:
    assert await handle_message(Inbox(), incoming(previous_deliveries=MAX_DELIVERIES - 1)) == Ack()


async def test_a_body_that_is_not_an_envelope_is_unreadable() -> None:
    settlement = await handle_message(Inbox(), incoming(body=b"<html>", content_type="text/html"))
    assert isinstance(settlement, Unreadable)


async def test_a_payload_of_another_type_is_unreadable_at_the_first_attempt() -> None:
    def decode(_: Delivery) -> Settlement:
        raise envelopes.BadEnvelope("payload is not valid")

    assert await handle_message(Inbox(decode), incoming()) == Unreadable("payload is not valid")


async def test_an_expired_message_is_acknowledged_unhandled(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    monkeypatch.setattr(time, "time", lambda: 100.0)
    assert await handle_message(inbox, incoming(expires_at=100.0)) == Ack()
    assert not inbox.deliveries
    await handle_message(inbox, incoming(expires_at=100.1))
    assert len(inbox.deliveries) == 1


@pytest.mark.parametrize("sent", [1000, 4_000_000_000])
@pytest.mark.parametrize(("own", "left"), [(None, 30), (5, 5), (60, 30)])
async def test_the_time_to_live_of_the_transport_does_not_depend_on_the_senders_clock(
    monkeypatch: pytest.MonkeyPatch, sent: int, own: int | None, left: int
) -> None:
    inbox = Inbox()
    monkeypatch.setattr(time, "time", lambda: 2_000_000.0)
    envelope = envelopes.json_envelope("t", Envelope(), correlation_id="c", time_to_live=own)
    envelope.timestamp.FromSeconds(sent)
    body, content_type = envelopes.encode(envelope)
    await handle_message(inbox, incoming(body=body, content_type=content_type, expires_at=2_000_030.0))
    assert inbox.deliveries[0].expires_at == 2_000_000.0 + left


async def test_an_expired_message_is_not_dead_lettered() -> None:
    message = incoming(expires_at=0.0, previous_deliveries=MAX_DELIVERIES)
    assert await handle_message(Inbox(), message) == Ack()


async def test_an_acknowledging_handler_calls_back() -> None:
    deliveries: list[Delivery] = []
    assert await handle_message(acknowledging(deliveries.append), incoming()) == Ack()
    assert len(deliveries) == 1


async def test_a_reply_reaches_the_request_that_expects_it() -> None:
    replies, first = PendingReplies(), envelope_named("first")
    with replies.expect("one") as one, replies.expect("two") as two:
        replies.resolve("two", first)
        replies.resolve("two", envelope_named("second"))
        replies.resolve("of nobody", envelope_named("third"))
        assert not one.done()
        assert await two == first


async def test_an_error_is_raised_by_the_request_that_expects_a_reply() -> None:
    replies = PendingReplies()
    with replies.expect("one") as one, replies.expect("two") as two:
        replies.resolve("one", HubError("the queue is full"))
        replies.fail_all("the connection broke")
        with pytest.raises(HubError, match="the queue is full"):
            await one
        with pytest.raises(HubError, match="the connection broke"):
            await two


async def test_a_reply_after_its_request_has_ended_is_ignored() -> None:
    replies = PendingReplies()
    with replies.expect("token") as reply:
        pass
    replies.resolve("token", envelope_named("late"))
    replies.fail_all("the connection broke")
    assert reply.cancelled()
    assert not replies._replies, "nothing is kept of requests that have ended"
