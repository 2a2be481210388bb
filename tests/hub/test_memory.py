"""The hub within one process fulfills the hub's contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope

from image_grpc.errors import HubError
from image_grpc.hub import Delivery, Outcome, Retry, memory, topology
from image_grpc.hub.handling import IncomingMessage
from image_grpc.hub.memory import MemoryHub
from image_grpc.retry import RetryLadder
from image_grpc_testkit.contracts.hub_contract import HubContract
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    Features,
    Inbox,
    declare_queue,
    envelope_named,
    queue_message,
    receive,
    send,
)

LADDER = RetryLadder((0.1, 0.2, 0.4))


class MemoryBroker:
    """A MemoryHub, which is its own broker. Implements `hub_testkit.Broker`."""

    features = Features(durable=False, connection_can_be_lost=False, shortest_retry_seconds=LADDER.steps[0])

    def __init__(self) -> None:
        self.hub = MemoryHub(ladder=LADDER)

    async def declare(self, queue: topology.Queue) -> None:
        self.hub.declare(queue)

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        # The hub's interface accepts envelopes only, but its consumers share their handling with those of AMQP.
        delivery = Delivery(envelope=Envelope(), queue=queue, routing_key=queue)
        self.hub._queues[queue].put(IncomingMessage(body=body, content_type=content_type, delivery=delivery))

    async def reopen(self) -> None:
        raise NotImplementedError

    async def lose_connection(self) -> None:
        raise NotImplementedError


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    broker = MemoryBroker()
    await broker.hub.start()
    yield broker
    await broker.hub.close()


class TestMemoryHub(HubContract):
    """The contract."""


async def test_a_full_queue_refuses_messages(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_QUEUE_LENGTH", 2)
    name = await declare_queue(broker)
    await send(broker, name, "one", "two")
    third = queue_message(name, envelope_named("three"))
    assert await broker.hub.publish(third, timeout=1) is Outcome.REFUSED
    with pytest.raises(HubError, match="the queue is full"):
        await broker.hub.request(third, timeout=TIMEOUT_SECONDS)
    await receive(broker, name, 2)
    assert await broker.hub.publish(third, timeout=1) is Outcome.CONFIRMED


async def test_declaring_a_queue_again_keeps_its_messages(broker: MemoryBroker) -> None:
    declared = topology.Queue(name="twice", bindings=((topology.EVENTS, "twice"),))
    broker.hub.declare(declared)
    await send(broker, declared.name, "message")
    broker.hub.declare(declared)
    assert await broker.hub.depth(declared.name) == 1


async def test_closing_cancels_pending_retries(broker: MemoryBroker) -> None:
    name = await declare_queue(broker)
    inbox = Inbox(lambda delivery: Retry(0))
    consumer = await broker.hub.consume(name, inbox, concurrency=1)
    await send(broker, name, "message")
    await inbox.wait_for(1)
    await consumer.stop(grace=1)
    await broker.hub.close()
    await asyncio.sleep(LADDER.steps[0] * 2)
    assert await broker.hub.depth(name) == 0
