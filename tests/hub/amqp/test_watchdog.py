"""Missing consumers are restored, and the hub is not connected meanwhile."""

from __future__ import annotations

from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Delivery, topology
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
        assert broker.hub.connected
        await broker.delete(queue.name)
        await eventually(lambda: not broker.hub.connected, "the missing consumer is detected")
        await broker.declare(queue)
        await eventually(lambda: broker.hub.connected, "the consumer is restored")
        await send(broker, queue.name, "after")
        await inbox.wait_for(1)


async def test_a_consumer_is_restored_after_the_broker_forgot_it(broker: AmqpBroker) -> None:
    queue = await declare_queue(broker)
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await broker.forget_consumers(queue)
        await send(broker, queue, "after")
        await inbox.wait_for(1)
        await eventually(lambda: broker.hub.connected, "the hub is connected again")


async def test_exclusive_queues_are_reopened_after_they_were_deleted(broker: AmqpBroker) -> None:
    """aio-pika does not restore them, because their old names may be locked."""
    key, gaps = unique_name("event"), []
    inbox: list[Delivery] = []
    await broker.hub.subscribe([key], inbox.append, on_gap=lambda: gaps.append(True))
    queue = await declare_queue(broker, (topology.REQUESTS, key))
    async with consuming(broker, queue, replying(broker, lambda delivery: ("reply", ImageGenerated()))):
        await broker.delete_exclusive_queues()
        await eventually(lambda: not broker.hub.connected, "the missing consumers are detected")
        await eventually(lambda: broker.hub.connected, "the exclusive queues are reopened")
        assert gaps
        request = request_message(key, envelope_named("after"))
        assert (await broker.hub.request(request, timeout=TIMEOUT_SECONDS)).type == "reply"
        await publish(broker, event_message(key, envelope_named("after")))
        await eventually(lambda: len(inbox) == 1, "the event arrives")
