"""Messages reach the queues that are bound for them, unchanged."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Outcome, topology
from image_grpc.hub import envelope as envelopes
from image_grpc_testkit.contracts.hub_testkit import (
    MEBIBYTE,
    TIMEOUT_SECONDS,
    Broker,
    declare_queue,
    envelope_named,
    event_message,
    name_of,
    publish,
    queue_message,
    receive,
    request_message,
    unique_name,
)


class EventsContract:
    """Tests of routing, envelopes and the topology."""

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
    async def test_an_event_is_routed_by_its_routing_key(
        self, broker: Broker, pattern: str, routing_key: str, routed: bool
    ) -> None:
        prefix = unique_name("event")
        queue = await declare_queue(broker, (topology.EVENTS, f"{prefix}.{pattern}"))
        outcome = await broker.hub.publish(
            event_message(f"{prefix}.{routing_key}", envelope_named("message"), mandatory=True), timeout=TIMEOUT_SECONDS
        )
        assert outcome is (Outcome.CONFIRMED if routed else Outcome.RETURNED)
        if routed:
            [delivery] = await receive(broker, queue, 1)
            assert delivery.routing_key == f"{prefix}.{routing_key}"
            assert delivery.queue == queue

    async def test_a_queue_receives_one_copy_if_several_patterns_match(self, broker: Broker) -> None:
        prefix = unique_name("event")
        bindings = [(topology.EVENTS, f"{prefix}.{rest}") for rest in ("#", "*", "message")]
        several, single = await declare_queue(broker, *bindings), await declare_queue(broker, bindings[0])
        for name in ("first", "last"):
            await publish(broker, event_message(f"{prefix}.message", envelope_named(name)))
        for queue in (several, single):
            assert [name_of(each) for each in await receive(broker, queue, 2)] == ["first", "last"]

    async def test_a_queue_can_be_bound_to_several_exchanges(self, broker: Broker) -> None:
        key = unique_name("key")
        queue = await declare_queue(broker, (topology.EVENTS, key), (topology.REQUESTS, key))
        await publish(
            broker, event_message(key, envelope_named("event")), request_message(key, envelope_named("request"))
        )
        assert [name_of(each) for each in await receive(broker, queue, 2)] == ["event", "request"]

    async def test_an_event_without_a_queue_is_confirmed(self, broker: Broker) -> None:
        await publish(broker, event_message(unique_name("event"), envelope_named("message")))

    async def test_a_mandatory_message_without_a_queue_is_returned(self, broker: Broker) -> None:
        for message in (
            event_message(unique_name("event"), envelope_named("message"), mandatory=True),
            queue_message(unique_name("missing"), envelope_named("message")),
        ):
            assert await broker.hub.publish(message, timeout=TIMEOUT_SECONDS) is Outcome.RETURNED

    async def test_concurrent_publishes_get_their_own_outcomes(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        envelope = envelope_named("shared")
        targets = [queue if index % 2 else unique_name("missing") for index in range(50)]
        outcomes = await asyncio.gather(
            *(broker.hub.publish(queue_message(target, envelope), timeout=TIMEOUT_SECONDS) for target in targets)
        )
        assert outcomes == [Outcome.CONFIRMED if target == queue else Outcome.RETURNED for target in targets]

    # Envelopes

    async def test_a_json_envelope_arrives_unchanged(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        generated = ImageGenerated(image_id=str(uuid.uuid4()), type="map", source_id=str(uuid.uuid4()))
        generated.timestamp.GetCurrentTime()
        sent = envelopes.json_envelope(
            topology.IMAGE_GENERATED, generated, correlation_id=str(uuid.uuid4()), time_to_live=60
        )
        await publish(broker, queue_message(queue, sent))
        [delivery] = await receive(broker, queue, 1)
        assert delivery.envelope == sent
        assert delivery.envelope.payload["image_id"] == generated.image_id
        assert envelopes.payload(delivery.envelope, ImageGenerated) == generated

    async def test_a_protobuf_envelope_arrives_unchanged(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        sent = envelope_named("a dwarf's portrait — naïve, 竜", time_to_live=60)
        await publish(broker, queue_message(queue, sent))
        [delivery] = await receive(broker, queue, 1)
        assert delivery.envelope == sent
        assert delivery.envelope.time_to_live.seconds == 60

    async def test_headers_arrive_with_the_first_attempt(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        message = queue_message(queue, envelope_named("message"))
        message.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await publish(broker, message)
        [delivery] = await receive(broker, queue, 1)
        assert delivery.headers["traceparent"] == message.headers["traceparent"]
        assert (delivery.attempt, delivery.redelivered, delivery.reply_to) == (1, False, "")

    async def test_large_messages_arrive(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        sent = [Envelope(id=str(uuid.uuid4()), type="test.large", payload_bytes=os.urandom(MEBIBYTE))] * 3
        await publish(broker, *(queue_message(queue, envelope) for envelope in sent))
        assert [each.envelope for each in await receive(broker, queue, 3)] == sent

    # The topology

    @pytest.mark.parametrize("queue", topology.QUEUES, ids=lambda queue: queue.name)
    async def test_start_declares_the_queues_of_the_topology(self, broker: Broker, queue: topology.Queue) -> None:
        assert await broker.hub.depth(queue.name) >= 0
        assert broker.hub.problem == ""

    async def test_the_hub_reports_whether_its_queues_are_durable(self, broker: Broker) -> None:
        assert broker.hub.durable is broker.features.durable
