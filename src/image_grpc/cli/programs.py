"""Shared by the commands that run a program: settings, the event loop, and the wait for a signal."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import click
import structlog
import uvloop

from image_grpc import __version__, settings, telemetry
from image_grpc.errors import ServiceError
from image_grpc.settings import InvalidSettings, TelemetrySettings

S = TypeVar("S", bound=TelemetrySettings)
T = TypeVar("T")

log = structlog.get_logger(__name__)

hub_option = click.option("--hub-url", help="URL of a RabbitMQ, amqp://…")


def load(settings_class: type[S], **options: object) -> S:
    """Return the settings of a program, which options of the command override, and set up logs and telemetry."""
    try:
        loaded = settings.load(settings_class, **options)
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from error
    telemetry.set_up_logs(loaded.log_level)
    telemetry.set_up_providers(loaded.telemetry, __version__)
    return loaded


def run(program: Coroutine[object, object, T]) -> T:
    """Run a program until it ends, and report why it cannot start."""
    try:
        return uvloop.run(program)
    except (InvalidSettings, ServiceError, OSError) as error:
        raise click.ClickException(str(error)) from error


def run_until_stopped(program: AbstractAsyncContextManager[T], started: Callable[[T], str]) -> None:
    """Run a program until SIGTERM or SIGINT, and report why it cannot start. Prints the text of `started`."""

    async def run_program() -> None:
        with stop_signals() as stop:
            async with program as running:
                # Objects created during startup live on, so garbage collection may skip them from now on.
                gc.collect()
                gc.freeze()
                click.echo(started(running))
                await stop.wait()

    run(run_program())


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Within the block, SIGTERM and SIGINT set the event; the second signal ends the process immediately."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        log.info("stopping", signal=number.name)
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
