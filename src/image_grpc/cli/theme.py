"""`image-grpc theme`: the styles of pictures."""

from typing import IO

import click
from rich.table import Column, Table
from tabletop.image.v1 import theme_service_pb2 as pb
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.theme_service_pb2_grpc import ThemeServiceStub

from image_grpc.cli.client import (
    CALL_SECONDS,
    Client,
    client_command,
    limited_list,
    list_options,
    parse_json,
    show_list,
)


@click.group()
def theme() -> None:
    """List, show, create and delete themes."""


@theme.command("list")
@list_options
@client_command
def list_(client: Client, limit: int, page_token: str) -> None:
    """List the themes, built-in ones first."""
    rpc = ThemeServiceStub(client.channel).ListThemes
    page = limited_list(rpc, pb.ListThemesRequest(page_token=page_token), limit)
    show_list(client, page, _table(*page.themes))


@theme.command()
@click.argument("name")
@client_command
def get(client: Client, name: str) -> None:
    """Show a theme with its style elements."""
    response = ThemeServiceStub(client.channel).GetTheme(pb.GetThemeRequest(theme=name), timeout=CALL_SECONDS)
    elements = [f"{field.name}: {text}" for field, text in response.theme.elements.ListFields()]
    client.show(response.theme, _table(response.theme), *elements)


@theme.command()
@click.argument("file", type=click.File("r"))
@client_command
def create(client: Client, file: IO[str]) -> None:
    """Create a theme.

    FILE is JSON (- for standard input) like
    {"name": "noir", "display_name": "noir", "elements": {"lighting": "one street lamp in the rain"}}.
    """
    request = pb.CreateThemeRequest(theme=parse_json(file, Theme()))
    response = ThemeServiceStub(client.channel).CreateTheme(request, timeout=CALL_SECONDS)
    client.show(response.theme, _table(response.theme))


@theme.command()
@click.argument("name")
@client_command
def delete(client: Client, name: str) -> None:
    """Delete a theme that no image uses."""
    request = pb.DeleteThemeRequest(theme=name)
    client.show(ThemeServiceStub(client.channel).DeleteTheme(request, timeout=CALL_SECONDS), "deleted")


def _table(*themes: Theme) -> Table:
    table = Table(Column("theme", overflow="fold"), "display name", "built in", "description", box=None)
    for each in themes:
        table.add_row(each.name, each.display_name, "yes" if each.built_in else "no", each.description)
    return table
