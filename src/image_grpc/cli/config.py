"""`image-grpc config`: the effective settings."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import click
from pydantic import SecretStr

from image_grpc.cli.programs import load
from image_grpc.settings import EmbeddedSettings, variable

_Value = str | int | float | list[str] | None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(as_json: bool) -> None:
    """Show the effective settings of all programs, with secrets masked."""
    settings = load(EmbeddedSettings)
    values = {variable(name): _printable(getattr(settings, name)) for name in EmbeddedSettings.model_fields}
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    width = max(map(len, values))
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list) else "(not set)" if value is None else value
        click.echo(f"{name:<{width}}  {text}{'  (from the environment)' if name in os.environ else ''}")


def _printable(value: SecretStr | Path | str | tuple[str, ...] | float | None) -> _Value:
    if isinstance(value, SecretStr | Path | str):
        return _without_password(str(value))
    return list(value) if isinstance(value, tuple) else value


def _without_password(value: str) -> str:
    password = urlsplit(value).password if "://" in value else None
    return value.replace(f":{password}@", ":**********@") if password else value
