"""Compares the consumers that should exist with those that do, and registers anew what is missing.

The client itself restores the consumers of shared queues after most failures: of a connection, of a channel, and
of a consumer that the broker cancelled. What it does not restore are queues that are not to be declared under
their old name, and a channel that could not be restored at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractRobustConnection

from image_grpc.hub.amqp.consumers import BROKEN

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""Time between two looks: longer than the client needs to restore what it can."""
PATIENCE_SECONDS = 10.0
"""Longest time that one look, with what it registers, may take."""


class Watched(Protocol):
    """What should consume."""

    @property
    def name(self) -> str:
        """Whose consumer it is, for the log."""

    async def consumes(self, probe: AbstractChannel) -> bool:
        """Whether client and broker both have its consumers. The probe is a channel that may be closed by it."""

    async def renew(self) -> None:
        """Registers its consumers anew, on a channel of their own."""


class Watchdog:
    """Looks every few seconds, while there is a connection; without one the client is about to restore it."""

    def __init__(self, connection: AbstractRobustConnection, watched: Callable[[], Iterable[Watched]]) -> None:
        self._connection, self._watched = connection, watched
        self.missing: list[Watched] = []
        """What did not consume at the last look."""

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._look()
            except (TimeoutError, *BROKEN) as problem:
                log.warning("consumers not looked after, will be again", problem=repr(problem))
            except Exception:  # without it nobody would notice what is missing
                log.exception("consumers not looked after, will be again")

    async def _look(self) -> None:
        if not self._connection.connected.is_set():
            return
        before = self.missing
        missing = [each for each in self._watched() if not await self._consumes(each)]
        self.missing = [each for each in self._watched() if each in missing]  # not what was stopped meanwhile
        for each in self.missing:
            log.warning("a consumer is missing", of=each.name)
            if each in before:  # the client has had its time
                await each.renew()

    async def _consumes(self, watched: Watched) -> bool:
        # Not a robust channel: a queue that is not there closes it, and that is all that shall happen.
        try:
            async with aio_pika.Channel(self._connection) as probe:
                return await watched.consumes(probe)
        except BROKEN:
            return False
