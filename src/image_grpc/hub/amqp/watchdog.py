"""Compares the consumers that should exist with those that do, and restores what is missing.

aio-pika itself restores the consumers of shared queues after most failures. It does not restore exclusive queues,
which must not be declared again under their old names, nor a channel whose first restoration failed.
"""

import asyncio
from collections.abc import Callable, Iterable

import aio_pika
import structlog
from aio_pika.abc import AbstractRobustConnection

from image_grpc.hub.amqp.connection import CONNECTION_ERRORS
from image_grpc.hub.amqp.consumers import QueueConsumer
from image_grpc.hub.amqp.exclusive_queues import ExclusiveQueues

log = structlog.get_logger(__name__)

CHECK_INTERVAL_SECONDS = 2.0
"""Longer than aio-pika needs to restore what it can."""
CHECK_TIMEOUT_SECONDS = 10.0
"""Longest time for one check including the restoration."""


class Watchdog:
    """Checks the consumers every few seconds while connected."""

    def __init__(
        self, connection: AbstractRobustConnection, consumers: Callable[[], Iterable[QueueConsumer | ExclusiveQueues]]
    ) -> None:
        self._connection, self._consumers = connection, consumers
        self.missing: list[QueueConsumer | ExclusiveQueues] = []
        """Consumers that were missing at the last check."""

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                    await self._check()
            except (TimeoutError, *CONNECTION_ERRORS) as error:
                log.warning("consumer check failed", error=repr(error))
            except Exception:  # the watchdog must survive bugs: nothing else notices missing consumers
                log.exception("consumer check failed")

    async def _check(self) -> None:
        if not self._connection.connected.is_set():
            return
        previous = self.missing
        missing = [consumer for consumer in self._consumers() if not await self._is_consuming(consumer)]
        self.missing = [consumer for consumer in self._consumers() if consumer in missing]  # others were stopped
        for consumer in self.missing:
            log.warning("consumer missing", consumer=consumer.name)
            if consumer in previous:  # aio-pika has had its chance
                await consumer.restore()

    async def _is_consuming(self, consumer: QueueConsumer | ExclusiveQueues) -> bool:
        # A plain channel: a missing queue closes it, and it must not be restored.
        try:
            async with aio_pika.Channel(self._connection) as probe:
                return await consumer.is_consuming(probe)
        except CONNECTION_ERRORS:
            return False
