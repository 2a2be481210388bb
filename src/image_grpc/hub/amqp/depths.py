"""Counts the messages in queues."""

import asyncio

from aio_pika.abc import AbstractRobustChannel

from image_grpc.errors import HubError
from image_grpc.hub.amqp.connection import CONNECTION_ERRORS

TIMEOUT_SECONDS = 1.0


class QueueDepths:
    """Counts on a channel of its own, because aio-pika closes the channel of a call that is cancelled."""

    def __init__(self, channel: AbstractRobustChannel) -> None:
        self._channel = channel

    async def depth(self, queue: str) -> int:
        """Return the number of messages waiting in a queue. Raises HubError."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                declared = await self._channel.declare_queue(queue, passive=True, robust=False)
        except (TimeoutError, *CONNECTION_ERRORS) as error:
            raise HubError(f"the depth of {queue} is unavailable: {error!r}") from error
        return declared.declaration_result.message_count or 0
