"""What a broker has, for operators. Changes nothing."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from image_grpc.hub import topology
from image_grpc.hub.amqp.connection import CALL_SECONDS, attempt, bounded, connect, translated_errors
from image_grpc.hub.amqp.declarations import retry_name
from image_grpc.retry import LADDER


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueState:
    """A queue that exists."""

    messages: int
    consumers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """A broker that can be reached."""

    version: str
    queues: Mapping[str, QueueState | None]
    """All queues of the service; None for one that does not exist."""


async def inspect(url: str) -> Inspection:
    """Connect to a broker, and return what it has. Raises HubError."""
    names = [*(queue.name for queue in topology.QUEUES), *map(retry_name, LADDER.steps)]
    async with AsyncExitStack() as stack:
        with translated_errors():
            connection = await connect(url, "doctor")
            stack.push_async_callback(_close, connection)
            return Inspection(
                version=await _version(connection), queues={name: await _state(connection, name) for name in names}
            )


async def _close(connection: AbstractConnection) -> None:
    await attempt(connection.close())


@bounded(CALL_SECONDS)
async def _version(connection: AbstractConnection) -> str:
    channel = await connection.channel()
    properties = (await channel.get_underlay_channel()).connection.server_properties or {}
    await channel.close()
    return str(properties.get("version", "unknown"))


@bounded(CALL_SECONDS)
async def _state(connection: AbstractConnection, name: str) -> QueueState | None:
    channel: AbstractChannel = await connection.channel()
    try:
        declared = (await channel.declare_queue(name, passive=True)).declaration_result
    except ChannelNotFoundEntity:  # which closes the channel
        return None
    await channel.close()
    return QueueState(messages=declared.message_count or 0, consumers=declared.consumer_count or 0)
