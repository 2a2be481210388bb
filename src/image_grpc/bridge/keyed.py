"""Order by key: messages of one key have their turns one after the other, those of different keys at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Rank = tuple[int, int]
"""When a message was made, and its place among those that came, for those made at the same time."""


@dataclass(slots=True)
class _Lane:
    """The messages of one key that are here."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # it lets waiting ones in as they came
    here: int = 0
    arrived: int = 0
    newest: Rank = (0, 0)


class Turn:
    """A message whose turn it is."""

    def __init__(self, keyed: Keyed, lane: _Lane, rank: Rank) -> None:
        self._keyed, self._lane, self._rank = keyed, lane, rank

    @property
    def newest(self) -> bool:
        """Whether no newer message of the key has come."""
        return self._lane.newest == self._rank

    def check(self) -> None:
        """Between two steps: raises CancelledError if all shall stop, so that the message goes back."""
        self._keyed.check()

    async def pause(self, seconds: float) -> None:
        """Waits, unless all shall stop: CancelledError."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._keyed.closing.wait()
        self._keyed.check()


class Keyed:
    """Gives turns."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def turn(self, key: str, time: int) -> AsyncIterator[Turn]:
        """The block runs when those of the key that entered before have left. `time` is when the message was made,
        in any unit."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.here += 1
        lane.arrived += 1
        rank = (time, lane.arrived)
        lane.newest = max(lane.newest, rank)
        try:
            async with lane.lock:
                self.check()
                yield Turn(self, lane, rank)
        finally:
            lane.here -= 1
            if not lane.here:
                del self._lanes[key]

    def check(self) -> None:
        """Raises CancelledError if all shall stop."""
        if self.closing.is_set():
            raise asyncio.CancelledError

    def close(self) -> None:
        """Gives no more turns; what waits for one, or pauses in one, ends with CancelledError."""
        self.closing.set()
