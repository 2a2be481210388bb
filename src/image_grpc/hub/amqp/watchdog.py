"""Compares what should exist with what does: consumers, queues, exchanges; and restores what is missing.

aio-pika itself restores the consumers of shared queues after most failures. It does not restore exclusive queues,
which must not be declared again under their old names, nor a channel whose first restoration failed.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable

import aio_pika
import structlog
from aio_pika.abc import AbstractRobustConnection

from image_grpc.errors import HubError
from image_grpc.hub.amqp.connection import CALL_SECONDS, CONNECTION_ERRORS, bounded
from image_grpc.hub.amqp.consumers import QueueConsumer
from image_grpc.hub.amqp.exclusive_queues import ExclusiveQueues

log = structlog.get_logger(__name__)

CHECK_INTERVAL_SECONDS = 2.0
"""Longer than aio-pika needs to restore what it can."""
CHECK_TIMEOUT_SECONDS = 20.0
"""Longest time for one check including the restoration."""
CHECKS_PER_TOPOLOGY_CHECK = 15
"""Queues that this process does not consume are checked less often."""
CHECKS_WHILE_MISSING = 3
BLOCKED_SECONDS = 0.5
"""A connection that is not blocked is ready at once."""


class Watchdog:
    """Checks the consumers every few seconds while connected."""

    def __init__(
        self,
        publishing: AbstractRobustConnection,
        consuming: AbstractRobustConnection,
        consumers: Callable[[], Iterable[QueueConsumer | ExclusiveQueues]],
        declare_missing: Callable[[], Awaitable[None]],
    ) -> None:
        self._publishing, self._connection, self._consumers = publishing, consuming, consumers
        self._declare_missing = declare_missing
        self.missing: list[QueueConsumer | ExclusiveQueues] = []
        """Consumers that were missing at the last check."""
        self.blocked = False
        """Whether the broker blocked the publishing connection at the last check."""
        self.undeclared = ""
        """Queues and exchanges that were missing at the last check, and could not be declared."""

    async def run(self) -> None:
        """Check until cancelled."""
        for count in itertools.count(1):
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)
            try:
                async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                    interval = CHECKS_WHILE_MISSING if self.missing else CHECKS_PER_TOPOLOGY_CHECK
                    if count % interval == 0:
                        await self._check_topology()  # first: a consumer cannot be restored without its queue
                    await self._check()
            except (TimeoutError, *CONNECTION_ERRORS) as error:
                log.warning("consumer check failed", error=repr(error))
            except Exception:  # the watchdog must survive bugs: nothing else notices missing consumers
                log.exception("consumer check failed")

    async def _check(self) -> None:
        self.blocked = self._publishing.connected.is_set() and not await self._is_ready()
        if not self._connection.connected.is_set():
            return
        previous = self.missing
        missing = [consumer for consumer in self._consumers() if not await self._is_consuming(consumer)]
        self.missing = [consumer for consumer in self._consumers() if consumer in missing]  # others were stopped
        for consumer in self.missing:
            log.warning("consumer missing", consumer=consumer.name)
            if consumer in previous:  # aio-pika has had its chance
                await consumer.restore()

    async def _check_topology(self) -> None:
        try:
            await self._declare_missing()
        except HubError as error:
            self.undeclared = error.message
            log.warning("topology incomplete", problem=error.message)
        else:
            self.undeclared = ""

    async def _is_ready(self) -> bool:
        """Whether the broker accepts messages: it blocks publishers while it lacks memory or disk space."""
        try:
            async with asyncio.timeout(BLOCKED_SECONDS):
                if (transport := self._publishing.transport) is not None:
                    await transport.ready()
        except TimeoutError:
            return False
        return True

    @bounded(CALL_SECONDS)
    async def _is_consuming(self, consumer: QueueConsumer | ExclusiveQueues) -> bool:
        # A plain channel: a missing queue closes it, and it must not be restored.
        try:
            async with aio_pika.Channel(self._connection) as probe:
                return await consumer.is_consuming(probe)
        except CONNECTION_ERRORS:
            return False
