"""Every subscriber receives every event, in order."""

from __future__ import annotations

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage

from image_grpc.hub import Delivery, Outcome, topology
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    Broker,
    Inbox,
    consuming,
    declare_queue,
    envelope_named,
    event_message,
    name_of,
    publish,
    queue_message,
    receive,
    send,
    unique_name,
)
from image_grpc_testkit.eventually import eventually


async def publish_after_reconnect(broker: Broker, message: OutboundMessage) -> None:
    """Publish until confirmed: the hub may notice the loss of its publishing connection only on use."""

    async def confirmed() -> bool:
        return await broker.hub.publish(message, timeout=TIMEOUT_SECONDS) is Outcome.CONFIRMED

    await eventually(confirmed, "the message is confirmed")


class SubscriptionsContract:
    """Tests of subscriptions, durability and reconnects."""

    async def test_every_subscriber_receives_every_event_in_order(self, broker: Broker) -> None:
        prefix = unique_name("event")
        names = [str(number) for number in range(50)]
        received: dict[str, list[str]] = {"one": [], "other": []}
        consumers = [
            await broker.hub.subscribe(
                [f"{prefix}.*"], lambda each, inbox=inbox: inbox.append(name_of(each)), on_gap=lambda: None
            )
            for inbox in received.values()
        ]
        await publish(broker, *(event_message(f"{prefix}.{name}", envelope_named(name)) for name in names))
        await eventually(lambda: all(len(inbox) >= 50 for inbox in received.values()), "all events are received")
        assert received == {"one": names, "other": names}
        for consumer in consumers:
            await consumer.stop(grace=TIMEOUT_SECONDS)

    async def test_a_handler_that_subscribes_twice_receives_events_twice(self, broker: Broker) -> None:
        key = unique_name("event")
        received: list[str] = []

        def receive_event(delivery: Delivery) -> None:
            received.append(name_of(delivery))

        consumers = [await broker.hub.subscribe([key], receive_event, on_gap=lambda: None) for _ in range(2)]
        await publish(broker, event_message(key, envelope_named("message")))
        await eventually(lambda: received == ["message", "message"], "both subscriptions receive the event")
        for consumer in consumers:
            await consumer.stop(grace=TIMEOUT_SECONDS)

    async def test_a_subscriber_receives_matching_events_once(self, broker: Broker) -> None:
        prefix = unique_name("event")
        received: list[str] = []
        consumer = await broker.hub.subscribe(
            [f"{prefix}.image.*", f"{prefix}.#.generated"],
            lambda each: received.append(each.routing_key.removeprefix(f"{prefix}.")),
            on_gap=lambda: None,
        )
        for key in ("image.generated", "overlay.updated", "theme.generated", "image.last"):
            await publish(broker, event_message(f"{prefix}.{key}", envelope_named("message")))
        await eventually(lambda: "image.last" in received, "the last event is received")
        assert received == ["image.generated", "theme.generated", "image.last"]
        await consumer.stop(grace=TIMEOUT_SECONDS)

    async def test_a_stopped_subscriber_receives_no_more_events(self, broker: Broker) -> None:
        key = unique_name("event")
        stopped, remaining = list[str](), list[str]()
        first = await broker.hub.subscribe([key], lambda it: stopped.append(name_of(it)), on_gap=lambda: None)
        second = await broker.hub.subscribe([key], lambda it: remaining.append(name_of(it)), on_gap=lambda: None)
        await publish(broker, event_message(key, envelope_named("before")))
        await eventually(lambda: stopped == remaining == ["before"], "both receive the first event")
        await first.stop(grace=TIMEOUT_SECONDS)
        await publish(broker, event_message(key, envelope_named("after")))
        await eventually(lambda: remaining == ["before", "after"], "the remaining subscriber receives the second")
        assert stopped == ["before"]
        await second.stop(grace=TIMEOUT_SECONDS)
        assert await broker.hub.publish(
            event_message(key, envelope_named("message"), mandatory=True), timeout=TIMEOUT_SECONDS
        ) is (Outcome.RETURNED)

    async def test_subscribers_and_queues_both_receive_an_event(self, broker: Broker) -> None:
        key = unique_name("event")
        queue = await declare_queue(broker, (topology.EVENTS, key))
        received: list[str] = []
        consumer = await broker.hub.subscribe([key], lambda it: received.append(name_of(it)), on_gap=lambda: None)
        await publish(broker, event_message(key, envelope_named("message")))
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["message"]
        await eventually(lambda: received == ["message"], "the subscriber receives the event")
        await consumer.stop(grace=TIMEOUT_SECONDS)

    # Where the implementations differ

    async def test_confirmed_messages_outlive_the_hub(self, broker: Broker) -> None:
        if not broker.features.durable:
            pytest.skip("not durable")
        queue = await declare_queue(broker)
        await send(broker, queue, "message")
        await broker.reopen()
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["message"]

    async def test_after_a_reconnect_consumers_continue_and_subscribers_learn_of_the_gap(self, broker: Broker) -> None:
        if not broker.features.connection_can_be_lost:
            pytest.skip("no connection to lose")
        queue, key, inbox, gaps, received = (
            await declare_queue(broker),
            unique_name("event"),
            Inbox(),
            list[int](),
            list[str](),
        )
        consumer = await broker.hub.subscribe(
            [key], lambda each: received.append(name_of(each)), on_gap=lambda: gaps.append(1)
        )
        async with consuming(broker, queue, inbox):
            await broker.lose_connection()
            await eventually(lambda: bool(gaps) and broker.hub.problem == "", "the hub reconnects and reports the gap")
            await publish_after_reconnect(broker, queue_message(queue, envelope_named("after")))
            await inbox.wait_for(1)
            await publish_after_reconnect(broker, event_message(key, envelope_named("after")))
            await eventually(lambda: set(received) == {"after"}, "the subscriber receives the new event")
        await consumer.stop(grace=TIMEOUT_SECONDS)
