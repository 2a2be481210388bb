"""The hub on RabbitMQ keeps the hub's contract."""

from __future__ import annotations

import asyncio
import importlib
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from tabletop.image.internal.v1.job_pb2 import GenerateJob

from image_grpc.errors import HubError
from image_grpc.hub import Ack, DeadLetter, Delivery, Settlement, amqp, topology
from image_grpc.hub import envelope as envelopes
from image_grpc.hub.amqp import AmqpHub
from tests.contracts.hub_bench import (
    SECONDS,
    Features,
    Inbox,
    a_queue,
    answering,
    as_event,
    as_request,
    consuming,
    dead_letters_from,
    name_of,
    named,
    publish,
    send,
    unique,
)
from tests.contracts.hub_contract import HubContract
from tests.contracts.patience import eventually
from tests.servers import Node, rabbitmq


class Timestamp(datetime):
    """As many seconds after 1970 as a client in another language may send."""

    def timestamp(self) -> float:
        return 2**63 - 1


class NoText(str):
    """Bytes that are no UTF-8."""

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return b"image.\xff"


FAR = Timestamp(2020, 1, 1, tzinfo=UTC)
NO_TEXT = NoText("x")


class AmqpBroker:
    """A RabbitMQ node, and a hub on it."""

    features = Features(
        durable=True, connection_can_be_lost=True, shortest_retry_seconds=float(topology.RETRY_STEPS[0])
    )

    def __init__(self, node: Node) -> None:
        self._node, self._url = node, node.url
        self.hub = AmqpHub(node.url)

    async def start(self) -> None:
        await self.hub.start()

    async def close(self) -> None:
        await self.hub.close()
        async with self._channel() as channel:
            await (await channel.get_queue(topology.DEAD_QUEUE)).purge()

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """On a connection of its own: another one may just be lost."""
        async with await aio_pika.connect(self._url, timeout=SECONDS) as connection:
            yield await connection.channel()

    async def declare(self, queue: topology.Queue) -> None:
        async with self._channel() as channel:
            await amqp.declare(channel, queue)

    async def send_bytes(self, queue: str, body: bytes, content_type: str) -> None:
        await self.publish_raw(queue, aio_pika.Message(body, content_type=content_type))

    async def publish_raw(self, queue: str, message: aio_pika.Message) -> None:
        """Puts a message into a queue as it is."""
        async with self._channel() as channel:
            await channel.default_exchange.publish(message, queue)

    async def take_and_give_back(self, queue: str, *, times: int) -> None:
        """As consumers do that die of it."""
        async with self._channel() as channel:
            taken = await channel.get_queue(queue)
            async with taken.iterator() as messages:
                async for message in messages:
                    await message.nack(requeue=True)
                    if (times := times - 1) == 0:
                        return

    async def reopen(self) -> None:
        await self.hub.close()
        self.hub = AmqpHub(self._url)
        await self.hub.start()

    async def lose_connection(self) -> None:
        await asyncio.to_thread(self._node.control, "close_all_connections", "test")

    async def delete(self, queue: str) -> None:
        """Deletes a queue; its consumers are told."""
        async with self._channel() as channel:
            await channel.queue_delete(queue)

    async def forget_consumers(self, queue: str) -> None:
        """Ends the channels that consume the queue, and tells their client nothing."""
        await self._each_queue(
            queue, "[rabbit_channel:shutdown(element(1, C)) || C <- rabbit_amqqueue:consumers(Q)]"
        )

    async def delete_own_queues(self) -> None:
        """Deletes queues that only their owner's connection may delete."""
        for prefix in ("image.reply.", "image.changes."):
            await self._each_queue(prefix, 'rabbit_amqqueue:delete(Q, false, false, <<"test">>)')

    async def _each_queue(self, prefix: str, code: str) -> None:
        """Runs code inside of the broker for each queue Q whose name begins so."""
        named = f'string:prefix(element(4, amqqueue:get_name(Q)), "{prefix}") =/= nomatch'
        listed = f'[{code} || Q <- rabbit_amqqueue:list(<<"/">>), {named}].'
        await asyncio.to_thread(self._node.control, "eval", listed)


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with rabbitmq() as running:
        yield running


