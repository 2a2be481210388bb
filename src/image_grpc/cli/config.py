"""`image-grpc config`: the effective settings."""

import json
import os
import re

import click

from image_grpc.cli.programs import load
from image_grpc.settings import EmbeddedSettings, variable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def config(as_json: bool) -> None:
    """Show the effective settings of all programs, with secrets masked."""
    settings = load(EmbeddedSettings).model_dump(mode="json")
    values = {variable(name): _without_password(value) for name, value in settings.items()}
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    width = max(map(len, values))
    for name, value in values.items():
        text = ",".join(value) if isinstance(value, list) else "(not set)" if value is None else value
        click.echo(f"{name:<{width}}  {text}{_origin(name)}")


def _origin(name: str) -> str:
    if name in os.environ:
        return "  (from the environment)"
    return f"  (from {os.environ[file]})" if (file := f"{name}_FILE") in os.environ else ""


def _without_password(value: object) -> object:
    """Mask everything in a URL that may be a password, even if the URL is malformed."""
    if not isinstance(value, str) or "://" not in value:
        return value
    without_user = re.sub(r"://.*@", "://**********@", value, flags=re.DOTALL)
    return re.sub(r"\?.*", "?**********", without_user, flags=re.DOTALL)
