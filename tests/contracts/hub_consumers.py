"""Consumers get messages, a bounded number at once, and say what becomes of each."""

from __future__ import annotations

import asyncio

import pytest
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.hub.v1.events_pb2 import ImageGenerated

from image_grpc.hub import Ack, DeadLetter, Delivery, Handler, Retry, Settlement, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.port import MAX_FAULTS
from tests.contracts.hub_bench import (
    SECONDS,
    Broker,
    Inbox,
    a_queue,
    as_event,
    consuming,
    dead_letters_from,
    expired,
    holds_so_many,
    name_of,
    named,
    nothing_waits_in,
    publish,
    send,
    take,
    to_queue,
    unique,
)
from tests.contracts.patience import eventually, longer_and_longer


class ConsumersContract:
    """The suite."""

    # Consumers

    async def test_a_message_that_came_before_its_consumer_waits_for_it(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        await send(broker, queue, "it")
        await holds_so_many(broker, queue, 1)
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["it"]
        await nothing_waits_in(broker, queue)

    async def test_one_at_a_time_means_in_order(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        names = [str(number) for number in range(50)]
        inbox = Inbox()
        async with consuming(broker, queue, inbox):
            await send(broker, queue, *names)
            await inbox.holds(len(names))
        assert inbox.names == names

    async def test_so_many_messages_are_in_hand_as_were_allowed_and_no_more(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        await send(broker, queue, *(str(number) for number in range(10)))
        release, in_hand, most, handled = asyncio.Event(), 0, 0, 0

        async def handle(delivery: Delivery) -> Settlement:
            nonlocal in_hand, most, handled
            in_hand += 1
            most = max(most, in_hand)
            await release.wait()
            in_hand -= 1
            handled += 1
            return Ack()

        async with consuming(broker, queue, handle, concurrency=3):
            await eventually(lambda: in_hand == 3, "three messages are in hand at once")
            release.set()
            await eventually(lambda: handled == 10, "all messages are handled")
        assert most == 3

    async def test_competing_consumers_share_the_messages(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        names = [str(number) for number in range(100)]
        handled: list[str] = []
        waiting, both_work = set[str](), asyncio.Event()

        def worker(name: str) -> Handler:
            async def handle(delivery: Delivery) -> Settlement:
                waiting.add(name)
                if len(waiting) == 2:
                    both_work.set()
                await both_work.wait()
                handled.append(name_of(delivery))
                return Ack()

            return handle

        async with consuming(broker, queue, worker("one")), consuming(broker, queue, worker("other")):
            await send(broker, queue, *names)
            await eventually(lambda: len(handled) >= len(names), "all messages are handled")
        await nothing_waits_in(broker, queue)
        assert sorted(handled) == sorted(names)

    async def test_stopping_waits_for_what_is_in_hand_and_takes_no_more(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        begun, finish, handled = asyncio.Event(), asyncio.Event(), list[str]()

        async def handle(delivery: Delivery) -> Settlement:
            begun.set()
            await finish.wait()
            handled.append(name_of(delivery))
            return Ack()

        consumer = await broker.hub.consume(queue, handle, concurrency=1)
        await send(broker, queue, "in hand", "behind it")
        await begun.wait()
        stop = asyncio.create_task(consumer.stop(grace=SECONDS))
        await asyncio.sleep(0.05)  # lets the stop begin; it cannot end
        assert not stop.done()
        finish.set()
        await stop
        assert handled == ["in hand"]
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["behind it"]
        await nothing_waits_in(broker, queue)

    async def test_what_a_stopped_consumer_did_not_settle_is_delivered_again(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        begun = asyncio.Event()

        async def never_ends(delivery: Delivery) -> Settlement:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        consumer = await broker.hub.consume(queue, never_ends, concurrency=1)
        await send(broker, queue, "it")
        await begun.wait()
        await consumer.stop(grace=0)
        [delivery] = await take(broker, queue, 1)
        assert (name_of(delivery), delivery.redelivered, delivery.attempt) == ("it", True, 1)

    # Settlement

    async def test_an_acknowledged_message_is_gone(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        await send(broker, queue, "done")
        await take(broker, queue, 1)
        await send(broker, queue, "new")
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["new"]

    async def test_a_retried_message_comes_back_as_its_next_attempt(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        message = to_queue(queue, named("it"))
        message.headers["traceparent"] = "00-trace"
        inbox = Inbox(lambda delivery: Ack() if delivery.attempt == 3 else Retry(0, "not yet"))
        async with consuming(broker, queue, inbox):
            await publish(broker, message)
            await inbox.holds(3)
        assert [(each.attempt, each.redelivered) for each in inbox.deliveries] == [(n, False) for n in (1, 2, 3)]
        for delivery in inbox.deliveries:
            assert delivery.envelope == message.envelope
            assert delivery.headers["traceparent"] == "00-trace"
            assert (delivery.queue, delivery.routing_key) == (queue, queue)
        await nothing_waits_in(broker, queue)

    async def test_a_retried_event_comes_back_to_the_queue_that_failed_only(self, broker: Broker) -> None:
        key = unique("event")
        failing, other = (await a_queue(broker, (topology.EVENTS, key)), await a_queue(broker, (topology.EVENTS, key)))
        failed = Inbox(lambda delivery: Ack() if delivery.attempt == 2 else Retry(0))
        heard = Inbox()
        async with consuming(broker, failing, failed), consuming(broker, other, heard):
            await publish(broker, as_event(key, named("it")))
            await failed.holds(2)
        assert [each.routing_key for each in failed.deliveries] == [key, key]
        assert heard.names == ["it"]

    async def test_others_are_handled_while_a_message_waits_for_its_next_attempt(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        inbox = Inbox(lambda each: Retry(0) if name_of(each) == "first" and each.attempt == 1 else Ack())
        await send(broker, queue, "first", "second")
        async with consuming(broker, queue, inbox):
            await inbox.holds(3)
        assert inbox.names == ["first", "second", "first"]

    async def test_a_message_given_up_on_goes_to_the_dead_letters_with_the_reason(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        message = to_queue(queue, named("it"))
        message.headers["traceparent"] = "00-trace"
        inbox = Inbox(lambda delivery: DeadLetter("the picture was refused"))
        async with consuming(broker, queue, inbox):
            await publish(broker, message)
            [dead] = await dead_letters_from(broker, queue)
        assert dead.envelope == message.envelope
        assert dead.headers["reason"] == "the picture was refused"
        assert dead.headers["origin"] == queue
        assert dead.headers["traceparent"] == "00-trace"
        assert len(inbox.deliveries) == 1

    async def test_a_handler_that_fails_is_tried_again_and_then_given_up_on(self, broker: Broker) -> None:
        queue = await a_queue(broker)

        def fail(delivery: Delivery) -> Settlement:
            raise ZeroDivisionError("a bug")

        inbox = Inbox(fail)
        async with consuming(broker, queue, inbox):
            await send(broker, queue, "it")
            [dead] = await dead_letters_from(broker, queue)
        assert [each.attempt for each in inbox.deliveries] == list(range(1, MAX_FAULTS + 1))
        assert "ZeroDivisionError" in dead.headers["reason"]
        assert name_of(dead) == "it"

    async def test_a_handler_that_fails_once_does_not_stop_its_consumer(self, broker: Broker) -> None:
        queue = await a_queue(broker)

        def fail_at_first(delivery: Delivery) -> Settlement:
            if name_of(delivery) == "bad":
                raise ZeroDivisionError("a bug")
            return Ack()

        inbox = Inbox(fail_at_first)
        async with consuming(broker, queue, inbox):
            await send(broker, queue, "bad", "good")
            await eventually(lambda: "good" in inbox.names, "the message behind the bad one is handled")

    async def test_a_payload_that_is_not_what_it_says_is_given_up_on_at_once(self, broker: Broker) -> None:
        queue = await a_queue(broker)

        def read(delivery: Delivery) -> Settlement:
            envelopes.payload(delivery.envelope, ImageGenerated)
            return Ack()

        inbox = Inbox(read)
        async with consuming(broker, queue, inbox):
            await publish(broker, to_queue(queue, Envelope(type="test.bad", payload_bytes=b"\xff\xff")))
            [dead] = await dead_letters_from(broker, queue)
        assert len(inbox.deliveries) == 1
        assert "ImageGenerated" in dead.headers["reason"]

    @pytest.mark.parametrize("content_type", [envelopes.JSON, envelopes.PROTOBUF, "text/html", ""])
    async def test_a_body_that_is_no_envelope_is_given_up_on_at_once(self, broker: Broker, content_type: str) -> None:
        queue = await a_queue(broker)
        inbox = Inbox()
        async with consuming(broker, queue, inbox):
            await broker.send_bytes(queue, b"<html>\xff</html>", content_type)
            [dead] = await dead_letters_from(broker, queue)
            await send(broker, queue, "next")
            await inbox.holds(1)
        assert inbox.names == ["next"]
        assert "no envelope" in dead.headers["reason"]
        assert (dead.envelope.type, dead.envelope.payload_bytes) == (topology.UNDECODABLE, b"<html>\xff</html>")

    # Time-to-live

    async def test_an_expired_message_is_never_delivered(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        short = named("short-lived", seconds=0.1)
        await publish(broker, to_queue(queue, short), to_queue(queue, named("long-lived", seconds=600)))
        await expired(short)
        assert [name_of(each) for each in await take(broker, queue, 1)] == ["long-lived"]
        await nothing_waits_in(broker, queue)

    async def test_a_message_that_expires_while_the_consumer_is_busy_is_not_delivered(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        begun, finish, inbox = asyncio.Event(), asyncio.Event(), Inbox()

        async def handle(delivery: Delivery) -> Settlement:
            begun.set()
            await finish.wait()
            return await inbox(delivery)

        async with consuming(broker, queue, handle):
            await send(broker, queue, "slow")
            await begun.wait()
            short = named("short-lived", seconds=0.1)
            await publish(broker, to_queue(queue, short), to_queue(queue, named("last")))
            await expired(short)
            finish.set()
            await eventually(lambda: "last" in inbox.names, "the last message is handled")
        assert inbox.names == ["slow", "last"]

    async def test_a_message_that_expires_before_its_next_attempt_is_not_delivered_again(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        short = named("short-lived", seconds=broker.features.shortest_retry_seconds / 2)
        inbox = Inbox(lambda delivery: Retry(0) if delivery.attempt == 1 else Ack())
        async with consuming(broker, queue, inbox):
            await publish(broker, to_queue(queue, short), to_queue(queue, named("behind it")))
            # The second attempt of the message behind comes after the one of the expired message would have.
            await eventually(lambda: inbox.names.count("behind it") == 2, "the other message is tried again")
        assert inbox.names.count("short-lived") <= 1

    async def test_a_dead_letter_does_not_expire(self, broker: Broker) -> None:
        queue = await a_queue(broker)
        inbox = Inbox(lambda delivery: DeadLetter("given up"))
        async with consuming(broker, queue, inbox):
            for seconds in longer_and_longer(0.3):
                short = named("short-lived", seconds=seconds)
                await publish(broker, to_queue(queue, short))
                await expired(short)
                if inbox.deliveries:  # else it had expired before it came
                    break
            [dead] = await dead_letters_from(broker, queue)
        assert name_of(dead) == "short-lived"
