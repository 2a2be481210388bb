"""Runs one load per key at a time and shares its result with everyone who asks meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from image_grpc import tenancy
from image_grpc.deadline import context_without_deadline

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Deduplicates concurrent loads. It keeps no results."""

    def __init__(self, *, cancel_unwanted: bool = False) -> None:
        """With `cancel_unwanted`, a load ends when all of its callers were cancelled."""
        self._cancel_unwanted = cancel_unwanted
        self._running: dict[K, asyncio.Task[V]] = {}
        self._callers: Counter[asyncio.Task[V]] = Counter()

    async def run(
        self, key: K, load: Callable[[], Coroutine[Any, Any, V]], *, on_loaded: Callable[[V], None] | None = None
    ) -> V:
        """Return the result of the load that runs for `key`, starting it if there is none.

        A caller that is cancelled does not cancel the load for others. `on_loaded` gets the result of the load that
        this call starts, unless it was overtaken by `invalidate`.
        """
        task = self._running.get(key)
        if task is None:
            # Other callers may have a later deadline than the first one, and be bound to another service.
            context = context_without_deadline()
            tenancy.unbind(context)
            task = asyncio.create_task(load(), context=context)
            self._running[key] = task
            task.add_done_callback(lambda done: self._finish(key, done, on_loaded))
        self._callers[task] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._callers[task] -= 1
            if not self._callers[task]:
                del self._callers[task]
                if self._cancel_unwanted and not task.done():
                    self._running = {each: load for each, load in self._running.items() if load is not task}
                    task.cancel()

    def invalidate(self, key: K) -> None:
        """Make the next call for `key` load the value again. Those waiting get the result of the running load."""
        self._running.pop(key, None)

    def invalidate_all(self) -> None:
        """Make the next call for each key load the value again."""
        self._running.clear()

    def _finish(self, key: K, task: asyncio.Task[V], on_loaded: Callable[[V], None] | None) -> None:
        failed = task.cancelled() or task.exception() is not None  # which also marks the exception as retrieved
        if self._running.get(key) is task:
            del self._running[key]
            if on_loaded is not None and not failed:
                on_loaded(task.result())
