"""Missing consumers are restored, and the hub is not connected meanwhile."""

from __future__ import annotations

import pytest
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Delivery, topology
from image_grpc.hub.amqp import watchdog
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    Inbox,
    consuming,
    declare_queue,
    envelope_named,
    event_message,
    publish,
    replying,
    request_message,
    send,
    unique_name,
)
from image_grpc_testkit.eventually import eventually
from tests.hub.amqp.broker import AmqpBroker


async def test_a_consumer_is_restored_after_its_queue_was_deleted(broker: AmqpBroker) -> None:
    queue = topology.Queue(name=unique_name("queue"))
    await broker.declare(queue)
    inbox = Inbox()
    async with consuming(broker, queue.name, inbox):
        assert broker.hub.problem == ""
        await broker.delete(queue.name)
        await eventually(lambda: broker.hub.problem != "", "the missing consumer is detected")
        await broker.declare(queue)
        await eventually(lambda: broker.hub.problem == "", "the consumer is restored")
        await send(broker, queue.name, "after")
        await inbox.wait_for(1)


async def test_a_consumer_is_restored_after_the_broker_forgot_it(broker: AmqpBroker) -> None:
    queue = await declare_queue(broker)
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await broker.forget_consumers(queue)
        await send(broker, queue, "after")
        await inbox.wait_for(1)
        await eventually(lambda: broker.hub.problem == "", "the hub is connected again")


async def test_exclusive_queues_are_reopened_after_they_were_deleted(broker: AmqpBroker) -> None:
    """aio-pika does not restore them, because their old names may be locked."""
    key, gaps = unique_name("event"), []
    inbox: list[Delivery] = []
    await broker.hub.subscribe([key], inbox.append, on_gap=lambda: gaps.append(True))
    queue = await declare_queue(broker, (topology.REQUESTS, key))
    async with consuming(broker, queue, replying(broker, lambda delivery: ("reply", ImageGenerated()))):
        await broker.delete_exclusive_queues()
        await eventually(lambda: broker.hub.problem != "", "the missing consumers are detected")
        await eventually(lambda: broker.hub.problem == "", "the exclusive queues are reopened")
        assert gaps
        request = request_message(key, envelope_named("after"))
        assert (await broker.hub.request(request, timeout=TIMEOUT_SECONDS)).type == "reply"
        await publish(broker, event_message(key, envelope_named("after")))
        await eventually(lambda: len(inbox) == 1, "the event arrives")


@pytest.mark.parametrize("queue", [topology.DEAD_QUEUE, "image.retry.5"])
async def test_a_deleted_queue_is_declared_again(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    monkeypatch.setattr(watchdog, "CHECKS_PER_TOPOLOGY_CHECK", 1)
    await broker.delete(queue)
    await eventually(lambda: broker.exists(queue), f"{queue} exists again")


@pytest.mark.parametrize("exchange", [*topology.EXCHANGES, "image.retry.5"])
async def test_a_deleted_exchange_is_declared_again_with_its_bindings(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    monkeypatch.setattr(watchdog, "CHECKS_PER_TOPOLOGY_CHECK", 1)
    gaps, inbox = [], list[Delivery]()
    await broker.hub.subscribe([topology.STORAGE_CHANGED], inbox.append, on_gap=lambda: gaps.append(True))
    names = [queue.name for queue in topology.QUEUES]
    lasting = {each for each in await broker.bindings() if each.split("\t")[1] in names}
    await broker.delete_exchange(exchange)

    async def is_restored() -> bool:
        return lasting <= await broker.bindings()

    await eventually(is_restored, "exchange and bindings exist again")
    if exchange == topology.CHANGES:
        await eventually(lambda: bool(gaps), "the gap is reported")

        async def arrives() -> bool:
            await publish(broker, event_message(topology.STORAGE_CHANGED, envelope_named("after")))
            return bool(inbox)

        await eventually(arrives, "events arrive again")


async def test_a_deleted_queue_is_declared_again_by_its_consumer(broker: AmqpBroker) -> None:
    inbox = Inbox()
    async with consuming(broker, topology.STORE_QUEUE, inbox):
        await broker.delete(topology.STORE_QUEUE)
        await eventually(lambda: broker.hub.problem != "", "the missing consumer is detected")
        await eventually(lambda: broker.hub.problem == "", "queue and consumer are restored")
        await send(broker, topology.STORE_QUEUE, "after")
        await inbox.wait_for(1)
