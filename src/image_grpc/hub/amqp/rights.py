"""Whether a user may do what each part does, found out without an effect.

A broker checks permissions before arguments. A call with an invalid argument is therefore refused with ACCESS_REFUSED
if the user may not make it, and with another error otherwise. The broker logs the refusals.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelClosed
from pamqp.commands import Basic

from image_grpc.hub import topology
from image_grpc.hub.amqp.connection import CALL_SECONDS, bounded, connect, translated_errors
from image_grpc.hub.amqp.declarations import on_new_channel, retry_name
from image_grpc.retry import LADDER

_INVALID = "doctor"
"""A value of arguments that must be numbers. Also the end of the names of queues that do not exist."""

Call = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Need:
    """A call that a part makes."""

    text: str
    call: Call
    """The same call with an invalid argument, on an underlay channel."""


def _declare(queue: str) -> Need:
    return Need(
        f"declare {queue}",
        lambda channel: channel.queue_declare(
            queue.replace("*", _INVALID), exclusive=True, auto_delete=True, arguments={"x-max-length": _INVALID}
        ),
    )


def _bind(queue: str, exchange: str) -> Need:
    return Need(
        f"bind {queue} to {exchange}",
        lambda channel: channel.queue_bind(queue.replace("*", _INVALID), exchange, _INVALID),
    )


def _consume(queue: str) -> Need:
    async def ignore(_: object) -> None: ...

    return Need(
        f"consume {queue}",
        lambda channel: channel.basic_consume(queue.replace("*", _INVALID), ignore, arguments={"x-priority": _INVALID}),
    )


def _publish(exchange: str) -> Need:
    return Need(
        f"publish to {exchange or 'amq.default'}",
        lambda channel: channel.basic_publish(
            b"", exchange=exchange, routing_key=_INVALID, properties=Basic.Properties(expiration=_INVALID)
        ),
    )


_REPLIES, _CHANGES = "image.reply.*", "image.changes.*"
_COMMON = (
    _declare(_REPLIES),
    _consume(_REPLIES),
    _publish(topology.DEFAULT_EXCHANGE),
    *(_publish(retry_name(step)) for step in LADDER.steps),
)
NEEDS: Mapping[str, Sequence[Need]] = {
    "serve": (
        *_COMMON,
        _declare(_CHANGES),
        _bind(_CHANGES, topology.CHANGES),
        _consume(_CHANGES),
        _publish(topology.REQUESTS),
        *(_consume(queue) for queue in topology.GENERATE_QUEUES.values()),
        _consume(topology.STORE_QUEUE),
    ),
    "storage": (*_COMMON, _publish(topology.EVENTS), _publish(topology.CHANGES), _consume(topology.STORAGE_QUEUE)),
    "bridge": (
        *_COMMON,
        _publish(topology.EVENTS),
        _consume(topology.BRIDGE_REQUESTS_QUEUE),
        _consume(topology.BRIDGE_EVENTS_QUEUE),
    ),
}
"""What each part does on a broker where everything is declared."""


async def missing_rights(url: str) -> Mapping[str, Sequence[str]]:
    """Return what the user of a URL may not do, by part. Raises HubError."""
    with translated_errors():
        async with await connect(url, "doctor") as connection:
            refused = await _refused(
                connection, {need.text: need for needs in NEEDS.values() for need in needs}.values()
            )
    return {part: [need.text for need in needs if need.text in refused] for part, needs in NEEDS.items()}


async def _refused(connection: AbstractConnection, needs: Iterable[Need]) -> set[str]:
    return {need.text for need in needs if not await _is_permitted(connection, need)}


async def _is_permitted(connection: AbstractConnection, need: Need) -> bool:
    @bounded(CALL_SECONDS)
    async def call(channel: AbstractChannel) -> object:
        return await need.call(await channel.get_underlay_channel())

    try:
        await on_new_channel(connection, call)
    except ChannelAccessRefused:
        return False
    except ChannelClosed:  # because of the argument, or because something does not exist
        return True
    return True
