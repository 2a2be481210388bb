"""Shared by the commands that run a program: settings, the event loop, and the wait for a signal."""

import gc
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import TypeVar

import click
import structlog
import uvloop

from image_grpc import __version__, settings
from image_grpc.errors import ServiceError
from image_grpc.logs import set_up_logs
from image_grpc.settings import InvalidSettings, TelemetrySettings

S = TypeVar("S", bound=TelemetrySettings)
T = TypeVar("T")

log = structlog.get_logger(__name__)


def load(settings_class: type[S], **options: object) -> S:
    """Return the settings of a program, which options of the command override, and set up logs."""
    try:
        loaded = settings.load(settings_class, **options)
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from error
    set_up_logs(loaded.log_level)
    return loaded


def load_program(settings_class: type[S], **options: object) -> S:
    """Return the settings of a long-running program, and start to report its metrics and traces."""
    loaded = load(settings_class, **options)
    if loaded.telemetry == "none" and loaded.prometheus_listen is None:
        return loaded  # OpenTelemetry's defaults record nothing
    from image_grpc.telemetry_setup import set_up_providers

    try:
        set_up_providers(loaded.telemetry, __version__, prometheus_listen=loaded.prometheus_listen)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    return loaded


def run(program: Coroutine[object, object, T]) -> T:
    """Run a program until it ends, and report why it cannot start."""
    try:
        return uvloop.run(program)
    except (InvalidSettings, ServiceError, OSError) as error:
        raise click.ClickException(str(error)) from error


def run_until_stopped(
    program: AbstractAsyncContextManager[T], started: Callable[[T], str], *, parent: int | None = None
) -> None:
    """Run a program until SIGTERM or SIGINT, and report why it cannot start. Prints the text of `started`.

    It also stops when the other end of the pipe `parent`, a file descriptor, is closed.
    """
    from image_grpc.app.signals import stop_signals, stopped_when_closed  # the servers take a second to import

    async def run_program() -> None:
        with ExitStack() as stack:
            stop = stack.enter_context(stop_signals())
            if parent is not None:
                stack.enter_context(stopped_when_closed(parent, stop))
            async with program as running:
                # Objects created during startup live on, so garbage collection may skip them from now on.
                gc.collect()
                gc.freeze()
                click.echo(started(running))
                await stop.wait()

    run(run_program())
