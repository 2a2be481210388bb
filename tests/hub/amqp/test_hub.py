"""The hub on RabbitMQ fulfills the hub's contract, and fails to start with a clear error."""

from __future__ import annotations

import asyncio
import uuid

import aio_pika
import pytest
from tabletop.hub.v1.envelope_pb2 import OutboundMessage

from image_grpc.errors import HubError
from image_grpc.hub import Outcome, topology
from image_grpc.hub.amqp import AmqpHub, connection, open_dead_letters
from image_grpc_testkit.contracts.hub_contract import HubContract
from image_grpc_testkit.contracts.hub_testkit import (
    TIMEOUT_SECONDS,
    declare_queue,
    envelope_named,
    name_of,
    queue_message,
    receive,
    send,
)
from image_grpc_testkit.servers.rabbitmq import Node
from tests.hub.amqp.broker import AmqpBroker


class TestAmqpHub(HubContract):
    """The contract."""


async def test_start_reports_every_conflicting_declaration(node: Node) -> None:
    url = await asyncio.to_thread(node.add_virtual_host)
    async with await aio_pika.connect(url) as broker:
        channel = await broker.channel()
        await channel.declare_queue(topology.STORE_QUEUE, durable=True)
        await channel.declare_exchange(topology.EVENTS, aio_pika.ExchangeType.FANOUT, durable=True)
    with pytest.raises(HubError) as error:
        await AmqpHub(url).start()
    assert topology.STORE_QUEUE in error.value.message
    assert topology.EVENTS in error.value.message
    assert topology.STORAGE_QUEUE not in error.value.message


async def test_starting_again_on_the_same_broker_succeeds(broker: AmqpBroker) -> None:
    await broker.reopen()
    assert broker.hub.problem == ""


async def test_a_hub_that_has_not_started_is_not_connected() -> None:
    assert AmqpHub("amqp://127.0.0.1:1/").problem == "not connected"


async def test_a_missing_exchange_does_not_break_other_publishes(broker: AmqpBroker) -> None:
    queue = await declare_queue(broker)
    lost = OutboundMessage(exchange="missing", routing_key="key", envelope=envelope_named("lost"))

    async def send_lost() -> None:
        assert await broker.hub.publish(lost, timeout=TIMEOUT_SECONDS) is Outcome.RETURNED

    await asyncio.gather(*(send_lost() for _ in range(20)), *(send(broker, queue, str(number)) for number in range(50)))
    received = [name_of(delivery) for delivery in await receive(broker, queue, 50)]
    assert sorted(received, key=int) == [str(number) for number in range(50)]


async def test_a_request_to_a_full_queue_fails_at_once(broker: AmqpBroker, host: str) -> None:
    name = uuid.uuid4().hex
    async with await aio_pika.connect(host) as connection:
        channel = await connection.channel()
        limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue(name, auto_delete=True, arguments=limits)
        await channel.default_exchange.publish(aio_pika.Message(b"first"), name)
        with pytest.raises(HubError, match="the queue is full"):
            await broker.hub.request(queue_message(name, envelope_named("second")), timeout=TIMEOUT_SECONDS)


async def test_a_virtual_host_that_is_missing_or_forbidden_is_named_with_the_user(node: Node) -> None:
    host = uuid.uuid4().hex
    with pytest.raises(HubError, match=f"virtual host '{host}' does not exist, or the user 'guest' may not use it"):
        await AmqpHub(node.url + host).start()
    await asyncio.to_thread(node.evaluate, f'rabbit_vhost:add(<<"{host}">>, <<"test">>)')
    with pytest.raises(HubError, match=f"virtual host '{host}' .* 'guest' may not use it"):
        await AmqpHub(node.url + host).start()


async def test_start_fails_at_once_without_a_broker() -> None:
    with pytest.raises(HubError, match="no connection"):
        await AmqpHub("amqp://127.0.0.1:1/").start()


@pytest.mark.parametrize("operation", ["start", "dead letters"])
async def test_connecting_to_an_unresponsive_peer_times_out(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.1)
    finished = asyncio.Event()

    async def never_respond(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await finished.wait()
        writer.close()

    async with await asyncio.start_server(never_respond, "127.0.0.1", 0) as server:
        url = f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(HubError, match="no connection"):
            await (AmqpHub(url).start() if operation == "start" else _list_dead_letters(url))
        finished.set()


async def _list_dead_letters(url: str) -> None:
    async with open_dead_letters(url):
        pass