@pytest.fixture
async def broker(node: Node) -> AsyncIterator[AmqpBroker]:
    broker = AmqpBroker(node)
    await broker.start()
    yield broker
    await broker.close()


class TestAmqpHub(HubContract):
    """The contract."""


async def test_a_broker_that_has_other_arguments_is_told_with_all_differences(node: Node) -> None:
    host = f"other{uuid.uuid4().hex}"
    await asyncio.to_thread(node.control, "add_vhost", host)
    await asyncio.to_thread(node.control, "set_permissions", "--vhost", host, "guest", ".*", ".*", ".*")
    url = node.url + host
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(topology.STORE_QUEUE, durable=True)
        await channel.declare_exchange(topology.EVENTS, aio_pika.ExchangeType.FANOUT, durable=True)
    hub = AmqpHub(url)
    with pytest.raises(HubError) as refused:
        await hub.start()
    assert topology.STORE_QUEUE in refused.value.message
    assert topology.EVENTS in refused.value.message
    assert topology.STORAGE_QUEUE not in refused.value.message


async def test_starting_again_on_the_same_broker_changes_nothing(broker: AmqpBroker) -> None:
    await broker.reopen()
    assert broker.hub.connected


async def test_a_consumer_whose_queue_was_deleted_consumes_again_and_health_tells_meanwhile(
    broker: AmqpBroker,
) -> None:
    queue = topology.Queue(name=unique("queue"))
    await broker.declare(queue)
    inbox = Inbox()
    async with consuming(broker, queue.name, inbox):
        assert broker.hub.connected
        await broker.delete(queue.name)
        await eventually(lambda: not broker.hub.connected, "the missing consumer is told of")
        await broker.declare(queue)
        await eventually(lambda: broker.hub.connected, "the consumer is back")
        await send(broker, queue.name, "after")
        await inbox.holds(1)


async def test_a_consumer_that_the_broker_forgot_without_a_word_is_registered_anew(broker: AmqpBroker) -> None:
    queue = await a_queue(broker)
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await broker.forget_consumers(queue)
        await send(broker, queue, "after")
        await inbox.holds(1)
        await eventually(lambda: broker.hub.connected, "all is well again")


async def test_own_queues_that_were_deleted_are_opened_anew(broker: AmqpBroker) -> None:
    """The client restores none of them: they are not to come back under their old names."""
    key, gaps = unique("event"), []
    inbox: list[Delivery] = []
    await broker.hub.subscribe([key], inbox.append, on_gap=lambda: gaps.append(True))
    queue = await a_queue(broker, (topology.REQUESTS, key))
    async with consuming(broker, queue, answering(broker, lambda delivery: ("answer", GenerateJob()))):
        await broker.delete_own_queues()
        await eventually(lambda: not broker.hub.connected, "the missing consumers are told of")
        await eventually(lambda: broker.hub.connected, "the own queues are back")
        assert gaps
        assert (await broker.hub.request(as_request(key, named("after")), timeout=SECONDS)).type == "answer"
        await publish(broker, as_event(key, named("after")))
        await eventually(lambda: len(inbox) == 1, "the event is heard")


