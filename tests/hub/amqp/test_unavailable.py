"""A broker that blocks publishers, or hangs: a node of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from image_grpc.hub import Ack, Delivery, Outcome, Settlement, topology
from image_grpc.hub.amqp import AmqpHub
from image_grpc_testkit.contracts.hub_testkit import TIMEOUT_SECONDS, declare_queue, envelope_named, queue_message
from image_grpc_testkit.eventually import eventually
from image_grpc_testkit.servers.rabbitmq import Node, rabbitmq
from tests.hub.amqp.broker import AmqpBroker


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with rabbitmq() as running:
        yield running


async def test_a_broker_that_blocks_publishers_is_a_problem(node: Node, broker: AmqpBroker) -> None:
    queue = await declare_queue(broker)

    async def publish_again() -> Outcome:
        return await broker.hub.publish(queue_message(queue, envelope_named("blocked")), timeout=0.1)

    async def is_blocked() -> bool:
        await publish_again()  # only a connection that publishes is told
        return "blocks publishers" in broker.hub.problem

    await asyncio.to_thread(node.set_memory_limit, 0.00001)
    try:
        await eventually(is_blocked, "the block is detected")
        assert await publish_again() is Outcome.UNKNOWN
    finally:
        await asyncio.to_thread(node.set_memory_limit, 0.4)
    await eventually(lambda: broker.hub.problem == "", "the end of the block is detected")


async def test_a_stop_does_not_wait_for_a_broker_that_hangs(node: Node) -> None:
    hub = AmqpHub(node.url)
    await hub.start()

    async def handle(_: Delivery) -> Settlement:
        return Ack()

    consumer = await hub.consume(topology.STORE_QUEUE, handle, concurrency=1)
    node.pause()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await consumer.stop(grace=0.1)
            await hub.close()
    finally:
        node.resume()
