"""Declares the topology on a broker: queue types and arguments, and the queues of the retry ladder."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection, ExchangeType
from aio_pika.exceptions import ChannelPreconditionFailed

from image_grpc.errors import HubError
from image_grpc.hub import topology
from image_grpc.retry import LADDER

NO_DELIVERY_LIMIT = 1_000_000_000
"""A broker drops messages that reach the limit, and RabbitMQ 4 has a low default. Consumers enforce
`retry.MAX_DELIVERIES` themselves; listing the dead letters requeues them, which must not use them up."""

ORDERED_CONSUMER_TIMEOUT_SECONDS = 86_400
"""How long the consumer of an ordered queue may hold a message. RabbitMQ before 3.12 ignores it and applies one
limit to all queues, 30 minutes by default."""


async def declare_topology(connection: AbstractConnection) -> None:
    """Declare all exchanges and queues.

    Raises HubError that names every queue and exchange that exists with other arguments. The connection must not
    be a robust one, which would retry forever.
    """
    topic = ExchangeType.TOPIC
    declarations: dict[str, Callable[[AbstractChannel], Awaitable[object]]] = {
        topology.EVENTS: lambda channel: channel.declare_exchange(topology.EVENTS, topic, durable=True),
        topology.REQUESTS: lambda channel: channel.declare_exchange(topology.REQUESTS, topic, durable=True),
        **{queue.name: partial(declare, queue=queue) for queue in topology.QUEUES},
        **{retry_name(step): partial(_declare_retry_step, step=step) for step in LADDER.steps},
    }
    conflicts = ""
    for name, declare_one in declarations.items():
        channel = await connection.channel()  # a conflict closes it
        try:
            await declare_one(channel)
            await channel.close()
        except ChannelPreconditionFailed as conflict:
            conflicts += f"\n  {name}: {conflict}"
    if conflicts:
        raise HubError(
            f"these exist with other arguments; drain and delete them, or use another virtual host:{conflicts}"
        )


async def declare(channel: AbstractChannel, queue: topology.Queue) -> None:
    """Declare a queue with its bindings."""
    arguments: dict[str, Any] = {"x-queue-type": "classic"}
    if queue.quorum:
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": NO_DELIVERY_LIMIT}
    if queue.ordered:
        arguments |= {"x-single-active-consumer": True, "x-consumer-timeout": ORDERED_CONSUMER_TIMEOUT_SECONDS * 1000}
    declared = await channel.declare_queue(queue.name, durable=True, arguments=arguments)
    for exchange, pattern in queue.bindings:
        await declared.bind(exchange, pattern)


async def _declare_retry_step(channel: AbstractChannel, step: float) -> None:
    """Declare an exchange and a queue that return messages to their original queue after `step` seconds."""
    name = retry_name(step)
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-message-ttl": int(step * 1000),
        # The default exchange routes by the routing key, which is the original queue.
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(exchange)


def retry_name(step: float) -> str:
    return f"image.retry.{step:g}"
