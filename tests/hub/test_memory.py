"""The hub inside of one process keeps the hub's contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from image_grpc.hub import Outcome, Retry, memory, topology
from image_grpc.hub.memory import MemoryHub
from tests.contracts.hub_bench import Features, Inbox, a_queue, named, send, take, to_queue
from tests.contracts.hub_contract import HubContract

RETRY_STEPS = (0.1, 0.2, 0.4)


class MemoryBroker:
    """A MemoryHub, which is its own broker."""

    features = Features(durable=False, connection_can_be_lost=False, shortest_retry_seconds=RETRY_STEPS[0])

    def __init__(self) -> None:
        self.hub = MemoryHub(retry_steps=RETRY_STEPS)

    async def declare(self, queue: topology.Queue) -> None:
        self.hub.declare(queue)

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        # No caller of MemoryHub can send what is no envelope; what is shared with AMQP is how it is settled.
        self.hub._queues[queue].put(
            memory._Stored(
                body=body, content_type=content_type, routing_key=queue, reply_to="", headers={}, expires_at=None
            )
        )

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
    queue = await a_queue(broker)
    await send(broker, queue, "one", "two")
    assert await broker.hub.publish(to_queue(queue, named("three")), timeout=1) is Outcome.REFUSED
    await take(broker, queue, 2)
    assert await broker.hub.publish(to_queue(queue, named("three")), timeout=1) is Outcome.CONFIRMED


async def test_declaring_a_queue_again_keeps_its_messages(broker: MemoryBroker) -> None:
    queue = topology.Queue(name="twice", bindings=((topology.EVENTS, "twice"),))
    broker.hub.declare(queue)
    await send(broker, queue.name, "it")
    broker.hub.declare(queue)
    assert await broker.hub.depth(queue.name) == 1


async def test_closing_with_messages_between_two_attempts_leaves_no_timer_behind(broker: MemoryBroker) -> None:
    queue = await a_queue(broker)
    inbox = Inbox(lambda delivery: Retry(0))
    consumer = await broker.hub.consume(queue, inbox, concurrency=1)
    await send(broker, queue, "it")
    await inbox.holds(1)
    await consumer.stop(grace=1)
    await broker.hub.close()
    await asyncio.sleep(RETRY_STEPS[0] * 2)
    assert await broker.hub.depth(queue) == 0
