"""Requests reach a consumer, and replies reach the sender of the request."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.error_pb2 import Error, ErrorReply
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Ack, Delivery, RequestTimeout, RequestUnroutable, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc_testkit.contracts.hub_testkit import (
    MEBIBYTE,
    TIMEOUT_SECONDS,
    Broker,
    consuming,
    declare_queue,
    envelope_named,
    name_of,
    replying,
    request,
    request_message,
    send,
    unique_name,
    wait_until_empty,
)


class RequestsContract:
    """Tests of requests and replies."""

    async def test_a_request_gets_its_reply(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        question = envelope_named("request")
        handler = replying(broker, lambda delivery: ("test.reply", ImageGenerated(image_id="reply")))
        async with consuming(broker, queue, handler):
            reply = await request(broker, key, question)
        assert reply.type == "test.reply"
        assert reply.correlation_id == question.correlation_id
        assert envelopes.payload(reply, ImageGenerated).image_id == "reply"
        await wait_until_empty(broker, queue)

    async def test_a_json_request_gets_a_json_reply(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        question = envelopes.json_envelope("test.request", ImageGenerated(), correlation_id=str(uuid.uuid4()))
        handler = replying(broker, lambda delivery: ("test.reply", ImageGenerated(image_id="reply")))
        async with consuming(broker, queue, handler):
            reply = await request(broker, key, question)
        assert reply.payload["image_id"] == "reply"

    async def test_an_error_is_returned_as_a_reply(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        error = ErrorReply(error=Error(code="IMAGE_NOT_FOUND", message="there is no such image"))
        async with consuming(broker, queue, replying(broker, lambda delivery: (topology.ERROR, error))):
            reply = await request(broker, key, envelope_named("request"))
        assert reply.type == topology.ERROR
        assert envelopes.payload(reply, ErrorReply) == error

    async def test_requests_and_replies_can_be_large(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        body = os.urandom(MEBIBYTE)

        async def echo(delivery: Delivery) -> Settlement:
            await broker.hub.reply(delivery, delivery.envelope, timeout=TIMEOUT_SECONDS)
            return Ack()

        async with consuming(broker, queue, echo):
            question = Envelope(id=str(uuid.uuid4()), type="test.large", payload_bytes=body)
            reply = await request(broker, key, question)
        assert reply.payload_bytes == body

    async def test_concurrent_requests_get_their_own_replies(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        names = [str(number) for number in range(100)]
        waiting: list[Delivery] = []
        all_received = asyncio.Event()

        async def reply_in_reverse(delivery: Delivery) -> Settlement:
            waiting.append(delivery)
            if len(waiting) == len(names):
                for each in reversed(waiting):
                    reply = envelopes.reply_envelope(
                        each.envelope, "test.reply", ImageGenerated(image_id=f"to {name_of(each)}")
                    )
                    await broker.hub.reply(each, reply, timeout=TIMEOUT_SECONDS)
                all_received.set()
            await all_received.wait()
            return Ack()

        async def ask(name: str) -> str:
            reply = await request(broker, key, envelope_named(name))
            return envelopes.payload(reply, ImageGenerated).image_id

        async with consuming(broker, queue, reply_in_reverse, concurrency=len(names)):
            assert await asyncio.gather(*map(ask, names)) == [f"to {name}" for name in names]

    async def test_a_request_that_is_sent_twice_gets_two_replies(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        question = envelope_named("request")
        handler = replying(broker, lambda delivery: ("test.reply", ImageGenerated(image_id="reply")))
        async with consuming(broker, queue, handler):
            replies = await asyncio.gather(*(request(broker, key, question) for _ in range(2)))
        assert [reply.type for reply in replies] == ["test.reply", "test.reply"]

    async def test_a_request_without_a_reply_times_out(self, broker: Broker) -> None:
        key = unique_name("request")
        await declare_queue(broker, (topology.REQUESTS, key))
        with pytest.raises(RequestTimeout):
            await broker.hub.request(request_message(key, envelope_named("request")), timeout=0.1)

    @pytest.mark.parametrize("mandatory", [True, False])
    async def test_a_request_without_a_queue_fails_at_once(self, broker: Broker, mandatory: bool) -> None:
        async with asyncio.timeout(60):
            with pytest.raises(RequestUnroutable):
                await broker.hub.request(
                    request_message(unique_name("request"), envelope_named("request"), mandatory=mandatory), timeout=600
                )

    async def test_a_late_reply_is_ignored(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))
        gave_up = asyncio.Event()

        async def reply_late(delivery: Delivery) -> Settlement:
            if name_of(delivery) == "first":
                await gave_up.wait()
            payload = ImageGenerated(image_id=f"to {name_of(delivery)}")
            reply = envelopes.reply_envelope(delivery.envelope, "test.reply", payload)
            await broker.hub.reply(delivery, reply, timeout=TIMEOUT_SECONDS)
            return Ack()

        async with consuming(broker, queue, reply_late):
            with pytest.raises(RequestTimeout):
                await broker.hub.request(request_message(key, envelope_named("first")), timeout=0.2)
            gave_up.set()
            reply = await request(broker, key, envelope_named("second"))
        assert envelopes.payload(reply, ImageGenerated).image_id == "to second"
        await wait_until_empty(broker, queue)

    async def test_the_second_of_two_replies_is_ignored(self, broker: Broker) -> None:
        key = unique_name("request")
        queue = await declare_queue(broker, (topology.REQUESTS, key))

        async def reply_twice(delivery: Delivery) -> Settlement:
            for name in ("first", "second"):
                reply = envelopes.reply_envelope(delivery.envelope, "test.reply", ImageGenerated(image_id=name))
                await broker.hub.reply(delivery, reply, timeout=TIMEOUT_SECONDS)
            return Ack()

        async with consuming(broker, queue, reply_twice):
            for _ in range(2):
                reply = await request(broker, key, envelope_named("request"))
                assert envelopes.payload(reply, ImageGenerated).image_id == "first"

    async def test_a_reply_to_a_message_without_reply_address_is_ignored(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        handler = replying(broker, lambda delivery: ("test.reply", ImageGenerated()))
        async with consuming(broker, queue, handler):
            await send(broker, queue, "message")
            await wait_until_empty(broker, queue)
            await send(broker, queue, "next")
            await wait_until_empty(broker, queue)
