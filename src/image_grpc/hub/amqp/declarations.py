"""Declares the topology on a broker: queue types and arguments, and the queues of the retry ladder."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, ExchangeType
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from image_grpc.errors import HubError
from image_grpc.hub import topology
from image_grpc.hub.amqp.connection import CALL_SECONDS, bounded
from image_grpc.retry import LADDER

T = TypeVar("T")

log = structlog.get_logger(__name__)

NO_DELIVERY_LIMIT = 1_000_000_000
"""A broker drops messages that reach the limit, and RabbitMQ 4 has a low default. Consumers enforce
`retry.MAX_DELIVERIES` themselves; listing the dead letters requeues them, which must not use them up."""

ORDERED_CONSUMER_TIMEOUT_SECONDS = 86_400
"""How long the consumer of an ordered queue may hold a message. RabbitMQ before 3.12 ignores it and applies one
limit to all queues, 30 minutes by default."""


async def declare_topology(connection: AbstractConnection) -> None:
    """Declare all exchanges and queues. Those that the user may not declare must exist already.

    Raises HubError that names every queue and exchange that exists with other arguments, or is missing and must not
    be declared. The connection must not be a robust one, which would retry forever.
    """
    conflicts = missing = ""
    for name, declare_one in _declarations().items():
        try:
            await on_new_channel(connection, declare_one)
        except ChannelPreconditionFailed as conflict:
            conflicts += f"\n  {name}: {conflict}"
        except ChannelNotFoundEntity as unavailable:
            missing += f"\n  {name}: {unavailable}"
        except ChannelAccessRefused:
            if not await _exists(connection, name):
                missing += f"\n  {name}"
    if conflicts:
        raise HubError(
            f"these exist with other arguments; drain and delete them, or use another virtual host:{conflicts}"
        )
    if missing:
        raise HubError(f"these do not exist, and the user may not declare them; start a part that may:{missing}")


async def declare_missing(connection: AbstractConnection) -> bool:
    """Declare everything again if something is missing, and return whether an exchange was.

    The bindings of a deleted exchange are lost, also those of queues that still exist. Raises HubError.
    """
    exchanges = (*topology.EXCHANGES, *map(retry_name, LADDER.steps))
    queues = (*(queue.name for queue in topology.QUEUES), *map(retry_name, LADDER.steps))
    lost_exchanges = [name for name in exchanges if not await _exchange_exists(connection, name)]
    lost_queues = [name for name in queues if not await _queue_exists(connection, name)]
    if lost_exchanges or lost_queues:
        log.warning("topology incomplete", exchanges=lost_exchanges, queues=lost_queues)
        await declare_topology(connection)
    return bool(lost_exchanges)


def _declarations() -> dict[str, Callable[[AbstractChannel], Awaitable[object]]]:
    return {
        **{name: partial(_declare_exchange, name=name) for name in topology.EXCHANGES},
        **{queue.name: partial(declare, queue=queue) for queue in topology.QUEUES},
        **{retry_name(step): partial(_declare_retry_step, step=step) for step in LADDER.steps},
    }


async def _exists(connection: AbstractConnection, name: str) -> bool:
    """Whether the exchange or queue exists. Every user may ask."""
    if name in topology.EXCHANGES:
        return await _exchange_exists(connection, name)
    return await _queue_exists(connection, name)


async def _exchange_exists(connection: AbstractConnection, name: str) -> bool:
    return await _succeeds(connection, lambda channel: channel.get_exchange(name))


async def _queue_exists(connection: AbstractConnection, name: str) -> bool:
    return await _succeeds(connection, lambda channel: channel.declare_queue(name, passive=True))


async def _succeeds(connection: AbstractConnection, call: Callable[[AbstractChannel], Awaitable[object]]) -> bool:
    try:
        await on_new_channel(connection, call)
    except ChannelNotFoundEntity:
        return False
    return True


@bounded(CALL_SECONDS)
async def on_new_channel(connection: AbstractConnection, call: Callable[[AbstractChannel], Awaitable[T]]) -> T:
    """Return the result of a call with a channel of its own, which an error of the broker closes."""
    channel = await connection.channel()
    result = await call(channel)
    await channel.close()
    return result


@bounded(CALL_SECONDS)
async def _declare_exchange(channel: AbstractChannel, name: str) -> object:
    return await channel.declare_exchange(name, ExchangeType.TOPIC, durable=True)


@bounded(CALL_SECONDS)
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


@bounded(CALL_SECONDS)
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
