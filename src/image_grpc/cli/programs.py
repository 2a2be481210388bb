"""Shared by the commands that run a program: settings and the event loop."""

from collections.abc import Coroutine
from typing import TypeVar

import click
import uvloop

from image_grpc import __version__, settings, telemetry
from image_grpc.errors import ServiceError
from image_grpc.settings import InvalidSettings, TelemetrySettings

S = TypeVar("S", bound=TelemetrySettings)
T = TypeVar("T")


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
