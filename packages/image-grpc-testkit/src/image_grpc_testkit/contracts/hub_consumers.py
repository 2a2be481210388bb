"""Consumers receive messages, a bounded number at once, and settle each of them."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Ack, DeadLetter, Delivery, Handler, QueueState, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.retry import MAX_HANDLER_FAULTS
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
    receive_dead_letters,
    send,
    unique_name,
    wait_for_depth,
    wait_for_state,
    wait_until_empty,
    wait_until_expired,
)
from image_grpc_testkit.eventually import eventually, increasing_durations


class ConsumersContract:
    """Tests of consumers, settlements and time-to-live."""

    async def test_a_message_waits_in_its_queue_for_a_consumer(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        await send(broker, queue, "message")
        await wait_for_depth(broker, queue, 1)
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["message"]
        await wait_until_empty(broker, queue)

    async def test_the_state_of_a_queue_has_the_consumers_of_all_connections(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        await wait_for_state(broker, queue, QueueState(messages=0, consumers=0))
        async with consuming(broker, queue, Inbox()):
            await wait_for_state(broker, queue, QueueState(messages=0, consumers=1))
            async with consuming(broker, queue, Inbox()):
                await wait_for_state(broker, queue, QueueState(messages=0, consumers=2))
        await send(broker, queue, "message")
        await wait_for_state(broker, queue, QueueState(messages=1, consumers=0))

    async def test_a_concurrency_of_one_keeps_the_order(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        names = [str(number) for number in range(50)]
        inbox = Inbox()
        async with consuming(broker, queue, inbox):
            await send(broker, queue, *names)
            await inbox.wait_for(len(names))
        assert inbox.names == names

    async def test_the_concurrency_limits_running_handlers(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        await send(broker, queue, *(str(number) for number in range(10)))
        release, active, peak, handled = asyncio.Event(), 0, 0, 0

        async def handle(delivery: Delivery) -> Settlement:
            nonlocal active, peak, handled
            active += 1
            peak = max(peak, active)
            await release.wait()
            active -= 1
            handled += 1
            return Ack()

        async with consuming(broker, queue, handle, concurrency=3):
            await eventually(lambda: active == 3, "three handlers are running")
            release.set()
            await eventually(lambda: handled == 10, "all messages are handled")
        assert peak == 3

    async def test_consumers_of_one_queue_share_its_messages(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        names = [str(number) for number in range(100)]
        handled: list[str] = []
        working, both_working = set[str](), asyncio.Event()

        def worker(name: str) -> Handler:
            async def handle(delivery: Delivery) -> Settlement:
                working.add(name)
                if len(working) == 2:
                    both_working.set()
                await both_working.wait()
                handled.append(name_of(delivery))
                return Ack()

            return handle

        async with consuming(broker, queue, worker("first")), consuming(broker, queue, worker("second")):
            await send(broker, queue, *names)
            await eventually(lambda: len(handled) >= len(names), "all messages are handled")
        await wait_until_empty(broker, queue)
        assert sorted(handled) == sorted(names)

    async def test_stopping_waits_for_running_handlers_and_starts_no_more(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        started, finish, handled = asyncio.Event(), asyncio.Event(), list[str]()

        async def handle(delivery: Delivery) -> Settlement:
            started.set()
            await finish.wait()
            handled.append(name_of(delivery))
            return Ack()

        consumer = await broker.hub.consume(queue, handle, concurrency=1)
        await send(broker, queue, "running", "next")
        await started.wait()
        stop = asyncio.create_task(consumer.stop(grace=TIMEOUT_SECONDS))
        await asyncio.sleep(0.05)  # lets the stop begin
        assert not stop.done()
        finish.set()
        await stop
        assert handled == ["running"]
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["next"]
        await wait_until_empty(broker, queue)

    async def test_messages_not_settled_by_a_stopped_consumer_are_redelivered(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        started = asyncio.Event()

        async def never_return(delivery: Delivery) -> Settlement:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        consumer = await broker.hub.consume(queue, never_return, concurrency=1)
        await send(broker, queue, "message")
        await started.wait()
        await consumer.stop(grace=0)
        [delivery] = await receive(broker, queue, 1)
        assert (name_of(delivery), delivery.redelivered, delivery.attempt) == ("message", True, 1)

    # Settlement

    async def test_an_acknowledged_message_is_removed(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        await send(broker, queue, "done")
        await receive(broker, queue, 1)
        await send(broker, queue, "new")
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["new"]

    async def test_a_retried_message_is_redelivered_as_its_next_attempt(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        message = queue_message(queue, envelope_named("message"))
        message.headers["traceparent"] = "00-trace"
        inbox = Inbox(lambda delivery: Ack() if delivery.attempt == 3 else Retry(0, "not yet"))
        async with consuming(broker, queue, inbox):
            await publish(broker, message)
            await inbox.wait_for(3)
        assert [(each.attempt, each.redelivered) for each in inbox.deliveries] == [(n, False) for n in (1, 2, 3)]
        for delivery in inbox.deliveries:
            assert delivery.envelope == message.envelope
            assert delivery.headers["traceparent"] == "00-trace"
            assert (delivery.queue, delivery.routing_key) == (queue, queue)
        await wait_until_empty(broker, queue)

    async def test_a_retried_event_returns_only_to_the_queue_that_failed(self, broker: Broker) -> None:
        key = unique_name("event")
        failing, other = (
            await declare_queue(broker, (topology.EVENTS, key)),
            await declare_queue(broker, (topology.EVENTS, key)),
        )
        failed = Inbox(lambda delivery: Ack() if delivery.attempt == 2 else Retry(0))
        received = Inbox()
        async with consuming(broker, failing, failed), consuming(broker, other, received):
            await publish(broker, event_message(key, envelope_named("message")))
            await failed.wait_for(2)
        assert [each.routing_key for each in failed.deliveries] == [key, key]
        assert received.names == ["message"]

    async def test_a_message_that_waits_for_a_retry_does_not_delay_others(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        inbox = Inbox(lambda each: Retry(0) if name_of(each) == "first" and each.attempt == 1 else Ack())
        await send(broker, queue, "first", "second")
        async with consuming(broker, queue, inbox):
            await inbox.wait_for(3)
        assert inbox.names == ["first", "second", "first"]

    async def test_a_dead_letter_carries_its_reason_and_origin(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        message = queue_message(queue, envelope_named("message"))
        message.headers["traceparent"] = "00-trace"
        inbox = Inbox(lambda delivery: DeadLetter("the prompt was rejected"))
        async with consuming(broker, queue, inbox):
            await publish(broker, message)
            [dead] = await receive_dead_letters(broker, queue)
        assert dead.envelope == message.envelope
        assert dead.headers["reason"] == "the prompt was rejected"
        assert dead.headers["origin"] == queue
        assert dead.headers["traceparent"] == "00-trace"
        assert len(inbox.deliveries) == 1

    async def test_a_message_whose_handler_keeps_failing_is_dead_lettered(self, broker: Broker) -> None:
        queue = await declare_queue(broker)

        def fail(delivery: Delivery) -> Settlement:
            raise ZeroDivisionError("a bug")

        inbox = Inbox(fail)
        async with consuming(broker, queue, inbox):
            await send(broker, queue, "message")
            [dead] = await receive_dead_letters(broker, queue)
        assert [each.attempt for each in inbox.deliveries] == list(range(1, MAX_HANDLER_FAULTS + 1))
        assert "ZeroDivisionError" in dead.headers["reason"]
        assert name_of(dead) == "message"

    async def test_a_failing_handler_does_not_stop_its_consumer(self, broker: Broker) -> None:
        queue = await declare_queue(broker)

        def fail_on_bad(delivery: Delivery) -> Settlement:
            if name_of(delivery) == "bad":
                raise ZeroDivisionError("a bug")
            return Ack()

        inbox = Inbox(fail_on_bad)
        async with consuming(broker, queue, inbox):
            await send(broker, queue, "bad", "good")
            await eventually(lambda: "good" in inbox.names, "the next message is handled")

    async def test_an_invalid_payload_is_dead_lettered_at_once(self, broker: Broker) -> None:
        queue = await declare_queue(broker)

        def decode(delivery: Delivery) -> Settlement:
            envelopes.payload(delivery.envelope, ImageGenerated)
            return Ack()

        inbox = Inbox(decode)
        async with consuming(broker, queue, inbox):
            await publish(broker, queue_message(queue, Envelope(type="test.bad", payload_bytes=b"\xff\xff")))
            [dead] = await receive_dead_letters(broker, queue)
        assert len(inbox.deliveries) == 1
        assert "ImageGenerated" in dead.headers["reason"]

    @pytest.mark.parametrize("content_type", [envelopes.JSON, envelopes.PROTOBUF, "text/html", ""])
    async def test_a_body_that_is_not_an_envelope_is_dead_lettered_at_once(
        self, broker: Broker, content_type: str
    ) -> None:
        queue = await declare_queue(broker)
        inbox = Inbox()
        async with consuming(broker, queue, inbox):
            await broker.send_bytes(queue, b"<html>\xff</html>", content_type)
            [dead] = await receive_dead_letters(broker, queue)
            await send(broker, queue, "next")
            await inbox.wait_for(1)
        assert inbox.names == ["next"]
        assert "not an envelope" in dead.headers["reason"]
        assert (dead.envelope.type, dead.envelope.payload_bytes) == (topology.UNDECODABLE, b"<html>\xff</html>")

    # Time-to-live

    async def test_an_expired_message_is_never_delivered(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        short = envelope_named("short-lived", time_to_live=0.1)
        await publish(
            broker, queue_message(queue, short), queue_message(queue, envelope_named("long-lived", time_to_live=600))
        )
        await wait_until_expired(short)
        assert [name_of(each) for each in await receive(broker, queue, 1)] == ["long-lived"]
        await wait_until_empty(broker, queue)

    async def test_a_message_that_expires_in_the_prefetch_is_not_delivered(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        started, finish, inbox = asyncio.Event(), asyncio.Event(), Inbox()

        async def handle(delivery: Delivery) -> Settlement:
            started.set()
            await finish.wait()
            return await inbox(delivery)

        async with consuming(broker, queue, handle):
            await send(broker, queue, "slow")
            await started.wait()
            short = envelope_named("short-lived", time_to_live=0.1)
            await publish(broker, queue_message(queue, short), queue_message(queue, envelope_named("last")))
            await wait_until_expired(short)
            finish.set()
            await eventually(lambda: "last" in inbox.names, "the last message is handled")
        assert inbox.names == ["slow", "last"]

    async def test_a_message_that_expires_on_the_retry_ladder_is_not_redelivered(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        short = envelope_named("short-lived", time_to_live=broker.features.shortest_retry_seconds / 2)
        inbox = Inbox(lambda delivery: Retry(0) if delivery.attempt == 1 else Ack())
        async with consuming(broker, queue, inbox):
            await publish(broker, queue_message(queue, short), queue_message(queue, envelope_named("next")))
            # Its second attempt comes after that of the expired message would have.
            await eventually(lambda: inbox.names.count("next") == 2, "the other message is retried")
        assert inbox.names.count("short-lived") <= 1

    async def test_a_dead_letter_does_not_expire(self, broker: Broker) -> None:
        queue = await declare_queue(broker)
        inbox = Inbox(lambda delivery: DeadLetter("failed"))
        async with consuming(broker, queue, inbox):
            for seconds in increasing_durations(0.3):
                short = envelope_named("short-lived", time_to_live=seconds)
                await publish(broker, queue_message(queue, short))
                await wait_until_expired(short)
                if inbox.deliveries:  # otherwise it expired before its delivery
                    break
            [dead] = await receive_dead_letters(broker, queue)
        assert name_of(dead) == "short-lived"
