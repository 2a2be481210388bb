"""Work in threads that ends with its caller. Each kind has a few threads of its own, so that none waits for another.

The threads are daemons: a process does not wait for them when it ends, unlike for those of concurrent.futures.
"""

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

from image_grpc.deadline import remaining
from image_grpc.errors import DeadlineExceeded

T = TypeVar("T")


class Abandoned(Exception):
    """Nobody waits for the work any more."""


class Workers:
    """Up to `count` threads for one kind of work."""

    def __init__(self, name: str, count: int) -> None:
        self._name, self._count = name, count
        self._jobs: queue.SimpleQueue[_Job[object]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function in a thread and return its result.

        If the caller is cancelled, a function that has not begun is skipped, and one that calls `stop_if_abandoned`
        ends there. Raises DeadlineExceeded if that happens at the caller's deadline.
        """
        job = _Job(function)
        self._jobs.put(job)  # type: ignore[arg-type]  # the thread does not look at the result
        if len(self._threads) < self._count:
            self._threads.append(threading.Thread(target=self._work, name=self._name, daemon=True))
            self._threads[-1].start()
        try:
            return await job.result
        except Abandoned:
            raise DeadlineExceeded("the deadline passed during the work") from None
        finally:
            job.abandoned = True

    def _work(self) -> None:
        while True:
            self._jobs.get().run()


class _Job(Generic[T]):
    def __init__(self, function: Callable[[], T]) -> None:
        self._function, self._context = function, copy_context()
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self._loop.create_future()
        self.abandoned = False
        seconds = remaining(float("inf"))
        self._end = time.monotonic() + seconds

    @property
    def is_wanted(self) -> bool:
        return not self.abandoned and time.monotonic() < self._end

    def run(self) -> None:
        _thread.job = self
        try:
            if not self.is_wanted:
                raise Abandoned
            result = self._context.run(self._function)
        except BaseException as error:
            self._finish(lambda failure=error: self.result.set_exception(failure))  # type: ignore[misc]
        else:
            self._finish(lambda: self.result.set_result(result))
        finally:
            _thread.job = None

    def _finish(self, set_outcome: Callable[[], None]) -> None:
        def finish() -> None:
            if not self.result.done():
                set_outcome()

        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(finish)


_thread = threading.local()


def is_wanted_here() -> Callable[[], bool]:
    """Return a function that tells, in any thread, whether somebody still waits for the work of this thread."""
    job = getattr(_thread, "job", None)
    return lambda: job is None or job.is_wanted


def stop_if_abandoned() -> None:
    """Raise Abandoned if nobody waits for the work of this thread any more, or its deadline has passed."""
    if not is_wanted_here()():
        raise Abandoned


DECODING = Workers("decode", 2)
RENDERING = Workers("render", max(2, os.cpu_count() or 1))
GEOMETRY = Workers("geometry", 1)
HASHING = Workers("hash", 2)
