"""Connections to RabbitMQ."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection, AbstractRobustConnection
from aio_pika.exceptions import AMQPError
from pamqp.common import FieldTable

from image_grpc.errors import HubError
from image_grpc.hub.amqp import pamqp_patch

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15
RECONNECT_SECONDS = 1
HANDSHAKE_SECONDS = 15.0
"""Longest time for connecting. Without it, the client waits forever for a peer that does not respond."""
CLOSE_SECONDS = 10.0
CONNECTION_ERRORS = (AMQPError, OSError, RuntimeError)
"""Raised by calls on a closed channel or connection."""


async def connect(url: str, purpose: str) -> AbstractConnection:
    """Open a connection that is not restored after a failure."""
    pamqp_patch.apply()
    return await aio_pika.connect(url, timeout=HANDSHAKE_SECONDS, client_properties=_properties(purpose))


async def connect_robust(url: str, purpose: str) -> AbstractRobustConnection:
    """Open a connection that reconnects after failures."""
    pamqp_patch.apply()
    return await aio_pika.connect_robust(
        url,
        timeout=HANDSHAKE_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        reconnect_interval=RECONNECT_SECONDS,
        client_properties=_properties(purpose),
    )


def _properties(purpose: str) -> FieldTable:
    return {"connection_name": f"image-grpc {purpose}"}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise HubError for connections that cannot be opened within the block."""
    try:
        yield
    except (AMQPError, OSError) as error:
        raise HubError(f"no connection to the Message Hub: {str(error) or repr(error)}") from error


async def close(connection: AbstractRobustConnection) -> None:
    """Close a connection in any state, even if the broker no longer responds."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
    except (TimeoutError, *CONNECTION_ERRORS) as error:
        log.warning("connection did not close cleanly", error=repr(error))
