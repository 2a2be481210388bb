"""Work in threads that ends with its caller. Each kind has a few threads of its own, so that none waits for another.

The threads are daemons: a process does not wait for them when it ends, unlike for those of concurrent.futures.
"""

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Generic, TypeVar

import structlog

from image_grpc.deadline import remaining
from image_grpc.errors import DeadlineExceeded

log = structlog.get_logger(__name__)

T = TypeVar("T")

WATCHDOG_SECONDS = 0.1
"""Interval at which it is checked whether work should stop that cannot check it itself."""


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


def stop_if_abandoned() -> None:
    """Raise Abandoned if nobody waits for the work of this thread any more, or its deadline has passed."""
    if not _is_wanted(_thread_job()):
        raise Abandoned


@contextmanager
def stopping(stop: Callable[[], None], max_seconds: float) -> Iterator[None]:
    """Call `stop` once nobody waits for the work of this thread any more, or the block takes more than `max_seconds`.

    It is called from another thread about every 0.1 s until the block ends, and maybe once just after that.
    """
    job, end = _thread_job(), time.monotonic() + max_seconds

    def stop_if_useless() -> None:
        if not _is_wanted(job) or time.monotonic() > end:
            stop()

    with _WATCHDOG.watching(stop_if_useless):
        yield


def _thread_job() -> "_Job[object] | None":
    return getattr(_thread, "job", None)


def _is_wanted(job: "_Job[object] | None") -> bool:
    return job is None or job.is_wanted


class _Watchdog:
    """Calls functions at an interval, in a thread of its own."""

    def __init__(self) -> None:
        self._checks: set[Callable[[], None]] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, check: Callable[[], None]) -> Iterator[None]:
        """Call `check` at the interval within the block."""
        with self._changed:
            self._checks.add(check)
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog of workers", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._checks.discard(check)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(WATCHDOG_SECONDS if self._checks else None)
                checks = list(self._checks)
            for check in checks:
                try:
                    check()
                except Exception:  # a bug must not end the watch over all other work
                    log.exception("work not stopped")


_WATCHDOG = _Watchdog()


DECODING = Workers("decode", 2)
RENDERING = Workers("render", max(2, os.cpu_count() or 1))
GEOMETRY = Workers("geometry", 1)
HASHING = Workers("hash", 2)
