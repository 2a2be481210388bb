"""What becomes of messages that consumers do not settle."""

from __future__ import annotations

import asyncio
import re

import aio_pika
import pytest
from aio_pika.abc import HeadersType

from image_grpc.hub import Ack, DeadLetter, Delivery, Retry, Settlement, handling, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import messages
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    Inbox,
    consuming,
    declare_queue,
    envelope_named,
    name_of,
    receive_dead_letters,
    send,
    wait_until_empty,
)
from image_grpc_testkit.eventually import eventually
from tests.hub.amqp.broker import AmqpBroker


async def test_a_message_that_crashes_its_consumers_is_dead_lettered(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handling, "MAX_DELIVERIES", 3)
    queue = await declare_queue(broker)
    await send(broker, queue, "first")
    await broker.receive_and_requeue(queue, times=3)
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        [dead] = await receive_dead_letters(broker, queue)
        assert re.fullmatch(r"delivered \d+ times without being settled", dead.headers["reason"])
        await send(broker, queue, "second")
        await inbox.wait_for(1)
    assert inbox.names == ["second"]


async def test_a_message_is_redelivered_if_settling_it_fails(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unsettled message would occupy its slot forever."""
    forwarded = messages.forwarded

    def fail_once(*_: object, **__: object) -> aio_pika.Message:
        monkeypatch.setattr(messages, "forwarded", forwarded)
        raise ValueError("a bug")

    monkeypatch.setattr(messages, "forwarded", fail_once)
    queue = await declare_queue(broker)
    async with consuming(broker, queue, Inbox(lambda _: DeadLetter("unwanted"))):
        await send(broker, queue, "first")
        [dead] = await receive_dead_letters(broker, queue)
    assert dead.headers["reason"] == "unwanted"


async def test_a_message_that_cannot_be_settled_is_dead_lettered_without_its_properties(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> aio_pika.Message:
        raise ValueError("a bug")

    monkeypatch.setattr(messages, "forwarded", fail)
    queue = await declare_queue(broker)
    async with consuming(broker, queue, Inbox(lambda _: DeadLetter("unwanted"))):
        await send(broker, queue, "first")
        [dead] = await receive_dead_letters(broker, queue)
    assert dead.headers["reason"] == "message not settled: ValueError"
    assert name_of(dead) == "first"


FORGED_HEADERS: list[HeadersType] = [
    {"CC": ["image.store"], "BCC": ["image.store"]},
    {"attempt": 2**63 - 1},
    {"attempt": -(2**63)},
    {"attempt": "many"},
    {"expires_at_ms": 10**18},
    {"expires_at_ms": -(10**18)},
    {"x-delivery-count": 2**63 - 1},
    {"request_token": "x" * 10_000, "dedup_key": "y" * 10_000, "routing_key": "z" * 10_000},
    {"dedup_key": None, "routing_key": {"nested": ["table", 1.5, True]}, "traceparent": bytearray(b"\xff\x00")},
]


@pytest.mark.parametrize(
    "settlement", [Ack(), DeadLetter("unwanted"), Retry(0, "again")], ids=lambda each: type(each).__name__
)
async def test_forged_messages_do_not_stop_a_consumer(broker: AmqpBroker, settlement: Settlement) -> None:
    """More of them than the consumer handles at once; each is settled, and none breaks the publishes of others."""
    queue = await declare_queue(broker)
    body, content_type = envelopes.encode(envelope_named("forged"))
    inbox = Inbox(lambda delivery: settlement if name_of(delivery) == "forged" and delivery.attempt < 3 else Ack())
    for headers in FORGED_HEADERS:
        for properties in ({"content_type": content_type}, {"reply_to": "nobody", "correlation_id": "x" * 255}, {}):
            message = aio_pika.Message(body, headers=headers, **properties)
            await broker.publish_raw(queue, message)
    async with consuming(broker, queue, inbox, concurrency=4):
        await send(broker, queue, "legitimate")
        await eventually(lambda: "legitimate" in inbox.names, "the legitimate message is handled")
        await wait_until_empty(broker, queue)
    assert broker.hub.problem == ""


async def test_the_next_consumer_of_an_ordered_queue_continues_in_order(broker: AmqpBroker) -> None:
    queue, may_finish, handled = topology.BRIDGE_EVENTS_QUEUE, asyncio.Event(), list[str]()

    async def first(delivery: Delivery) -> Settlement:
        await may_finish.wait()
        if name_of(delivery) == "2":  # it is still waiting for its lock when the bridge stops
            raise asyncio.CancelledError
        handled.append(name_of(delivery))
        return Ack()

    async def second(delivery: Delivery) -> Settlement:
        handled.append(name_of(delivery))
        return Ack()

    consumer = await broker.hub.consume(queue, first, concurrency=2)
    async with consuming(broker, queue, second):
        await send(broker, queue, "1", "2", "3")
        stopping = asyncio.create_task(consumer.stop(grace=TIMEOUT_SECONDS))
        await send(broker, queue, "4", "5", "6")  # time for the second consumer to receive 3
        may_finish.set()
        await stopping
        await eventually(lambda: len(handled) == 6, "all messages are handled")
    assert handled == ["1", "2", "3", "4", "5", "6"]
