"""What a broker has, for operators. Changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from image_grpc.hub import QueueState, topology
from image_grpc.hub.amqp.connection import CALL_SECONDS, bounded, connect, translated_errors
from image_grpc.hub.amqp.declarations import on_new_channel, retry_name
from image_grpc.retry import LADDER


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """A broker that can be reached."""

    version: str
    queues: Mapping[str, QueueState | None]
    """All queues of the service; None for one that does not exist."""


async def inspect(url: str) -> Inspection:
    """Connect to a broker, and return what it has. Raises HubError."""
    names = [*(queue.name for queue in topology.QUEUES), *map(retry_name, LADDER.steps)]
    with translated_errors():
        async with await connect(url, "doctor") as connection:
            version = await on_new_channel(connection, _version)
            return Inspection(version=version, queues={name: await _state(connection, name) for name in names})


@bounded(CALL_SECONDS)
async def _version(channel: AbstractChannel) -> str:
    properties = (await channel.get_underlay_channel()).connection.server_properties or {}
    return str(properties.get("version", "unknown"))


async def _state(connection: AbstractConnection, name: str) -> QueueState | None:
    try:
        queue = await on_new_channel(connection, lambda channel: channel.declare_queue(name, passive=True))
    except ChannelNotFoundEntity:
        return None
    declared = queue.declaration_result
    return QueueState(messages=declared.message_count or 0, consumers=declared.consumer_count or 0)
