"""Options for URLs of what the programs use, which may contain passwords."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import click

from image_grpc.settings import variable

F = TypeVar("F", bound=Callable[..., Any])


def url_option(name: str, *, help: str) -> Callable[[F], F]:
    """Return an option that overrides a setting. A password in its value is used, with a warning."""
    return click.option(f"--{name}", help=help, callback=_warn_of_password)


def _warn_of_password(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and _has_password(value):
        name = variable(str(option.name))
        text = f"warning: everybody on this host can read the password in {option.opts[0]}"
        click.echo(f"{text}; set {name}, or {name}_FILE to the path of a file, instead", err=True)
    return value


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.password) or "password" in parse_qs(parts.query)
    except ValueError:  # reported as an invalid setting
        return False


hub_option = url_option("hub-url", help="URL of a RabbitMQ, amqp://…")
database_option = url_option("database-url", help="Database, postgresql://… or sqlite:///…")
