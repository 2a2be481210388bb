"""Work in threads."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from image_grpc.deadline import deadline_in
from image_grpc.errors import DeadlineExceeded
from image_grpc.workers import Abandoned, Workers, stop_if_abandoned, stopping
from image_grpc_testkit.eventually import eventually

text: ContextVar[str] = ContextVar("text", default="")


async def test_results_errors_and_context_are_passed_on() -> None:
    workers = Workers("test", 2)
    text.set("context")
    assert await workers.run(lambda: text.get() + threading.current_thread().name) == "contexttest"
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 / 0)


async def test_no_more_threads_than_allowed_run_at_once() -> None:
    workers, lock, running, most = Workers("test", 2), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    await asyncio.gather(*(workers.run(work) for _ in range(10)))
    assert most == 2


async def test_work_ends_when_its_caller_is_cancelled_and_waiting_work_is_skipped() -> None:
    workers, started, ended, skipped = Workers("test", 1), threading.Event(), threading.Event(), []

    def work() -> None:
        started.set()
        try:
            while True:
                stop_if_abandoned()
                time.sleep(0.001)
        except Abandoned:
            ended.set()

    first = asyncio.create_task(workers.run(work))
    second = asyncio.create_task(workers.run(lambda: skipped.append(True)))
    await eventually(started.is_set, "the work begins")
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    await eventually(ended.is_set, "the work ends")
    assert await workers.run(lambda: "free") == "free"
    assert skipped == []


async def test_work_ends_at_the_deadline_of_its_caller() -> None:
    def work() -> None:
        while True:
            stop_if_abandoned()
            time.sleep(0.001)

    with deadline_in(0.05), pytest.raises(DeadlineExceeded):
        await Workers("test", 1).run(work)


def test_outside_of_workers_everything_is_wanted() -> None:
    stop_if_abandoned()


async def test_work_that_cannot_look_itself_is_stopped_when_its_caller_is_cancelled() -> None:
    started, stopped = threading.Event(), threading.Event()

    def work() -> None:
        with stopping(stopped.set, max_seconds=math.inf):
            started.set()
            stopped.wait(60)

    call = asyncio.create_task(Workers("test", 1).run(work))
    await eventually(started.is_set, "the work begins")
    assert not stopped.is_set()
    call.cancel()
    await eventually(stopped.is_set, "the work is stopped")


def test_work_that_cannot_look_itself_is_stopped_after_its_time() -> None:
    stopped = threading.Event()
    with stopping(stopped.set, max_seconds=0.01):
        assert stopped.wait(60)


def test_work_is_not_stopped_after_its_block() -> None:
    calls: list[bool] = []
    with stopping(lambda: calls.append(True), max_seconds=0):
        pass
    wait_one_round()
    calls.clear()  # the last call may have been on its way at the end of the block
    wait_one_round()
    assert calls == []


def test_a_function_that_fails_does_not_concern_the_others() -> None:
    def fail() -> None:
        raise OSError

    with stopping(fail, max_seconds=0):
        wait_one_round()
        wait_one_round()


def wait_one_round() -> None:
    """Wait until a function that is due has been called."""
    stopped = threading.Event()
    with stopping(stopped.set, max_seconds=0):
        assert stopped.wait(60)


def test_a_process_does_not_wait_for_threads_when_it_ends() -> None:
    program = (
        "import asyncio, time\nfrom image_grpc.workers import Workers\n"
        "async def main():\n"
        "    asyncio.create_task(Workers('test', 1).run(lambda: time.sleep(3600)))\n"
        "    await asyncio.sleep(0.1)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
