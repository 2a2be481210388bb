"""The topology as a broker has it: queue types and arguments, the retry ladder, and how a difference is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed

from image_grpc.errors import HubError
from image_grpc.hub import topology

NO_DELIVERY_LIMIT = 1_000_000_000
"""A broker that reaches the limit drops the message. Declared, since RabbitMQ 4 has a low one of its own.
Consumers count deliveries themselves (`topology.MAX_DELIVERIES`); whoever looks at the dead letters takes them and
puts them back, which must not use them up."""

LONGEST_HOLD_SECONDS = 86_400
"""How long a consumer that has a queue for itself may hold a message. From RabbitMQ 3.12 on; older ones ignore it
and have one limit for all, 30 minutes."""


async def declare_topology(connection: AbstractConnection) -> None:
    """Declares everything, once. What is there already must be as it would be declared.

    Raises HubError that names every queue or exchange that the broker has with other arguments, and nothing
    else: a robust connection would try in vain for ever.
    """
    differences = []
    for name, declare_one in _declarations():
        channel = await connection.channel()  # a difference closes it
        try:
            await declare_one(channel)
            await channel.close()
        except ChannelPreconditionFailed as difference:
            differences.append(f"  {name}: {difference}")
    if differences:
        lines = "\n".join(differences)
        raise HubError("the broker has these otherwise; drain and delete them, or use another virtual host:\n" + lines)


def _declarations() -> list[tuple[str, Callable[[AbstractChannel], Awaitable[None]]]]:
    return [
        *((name, partial(_declare_exchange, name=name)) for name in topology.TOPIC_EXCHANGES),
        *((queue.name, partial(declare, queue=queue)) for queue in topology.QUEUES),
        *((retry_name(step), partial(_declare_retry_step, step=step)) for step in topology.RETRY_STEPS),
    ]


async def _declare_exchange(channel: AbstractChannel, name: str) -> None:
    await channel.declare_exchange(name, aio_pika.ExchangeType.TOPIC, durable=True)


async def declare(channel: AbstractChannel, queue: topology.Queue) -> None:
    """Declares a queue with its bindings."""
    arguments: dict[str, Any] = {"x-queue-type": "classic"}
    if queue.quorum:
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT}
    if queue.one_consumer:
        arguments |= {"x-single-active-consumer": True, "x-consumer-timeout": LONGEST_HOLD_SECONDS * 1000}
    declared = await channel.declare_queue(queue.name, durable=True, arguments=arguments)
    for exchange, pattern in queue.bindings:
        await declared.bind(exchange, pattern)


async def _declare_retry_step(channel: AbstractChannel, step: int) -> None:
    """An exchange and a queue whose messages go back to where they came from after `step` seconds."""
    name = retry_name(step)
    exchange = await channel.declare_exchange(name, aio_pika.ExchangeType.FANOUT, durable=True)
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-message-ttl": step * 1000,
        # The default exchange routes by the routing key, which is the queue of origin.
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(exchange)


def retry_name(step: int) -> str:
    return f"image.retry.{step}"
