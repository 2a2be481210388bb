"""Connections to RabbitMQ, and whether consumers exist there."""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractRobustConnection
from aio_pika.exceptions import AMQPConnectionError, AMQPError, ProtocolSyntaxError

from image_grpc.errors import HubError
from image_grpc.hub.amqp import pamqp_patch

log = structlog.get_logger(__name__)

HANDSHAKE_SECONDS = 15.0
"""Longest time for connecting. Without it, the client waits forever for a peer that does not respond."""
CALL_SECONDS = 10.0
"""Longest time for a few calls of a broker that responds."""
STOP_SECONDS = 2.0
"""Longest time for a call that is part of stopping. A broker that works needs milliseconds."""
CONNECTION_ERRORS = (AMQPError, OSError, RuntimeError)
"""Raised by calls on a closed channel or connection, and by those that take too long."""

P = ParamSpec("P")
R = TypeVar("R")


def bounded(seconds: float) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Return a decorator that ends a coroutine function after a time. Raises TimeoutError.

    Calls of the client wait forever for a peer that does not respond, and on a robust channel for the reconnect.
    """

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            async with asyncio.timeout(seconds):
                return await function(*args, **kwargs)

        return call

    return decorate


class _Connection(aio_pika.Connection):
    """Closes a connection that could not be opened. Left open, it creates a task when it is garbage-collected."""

    @bounded(HANDSHAKE_SECONDS)
    async def connect(self, timeout: float | None = None) -> None:
        try:
            await super().connect(timeout)
        except ProtocolSyntaxError as error:
            await attempt(self.close())
            if "Connection.Close" not in str(error):
                raise
            # The client keeps the broker's explanation to itself.
            host, user = self.url.path.removeprefix("/") or "/", self.url.user
            raise AMQPConnectionError(
                f"the virtual host {host!r} does not exist, or the user {user!r} may not use it, or it accepts no "
                "connections: see `rabbitmqctl list_vhosts` and `rabbitmqctl list_permissions`"
            ) from error
        except BaseException:
            await attempt(self.close())
            raise


class _RobustConnection(_Connection, aio_pika.RobustConnection):
    pass


async def connect(url: str, purpose: str) -> AbstractConnection:
    """Open a connection that is not restored after a failure."""
    pamqp_patch.apply()
    return await aio_pika.connect(
        url,
        timeout=HANDSHAKE_SECONDS,
        connection_class=_Connection,
        client_properties={"connection_name": f"image-grpc {purpose}"},
    )


async def connect_robust(url: str, purpose: str) -> AbstractRobustConnection:
    """Open a connection that reconnects after failures."""
    pamqp_patch.apply()
    return await aio_pika.connect_robust(
        url,
        timeout=HANDSHAKE_SECONDS,
        connection_class=_RobustConnection,
        heartbeat=15,
        reconnect_interval=1,
        client_properties={"connection_name": f"image-grpc {purpose}"},
    )


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
        async with asyncio.timeout(STOP_SECONDS):
            await connection.close()
    except (TimeoutError, *CONNECTION_ERRORS) as error:
        log.warning("connection did not close cleanly", error=repr(error))


async def attempt(call: Awaitable[object]) -> None:
    """Await a call that is part of stopping, for a short time, and ignore that the broker is unavailable."""
    with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
        async with asyncio.timeout(STOP_SECONDS):
            await call


@bounded(CALL_SECONDS)
async def consumer_exists(probe: AbstractChannel, channel: AbstractChannel, queue: str, tag: str) -> bool:
    """Whether the client has the consumer on an open channel, and the broker any consumer on the queue."""
    underlay: Any = await channel.get_underlay_channel()
    if underlay.is_closed or tag not in underlay.consumers:
        return False
    declared = await probe.declare_queue(queue, passive=True)
    return bool(declared.declaration_result.consumer_count)
