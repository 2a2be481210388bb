"""What stops a program: signals, and the end of the process that started it."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Within the block, SIGTERM and SIGINT set the event; the second signal ends the process immediately."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()  # before anything that may fail, such as a log whose reader is gone
        log.info("stopping", signal=number.name)

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def stopped_when_closed(pipe: int, stop: asyncio.Event) -> Iterator[None]:
    """Within the block, set the event when the other end of a pipe is closed, also by the end of its process."""
    loop = asyncio.get_running_loop()

    def on_end() -> None:
        loop.remove_reader(pipe)
        stop.set()
        log.warning("stopping: the parent process has ended")

    loop.add_reader(pipe, on_end)
    try:
        yield
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)