async def test_a_message_that_is_delivered_again_and_again_ends_among_the_dead_letters(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes it dies of it each time. It has a count of its own, from zero again, after a replay."""
    monkeypatch.setattr(topology, "MAX_DELIVERIES", 3)
    queue = await a_queue(broker)
    await send(broker, queue, "it")
    await broker.take_and_give_back(queue, times=3)
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        [dead] = await dead_letters_from(broker, queue)
        assert re.fullmatch(r"delivered \d+ times before, and never settled", dead.headers["reason"])
        await send(broker, queue, "behind it")
        await inbox.holds(1)
    assert inbox.names == ["behind it"]


async def test_a_message_that_could_not_be_settled_is_delivered_again(
    broker: AmqpBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever went wrong: it would keep its place in hand for ever."""
    bury = broker.hub.bury

    async def fail_once(message: AbstractIncomingMessage, queue: str, reason: str) -> bool:
        monkeypatch.setattr(broker.hub, "bury", bury)
        raise ValueError("a bug")

    monkeypatch.setattr(broker.hub, "bury", fail_once)
    queue = await a_queue(broker)
    async with consuming(broker, queue, Inbox(lambda _: DeadLetter("nobody wants it"))):
        await send(broker, queue, "it")
        [dead] = await dead_letters_from(broker, queue)
    assert dead.headers["reason"] == "nobody wants it"


@pytest.mark.parametrize("who", ["hub", "dead_letters"])
async def test_a_peer_that_is_silent_is_not_waited_for(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module(f"image_grpc.hub.amqp.{who}"), "HANDSHAKE_SECONDS", 0.1)
    over = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        url = f"amqp://127.0.0.1:{silent.sockets[0].getsockname()[1]}/"
        with pytest.raises(HubError, match="no connection"):
            await (AmqpHub(url).start() if who == "hub" else _look_at_dead_letters(url))
        over.set()


async def _look_at_dead_letters(url: str) -> None:
    async with amqp.dead_letters(url):
        pass


@pytest.mark.parametrize(
    "headers",
    [{"x": NO_TEXT}, {"x": [{"y": NO_TEXT}]}, {"x": bytearray(b"\xff")}, {"x": FAR}],
    ids=["text", "text deep inside", "bytes", "timestamp"],
)
async def test_what_others_put_into_headers_is_given_up_on_like_anything_else(
    broker: AmqpBroker, headers: dict[str, Any]
) -> None:
    queue = await a_queue(broker)
    async with consuming(broker, queue, Inbox()):
        await broker.publish_raw(queue, aio_pika.Message(b"<html>", headers=headers))
        [dead] = await dead_letters_from(broker, queue)
    assert "no envelope" in dead.headers["reason"]


async def test_the_next_consumer_of_an_ordered_queue_goes_on_where_the_last_one_stops(broker: AmqpBroker) -> None:
    queue, may_end, handled = topology.BRIDGE_EVENTS_QUEUE, asyncio.Event(), list[str]()

    async def first(delivery: Delivery) -> Settlement:
        await may_end.wait()
        if name_of(delivery) == "2":  # it waits for its turn when all shall stop
            raise asyncio.CancelledError
        handled.append(name_of(delivery))
        return Ack()

    async def second(delivery: Delivery) -> Settlement:
        handled.append(name_of(delivery))
        return Ack()

    consumer = await broker.hub.consume(queue, first, concurrency=2)
    async with consuming(broker, queue, second):
        await send(broker, queue, "1", "2", "3")
        stopping = asyncio.create_task(consumer.stop(grace=SECONDS))
        await send(broker, queue, "4", "5", "6")  # time enough for the second to get the third
        may_end.set()
        await stopping
        await eventually(lambda: len(handled) == 6, "all are handled")
    assert handled == ["1", "2", "3", "4", "5", "6"]


async def test_no_broker_is_told_at_once() -> None:
    with pytest.raises(HubError, match="no connection"):
        await AmqpHub("amqp://127.0.0.1:1/").start()


@pytest.mark.parametrize(
    "properties",
    [
        {"timestamp": FAR},
        {"headers": {"when": FAR}},
        {"headers": {NO_TEXT: "x"}},
        {"correlation_id": NO_TEXT},
        {"headers": {"expires_at_ms": "soon"}},
    ],
    ids=["timestamp", "timestamp in headers", "name of a header", "correlation id", "expiry"],
)
async def test_what_others_put_into_properties_stops_nobody(
    broker: AmqpBroker, properties: dict[str, Any]
) -> None:
    """The client library breaks its connection over some of them, and the broker delivers them again."""
    queue = await a_queue(broker)
    body, content_type = envelopes.encode(named("odd"))
    await broker.publish_raw(queue, aio_pika.Message(body, content_type=content_type, **properties))
    await send(broker, queue, "after")
    inbox = Inbox()
    async with consuming(broker, queue, inbox):
        await inbox.holds(2)
    assert inbox.names == ["odd", "after"]
