"""A queue of the in-process hub."""

import asyncio
from collections import deque
from dataclasses import replace

from image_grpc.hub.handling import IncomingMessage

MAX_QUEUE_LENGTH = 100_000
"""Length at which a queue refuses messages, as a broker's would."""


class MemoryQueue:
    """Messages in order of arrival; unsettled ones return to the head."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._messages: deque[IncomingMessage] = deque()
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def full(self) -> bool:
        return len(self._messages) >= MAX_QUEUE_LENGTH

    def put(self, message: IncomingMessage) -> None:
        self._messages.append(message)
        self._arrived.set()

    def requeue(self, message: IncomingMessage) -> None:
        self._messages.appendleft(replace(message, redelivered=True))
        self._arrived.set()

    async def get(self) -> IncomingMessage:
        """Wait for the oldest message and remove it."""
        while not self._messages:
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()
