"""A lock per key: holders of the same key run one after the other in order of arrival, those of others at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Rank = tuple[int, int]
"""Timestamp, and the order of arrival for equal timestamps."""


@dataclass(slots=True)
class _KeyState:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # first come, first served
    users: int = 0
    arrivals: int = 0
    newest: Rank = (0, 0)


class LockHolder:
    """The current holder of a key's lock."""

    def __init__(self, owner: KeyedLock, state: _KeyState, rank: Rank) -> None:
        self._owner, self._state, self._rank = owner, state, rank

    @property
    def is_newest(self) -> bool:
        """Whether nothing with a later timestamp is waiting for the key."""
        return self._state.newest == self._rank

    def raise_if_closed(self) -> None:
        """Raise CancelledError if the lock has been closed."""
        self._owner.raise_if_closed()

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises CancelledError once the lock is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._owner.closed.wait()
        self._owner.raise_if_closed()


class KeyedLock:
    """One lock for each key that is in use."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self._states: dict[str, _KeyState] = {}

    @asynccontextmanager
    async def hold(self, key: str, timestamp: int) -> AsyncIterator[LockHolder]:
        """Run the block once all earlier callers with this key have left theirs. `timestamp` is in any unit."""
        state = self._states.setdefault(key, _KeyState())
        state.users += 1
        state.arrivals += 1
        rank = (timestamp, state.arrivals)
        state.newest = max(state.newest, rank)
        try:
            async with state.lock:
                self.raise_if_closed()
                yield LockHolder(self, state, rank)
        finally:
            state.users -= 1
            if not state.users:
                del self._states[key]

    def raise_if_closed(self) -> None:
        """Raise CancelledError if the lock has been closed."""
        if self.closed.is_set():
            raise asyncio.CancelledError

    def close(self) -> None:
        """End waiting callers and sleeping holders with CancelledError. Holders that run are not interrupted."""
        self.closed.set()
