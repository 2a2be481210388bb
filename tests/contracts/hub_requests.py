"""Requests find who answers them, and replies find who asked."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.error_pb2 import Error, ErrorReply
from tabletop.image.internal.v1.job_pb2 import GenerateJob

from image_grpc.hub import (
    Ack,
    Delivery,
    RequestTimeout,
    RequestUnroutable,
    Settlement,
    topology,
)
from image_grpc.hub import envelope as envelopes
from tests.contracts.hub_bench import (
    MEBIBYTE,
    SECONDS,
    Broker,
    a_queue,
    answering,
    as_request,
    consuming,
    name_of,
    named,
    nothing_waits_in,
    send,
    unique,
)


class RequestsContract:
    """The suite."""

    async def test_a_request_is_answered(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        request = named("question")
        handler = answering(broker, lambda delivery: ("test.answer", GenerateJob(generation_id="answer")))
        async with consuming(broker, queue, handler):
            reply = await broker.hub.request(as_request(key, request), timeout=SECONDS)
        assert reply.type == "test.answer"
        assert reply.correlation_id == request.correlation_id
        assert envelopes.payload(reply, GenerateJob).generation_id == "answer"
        await nothing_waits_in(broker, queue)

    async def test_a_request_in_json_is_answered_in_json(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        request = envelopes.json_envelope("test.question", GenerateJob(), correlation_id=str(uuid.uuid4()))
        handler = answering(broker, lambda delivery: ("test.answer", GenerateJob(generation_id="answer")))
        async with consuming(broker, queue, handler):
            reply = await broker.hub.request(as_request(key, request), timeout=SECONDS)
        assert reply.payload["generation_id"] == "answer"

    async def test_an_error_is_a_reply_like_any_other(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        error = ErrorReply(error=Error(code="IMAGE_NOT_FOUND", message="there is no such image"))
        async with consuming(broker, queue, answering(broker, lambda delivery: (topology.ERROR, error))):
            reply = await broker.hub.request(as_request(key, named("question")), timeout=SECONDS)
        assert reply.type == topology.ERROR
        assert envelopes.payload(reply, ErrorReply) == error

    async def test_a_large_request_gets_a_large_reply(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        body = os.urandom(MEBIBYTE)

        async def echo(delivery: Delivery) -> Settlement:
            await broker.hub.reply(delivery, delivery.envelope, timeout=SECONDS)
            return Ack()

        async with consuming(broker, queue, echo):
            request = Envelope(id=str(uuid.uuid4()), type="test.large", payload_bytes=body)
            reply = await broker.hub.request(as_request(key, request), timeout=SECONDS)
        assert reply.payload_bytes == body

    async def test_requests_at_once_each_get_their_own_reply(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        names = [str(number) for number in range(100)]
        waiting: list[Delivery] = []
        all_here = asyncio.Event()

        async def answer_all_in_reverse(delivery: Delivery) -> Settlement:
            waiting.append(delivery)
            if len(waiting) == len(names):
                for each in reversed(waiting):
                    reply = envelopes.reply_envelope(
                        each.envelope, "test.answer", GenerateJob(generation_id=f"to {name_of(each)}")
                    )
                    await broker.hub.reply(each, reply, timeout=SECONDS)
                all_here.set()
            await all_here.wait()
            return Ack()

        async def ask(name: str) -> str:
            reply = await broker.hub.request(as_request(key, named(name)), timeout=SECONDS)
            return envelopes.payload(reply, GenerateJob).generation_id

        async with consuming(broker, queue, answer_all_in_reverse, concurrency=len(names)):
            assert await asyncio.gather(*map(ask, names)) == [f"to {name}" for name in names]

    async def test_the_same_request_sent_twice_at_once_is_answered_twice(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        request = as_request(key, named("question"))
        handler = answering(broker, lambda delivery: ("test.answer", GenerateJob(generation_id="answer")))
        async with consuming(broker, queue, handler):
            replies = await asyncio.gather(*(broker.hub.request(request, timeout=SECONDS) for _ in range(2)))
        assert [reply.type for reply in replies] == ["test.answer", "test.answer"]

    async def test_a_request_that_nobody_answers_ends_with_its_time(self, broker: Broker) -> None:
        key = unique("request")
        await a_queue(broker, (topology.REQUESTS, key))
        with pytest.raises(RequestTimeout):
            await broker.hub.request(as_request(key, named("question")), timeout=0.1)

    @pytest.mark.parametrize("mandatory", [True, False])
    async def test_a_request_that_no_queue_takes_fails_at_once(self, broker: Broker, mandatory: bool) -> None:
        async with asyncio.timeout(60):
            with pytest.raises(RequestUnroutable):
                await broker.hub.request(
                    as_request(unique("request"), named("question"), mandatory=mandatory), timeout=600
                )

    async def test_a_reply_that_comes_too_late_harms_nobody(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))
        gave_up = asyncio.Event()

        async def answer_late(delivery: Delivery) -> Settlement:
            if name_of(delivery) == "first":
                await gave_up.wait()
            answer = GenerateJob(generation_id=f"to {name_of(delivery)}")
            reply = envelopes.reply_envelope(delivery.envelope, "test.answer", answer)
            await broker.hub.reply(delivery, reply, timeout=SECONDS)
            return Ack()

        async with consuming(broker, queue, answer_late):
            with pytest.raises(RequestTimeout):
                await broker.hub.request(as_request(key, named("first")), timeout=0.2)
            gave_up.set()
            reply = await broker.hub.request(as_request(key, named("second")), timeout=SECONDS)
        assert envelopes.payload(reply, GenerateJob).generation_id == "to second"
        await nothing_waits_in(broker, queue)

    async def test_only_the_first_of_two_replies_counts(self, broker: Broker) -> None:
        key = unique("request")
        queue = await a_queue(broker, (topology.REQUESTS, key))

        async def answer_twice(delivery: Delivery) -> Settlement:
            for answer in ("first", "second"):
                reply = envelopes.reply_envelope(
                    delivery.envelope, "test.answer", GenerateJob(generation_id=answer)
                )
                await broker.hub.reply(delivery, reply, timeout=SECONDS)
            return Ack()

        async with consuming(broker, queue, answer_twice):
            for _ in range(2):
                reply = await broker.hub.request(as_request(key, named("question")), timeout=SECONDS)
                assert envelopes.payload(reply, GenerateJob).generation_id == "first"

    async def test_a_message_that_is_no_request_can_be_replied_to_without_effect(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        handler = answering(broker, lambda delivery: ("test.answer", GenerateJob()))
        async with consuming(broker, queue, handler):
            await send(broker, queue, "it")
            await nothing_waits_in(broker, queue)
            await send(broker, queue, "next")
            await nothing_waits_in(broker, queue)
