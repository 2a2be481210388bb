"""`image-grpc theme`: the styles of pictures."""

from typing import IO

import click
import grpc
from google.protobuf.message import Message
from rich.table import Table
from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.cli.client import CALL_SECONDS, client_command, console, parse_json, print_json


@click.group()
def theme() -> None:
    """List, show, create and delete themes."""


@theme.command("list")
@client_command
def list_(channel: grpc.Channel, as_json: bool) -> None:
    """List the themes, built-in ones first."""
    page = ThemeServiceStub(channel).ListThemes(pb.ListThemesRequest(page_size=100), timeout=CALL_SECONDS)
    _print(list(page.themes), page, as_json)


@theme.command()
@click.argument("name")
@client_command
def get(name: str, channel: grpc.Channel, as_json: bool) -> None:
    """Show a theme with its style elements."""
    response = ThemeServiceStub(channel).GetTheme(pb.GetThemeRequest(theme=name), timeout=CALL_SECONDS)
    _print([response.theme], response, as_json)
    for field, text in response.theme.elements.ListFields() if not as_json else ():
        click.echo(f"{field.name}: {text}")


@theme.command()
@click.argument("file", type=click.File("r"))
@client_command
def create(file: IO[str], channel: grpc.Channel, as_json: bool) -> None:
    """Create a theme.

    FILE is JSON (- for standard input) like
    {"name": "noir", "display_name": "noir", "elements": {"lighting": "one street lamp in the rain"}}.
    """
    request = pb.CreateThemeRequest(theme=parse_json(file, Theme()))
    response = ThemeServiceStub(channel).CreateTheme(request, timeout=CALL_SECONDS)
    _print([response.theme], response, as_json)


@theme.command()
@click.argument("name")
@client_command
def delete(name: str, channel: grpc.Channel, as_json: bool) -> None:
    """Delete a theme that no image uses."""
    response = ThemeServiceStub(channel).DeleteTheme(pb.DeleteThemeRequest(theme=name), timeout=CALL_SECONDS)
    if as_json:
        print_json(response)
    else:
        click.echo("deleted")


def _print(themes: list[Theme], response: Message, as_json: bool) -> None:
    if as_json:
        print_json(response)
        return
    table = Table("theme", "display name", "built in", "description", box=None)
    for each in themes:
        table.add_row(each.name, each.display_name, "yes" if each.built_in else "no", each.description)
    console().print(table)
