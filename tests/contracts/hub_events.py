"""Events and messages reach the queues that they are for, as they were sent."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Outcome, topology
from image_grpc.hub import envelope as envelopes
from tests.contracts.hub_bench import (
    MEBIBYTE,
    SECONDS,
    Broker,
    a_queue,
    as_event,
    as_request,
    name_of,
    named,
    publish,
    take,
    to_queue,
    unique,
)


class EventsContract:
    """The suite."""

    # Events

    @pytest.mark.parametrize(
        ("pattern", "routing_key", "routed"),
        [
            ("image.generated", "image.generated", True),
            ("image.generated", "image.deleted", False),
            ("image.*", "image.generated", True),
            ("image.*", "image.storage.changed", False),
            ("image.*", "image", False),
            ("*.generated", "image.generated", True),
            ("image.#", "image", True),
            ("image.#", "image.storage.changed", True),
            ("#.changed", "image.storage.changed", True),
            ("#.changed", "image.generated", False),
            ("image.*.changed", "image.storage.changed", True),
            ("image.*.#.changed", "image.changed", False),
        ],
    )
    async def test_an_event_goes_to_the_queues_whose_pattern_matches_its_routing_key(
        self, broker: Broker, pattern: str, routing_key: str, routed: bool
    ) -> None:
        prefix = unique("event")
        queue = await a_queue(broker, (topology.EVENTS, f"{prefix}.{pattern}"))
        outcome = await broker.hub.publish(
            as_event(f"{prefix}.{routing_key}", named("it"), mandatory=True), timeout=SECONDS
        )
        assert outcome is (Outcome.CONFIRMED if routed else Outcome.RETURNED)
        if routed:
            [delivery] = await take(broker, queue, 1)
            assert delivery.routing_key == f"{prefix}.{routing_key}"
            assert delivery.queue == queue

    async def test_each_queue_gets_one_copy_however_many_of_its_patterns_match(self, broker: Broker) -> None:
        prefix = unique("event")
        bindings = [(topology.EVENTS, f"{prefix}.{rest}") for rest in ("#", "*", "it")]
        many, one = await a_queue(broker, *bindings), await a_queue(broker, bindings[0])
        await publish(broker, as_event(f"{prefix}.it", named("it")), as_event(f"{prefix}.it", named("last")))
        for queue in (many, one):
            assert [name_of(each) for each in await take(broker, queue, 2)] == ["it", "last"]

    async def test_a_queue_hears_every_exchange_that_it_is_bound_to(self, broker: Broker) -> None:
        key = unique("key")
        queue = await a_queue(broker, (topology.EVENTS, key), (topology.REQUESTS, key))
        await publish(broker, as_event(key, named("event")), as_request(key, named("request")))
        assert [name_of(each) for each in await take(broker, queue, 2)] == ["event", "request"]

    async def test_an_event_that_nobody_wants_is_confirmed(self, broker: Broker) -> None:
        await publish(broker, as_event(unique("event"), named("it")))

    async def test_a_mandatory_message_that_no_queue_takes_is_returned(self, broker: Broker) -> None:
        for message in (
            as_event(unique("event"), named("it"), mandatory=True),
            to_queue(unique("nowhere"), named("it")),
        ):
            assert await broker.hub.publish(message, timeout=SECONDS) is Outcome.RETURNED

    async def test_messages_published_at_once_each_get_their_own_outcome(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        same = named("the same message")
        targets = [queue if index % 2 else unique("nowhere") for index in range(50)]
        outcomes = await asyncio.gather(
            *(broker.hub.publish(to_queue(target, same), timeout=SECONDS) for target in targets)
        )
        assert outcomes == [Outcome.CONFIRMED if target == queue else Outcome.RETURNED for target in targets]

    # Envelopes

    async def test_a_json_envelope_arrives_as_it_was_sent(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        generated = ImageGenerated(image_id=str(uuid.uuid4()), type="map", source_id=str(uuid.uuid4()))
        generated.timestamp.GetCurrentTime()
        sent = envelopes.json_envelope(
            topology.IMAGE_GENERATED, generated, correlation_id=str(uuid.uuid4()), seconds=60
        )
        await publish(broker, to_queue(queue, sent))
        [delivery] = await take(broker, queue, 1)
        assert delivery.envelope == sent
        assert delivery.envelope.payload["image_id"] == generated.image_id
        assert envelopes.payload(delivery.envelope, ImageGenerated) == generated

    async def test_a_protobuf_envelope_arrives_as_it_was_sent(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        sent = named("a dwarf's portrait — naïve, 竜", seconds=60)
        await publish(broker, to_queue(queue, sent))
        [delivery] = await take(broker, queue, 1)
        assert delivery.envelope == sent
        assert delivery.envelope.time_to_live.seconds == 60

    async def test_headers_and_first_attempt_arrive(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        message = to_queue(queue, named("it"))
        message.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await publish(broker, message)
        [delivery] = await take(broker, queue, 1)
        assert delivery.headers["traceparent"] == message.headers["traceparent"]
        assert (delivery.attempt, delivery.redelivered, delivery.reply_to) == (1, False, "")

    async def test_bodies_of_a_mebibyte_arrive(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        sent = [Envelope(id=str(uuid.uuid4()), type="test.large", payload_bytes=os.urandom(MEBIBYTE))] * 3
        await publish(broker, *(to_queue(queue, envelope) for envelope in sent))
        assert [each.envelope for each in await take(broker, queue, 3)] == sent

    # The topology

    @pytest.mark.parametrize("queue", topology.QUEUES, ids=lambda queue: queue.name)
    async def test_the_queues_of_the_topology_are_there_after_the_start(
        self, broker: Broker, queue: topology.Queue
    ) -> None:
        assert await broker.hub.depth(queue.name) >= 0
        assert broker.hub.connected

    async def test_the_hub_says_whether_its_queues_outlive_it(self, broker: Broker) -> None:
        assert broker.hub.durable is broker.features.durable
