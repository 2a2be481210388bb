"""Compares the consumers that should exist with those that do, and restores what is missing.

aio-pika itself restores the consumers of shared queues after most failures. It does not restore exclusive queues,
which must not be declared again under their old names, nor a channel whose first restoration failed.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractRobustConnection

from image_grpc.hub.amqp.connection import CONNECTION_ERRORS

log = structlog.get_logger(__name__)

CHECK_INTERVAL_SECONDS = 2.0
"""Longer than aio-pika needs to restore what it can."""
CHECK_TIMEOUT_SECONDS = 10.0
"""Longest time for one check including the restoration."""


class WatchedConsumer(Protocol):
    """One or more consumers that share a channel."""

    @property
    def name(self) -> str:
        """Name for the log."""

    async def is_consuming(self, probe: AbstractChannel) -> bool:
        """Whether client and broker both know the consumers. Calls on `probe` may close it."""

    async def restore(self) -> None:
        """Register the consumers again, on a new channel."""


class Watchdog:
    """Checks the consumers every few seconds while connected. aio-pika restores most of them on a reconnect."""

    def __init__(
        self, connection: AbstractRobustConnection, consumers: Callable[[], Iterable[WatchedConsumer]]
    ) -> None:
        self._connection, self._consumers = connection, consumers
        self.missing: list[WatchedConsumer] = []
        """Consumers that the last check missed."""

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

    async def _is_consuming(self, consumer: WatchedConsumer) -> bool:
        # A plain channel: a missing queue closes it, and it must not be restored.
        try:
            async with aio_pika.Channel(self._connection) as probe:
                return await consumer.is_consuming(probe)
        except CONNECTION_ERRORS:
            return False


async def consumer_exists(probe: AbstractChannel, channel: AbstractChannel, queue: str, tag: str) -> bool:
    """Whether a consumer exists.

    The client must consider the channel open and the consumer registered, and the broker must have a consumer on
    the queue; it does not say whose.
    """
    underlay: Any = await channel.get_underlay_channel()
    if underlay.is_closed or tag not in underlay.consumers:
        return False
    declared = await probe.declare_queue(queue, passive=True)
    return bool(declared.declaration_result.consumer_count)
