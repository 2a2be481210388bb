"""Every subscriber hears every event, in order."""

from __future__ import annotations

import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage

from image_grpc.hub import Delivery, Outcome, topology
from tests.contracts.hub_bench import (
    SECONDS,
    Broker,
    Inbox,
    a_queue,
    as_event,
    consuming,
    name_of,
    named,
    publish,
    send,
    take,
    to_queue,
    unique,
)
from tests.contracts.patience import eventually


async def taken(broker: Broker, message: OutboundMessage) -> None:
    """Returns once the broker has confirmed the message: the connection for publishing may be noticed to be lost
    only when it is used."""

    async def confirmed() -> bool:
        return await broker.hub.publish(message, timeout=SECONDS) is Outcome.CONFIRMED

    await eventually(confirmed, "the message is confirmed")


class SubscriptionsContract:
    """The suite."""

    # Subscriptions

    async def test_every_subscriber_hears_every_event_in_order(self, broker: Broker) -> None:
        prefix = unique("event")
        names = [str(number) for number in range(50)]
        heard: dict[str, list[str]] = {"one": [], "other": []}
        consumers = [
            await broker.hub.subscribe(
                [f"{prefix}.*"], lambda each, inbox=inbox: inbox.append(name_of(each)), on_gap=lambda: None
            )
            for inbox in heard.values()
        ]
        await publish(broker, *(as_event(f"{prefix}.{name}", named(name)) for name in names))
        await eventually(lambda: all(len(inbox) >= 50 for inbox in heard.values()), "all events are heard")
        assert heard == {"one": names, "other": names}
        for consumer in consumers:
            await consumer.stop(grace=SECONDS)

    async def test_a_handler_that_subscribes_twice_hears_everything_twice(self, broker: Broker) -> None:
        key = unique("event")
        heard: list[str] = []

        def hear(delivery: Delivery) -> None:
            heard.append(name_of(delivery))

        consumers = [await broker.hub.subscribe([key], hear, on_gap=lambda: None) for _ in range(2)]
        await publish(broker, as_event(key, named("it")))
        await eventually(lambda: heard == ["it", "it"], "both subscriptions hear the event")
        for consumer in consumers:
            await consumer.stop(grace=SECONDS)

    async def test_a_subscriber_hears_an_event_once_and_only_those_it_asked_for(self, broker: Broker) -> None:
        prefix = unique("event")
        heard: list[str] = []
        consumer = await broker.hub.subscribe(
            [f"{prefix}.image.*", f"{prefix}.#.generated"],
            lambda each: heard.append(each.routing_key.removeprefix(f"{prefix}.")),
            on_gap=lambda: None,
        )
        for key in ("image.generated", "overlay.updated", "theme.generated", "image.last"):
            await publish(broker, as_event(f"{prefix}.{key}", named("it")))
        await eventually(lambda: "image.last" in heard, "the last event is heard")
        assert heard == ["image.generated", "theme.generated", "image.last"]
        await consumer.stop(grace=SECONDS)

    async def test_who_stopped_hears_nothing_more(self, broker: Broker) -> None:
        key = unique("event")
        stopped, staying = list[str](), list[str]()
        first = await broker.hub.subscribe([key], lambda it: stopped.append(name_of(it)), on_gap=lambda: None)
        second = await broker.hub.subscribe([key], lambda it: staying.append(name_of(it)), on_gap=lambda: None)
        await publish(broker, as_event(key, named("before")))
        await eventually(lambda: stopped == staying == ["before"], "both hear the first event")
        await first.stop(grace=SECONDS)
        await publish(broker, as_event(key, named("after")))
        await eventually(lambda: staying == ["before", "after"], "the one that stays hears the second")
        assert stopped == ["before"]
        await second.stop(grace=SECONDS)
        assert await broker.hub.publish(as_event(key, named("it"), mandatory=True), timeout=SECONDS) is (
            Outcome.RETURNED
        )

    async def test_an_event_is_heard_by_subscribers_and_queues_alike(self, broker: Broker) -> None:
        key = unique("event")
        queue = await a_queue(broker, (topology.EVENTS, key))
        heard: list[str] = []
        consumer = await broker.hub.subscribe([key], lambda it: heard.append(name_of(it)), on_gap=lambda: None)
        await publish(broker, as_event(key, named("it")))
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["it"]
        await eventually(lambda: heard == ["it"], "the subscriber hears the event")
        await consumer.stop(grace=SECONDS)

    # Where the implementations differ

    async def test_what_was_confirmed_outlives_the_hub(self, broker: Broker) -> None:
        if not broker.features.durable:
            pytest.skip("its queues end with the process")
        queue = await a_queue(broker)
        await send(broker, queue, "it")
        await broker.reopen()
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["it"]

    async def test_after_a_lost_connection_consumers_go_on_and_subscribers_know_of_the_gap(
        self, broker: Broker
    ) -> None:
        if not broker.features.connection_can_be_lost:
            pytest.skip("it has no connection")
        queue, key, inbox, gaps, heard = await a_queue(broker), unique("event"), Inbox(), list[int](), list[str]()
        consumer = await broker.hub.subscribe(
            [key], lambda each: heard.append(name_of(each)), on_gap=lambda: gaps.append(1)
        )
        async with consuming(broker, queue, inbox):
            await broker.lose_connection()
            await eventually(lambda: bool(gaps) and broker.hub.connected, "the hub is back, and told of the gap")
            await taken(broker, to_queue(queue, named("after")))
            await inbox.holds(1)
            await taken(broker, as_event(key, named("after")))
            await eventually(lambda: set(heard) == {"after"}, "the subscriber hears what is new")
        await consumer.stop(grace=SECONDS)
