"""A bounded number of slots that callers wait for no longer than their deadline."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from image_grpc.deadline import remaining


class Slots:
    """At most `count` holders at once. Waiting ends after `timeout` seconds or at the caller's deadline."""

    def __init__(self, count: int, *, timeout: float, error: Callable[[], Exception]) -> None:
        self._semaphore = asyncio.Semaphore(count)
        self._timeout, self._error = timeout, error

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot within the block. Raises the configured error if none becomes free in time."""
        try:
            async with asyncio.timeout(remaining(self._timeout)):
                await self._semaphore.acquire()
        except TimeoutError as expired:
            raise self._error() from expired
        try:
            yield
        finally:
            self._semaphore.release()
