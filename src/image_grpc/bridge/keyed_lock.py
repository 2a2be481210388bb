"""A lock per key: holders of the same key run one after the other in order of arrival, those of others at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from image_grpc.background import end_tasks

Rank = tuple[int, int]
"""Timestamp, and the order of arrival for equal timestamps."""


@dataclass(slots=True)
class _KeyState:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # first come, first served
    users: int = 0
    arrivals: int = 0
    newest: Rank = (0, 0)


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The current holder of a key's lock."""

    _closed: asyncio.Event
    _state: _KeyState
    _rank: Rank

    @property
    def is_newest(self) -> bool:
        """Whether no valid caller with a later timestamp has arrived while the key was in use."""
        return self._state.newest <= self._rank

    def raise_if_closed(self) -> None:
        """Raise CancelledError if the lock has been closed."""
        if self._closed.is_set():
            raise asyncio.CancelledError

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises CancelledError once the lock is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        self.raise_if_closed()


async def always_valid() -> bool:
    """Return True: every caller is valid."""
    return True


class KeyedLock:
    """One lock for each key that is in use."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._states: dict[str, _KeyState] = {}

    @contextlib.asynccontextmanager
    async def hold(
        self, key: str, timestamp: int, is_valid: Callable[[], Awaitable[bool]] = always_valid
    ) -> AsyncIterator[LockHolder]:
        """Run the block once all earlier callers with this key have left theirs. `timestamp` is in any unit.

        `is_valid` runs meanwhile; a caller that is not valid makes no other one obsolete.
        """
        state = self._states.setdefault(key, _KeyState())
        state.users += 1
        state.arrivals += 1
        rank = (timestamp, state.arrivals)
        holder = LockHolder(self._closed, state, rank)

        async def announce() -> None:
            if await is_valid():
                state.newest = max(state.newest, rank)

        announcing = asyncio.create_task(announce())
        try:
            async with state.lock:
                holder.raise_if_closed()
                await announcing
                yield holder
        finally:
            await end_tasks([announcing])
            state.users -= 1
            if not state.users:
                del self._states[key]

    def close(self) -> None:
        """End waiting callers and sleeping holders with CancelledError. Holders that run are not interrupted."""
        self._closed.set()
