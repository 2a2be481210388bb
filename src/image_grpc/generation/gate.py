"""Which generation goes next when not all can go at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Closed(Exception):
    """The gate is closed: the process stops."""


class WeightedGate(Generic[P]):
    """Lets up to `capacity` through at once; those who wait are let in by the weights of their classes, so a
    class with a small weight waits longer, but never for ever."""

    def __init__(self, capacity: int, weights: Mapping[P, int]) -> None:
        self.capacity = self._free = capacity
        self._weights = dict(weights)
        self._waiting: dict[P, deque[asyncio.Future[None]]] = {each: deque() for each in weights}
        self._passes = dict.fromkeys(weights, 0.0)
        self._pass = 0.0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(queue) for queue in self._waiting.values())

    @asynccontextmanager
    async def slot(self, of: P) -> AsyncIterator[None]:
        """Within the block, one is let through. Raises Closed."""
        await self._enter(of)
        try:
            yield
        finally:
            self._leave()

    def close(self) -> None:
        """Turns away those who wait and those who come."""
        self._closed = True
        for queue in self._waiting.values():
            for turn in queue:
                if not turn.done():
                    turn.set_exception(Closed())
            queue.clear()

    async def _enter(self, of: P) -> None:
        if self._closed:
            raise Closed
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting[of]:  # a class that was idle has saved up nothing
            self._passes[of] = max(self._passes[of], self._pass)
        self._waiting[of].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # the turn came just when it was given up
            elif turn in self._waiting[of]:
                self._waiting[of].remove(turn)
            raise

    def _leave(self) -> None:
        while (of := self._next()) is not None:
            turn = self._waiting[of].popleft()
            if not turn.done():
                self._pass = self._passes[of]
                self._passes[of] += 1 / self._weights[of]
                turn.set_result(None)
                return
        self._free += 1

    def _next(self) -> P | None:
        """The class whose turn it is: the one that has had the least for its weight."""
        candidates = [each for each, queue in self._waiting.items() if queue]
        return min(candidates, key=lambda each: self._passes[each], default=None)
