"""`image-grpc overlay`: what is drawn over maps."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.table import Table
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from image_grpc.cli.client import CALL_SECONDS, client_command, console, print_json

M = TypeVar("M", bound=Message)


@click.group()
def overlay() -> None:
    """Put tokens, areas, routes and more on maps."""


@overlay.command()
@click.argument("kind", type=click.Choice(["tactical", "campaign"]))
@click.argument("map_id")
@click.argument("elements", type=click.File("r"))
@click.option("--name", default="", help="What people call it.")
@click.option("--z-index", type=int, default=0, help="Its place among the overlays of the map.")
@client_command
def create(
    kind: str, map_id: str, elements: IO[str], name: str, z_index: int, channel: grpc.Channel, as_json: bool
) -> None:
    """Put an overlay on a map. ELEMENTS is a JSON file (- for standard input) like
    {"elements": [{"id": "ogre", "position": {"x": 3.5, "y": 2.5, "unit": "COORDINATE_UNIT_CELLS"},
    "token": {"kind": "TOKEN_KIND_MONSTER"}}]}."""
    rpc = f"Create{kind.capitalize()}Overlay"
    request = _parsed(elements, getattr(pb, f"{rpc}Request")())
    request.map_id, request.name, request.z_index = map_id, name or request.name, z_index or request.z_index
    made = getattr(OverlayServiceStub(channel), rpc)(request, timeout=CALL_SECONDS)
    _print([made.overlay], made, as_json=as_json)


@overlay.command()
@click.argument("overlay_id")
@client_command
def get(overlay_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Show an overlay."""
    request = pb.GetOverlayRequest(overlay_id=overlay_id)
    found = OverlayServiceStub(channel).GetOverlay(request, timeout=CALL_SECONDS)
    _print([found.overlay], found, as_json=as_json)


@overlay.command("list")
@click.argument("map_id")
@client_command
def list_(map_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """List the overlays of a map, the lowest first."""
    request = pb.ListOverlaysRequest(map_id=map_id, page_size=100)
    page = OverlayServiceStub(channel).ListOverlays(request, timeout=CALL_SECONDS)
    _print(list(page.overlays), page, as_json=as_json)


@overlay.command()
@click.argument("overlay_id")
@click.argument("changes", type=click.File("r"))
@click.option("--version", type=int, required=True, help="The version that you last saw.")
@client_command
def update(overlay_id: str, changes: IO[str], version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Change an overlay. CHANGES is a JSON file (- for standard input) like {"remove_element_ids": ["ogre"]}."""
    request = pb.UpdateOverlayRequest(overlay_id=overlay_id, version=version)
    request.changes.CopyFrom(_parsed(changes, pb.OverlayChanges()))
    changed = OverlayServiceStub(channel).UpdateOverlay(request, timeout=CALL_SECONDS)
    _print([changed.overlay], changed, as_json=as_json)


@overlay.command()
@click.argument("overlay_id")
@client_command
def delete(overlay_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Delete an overlay."""
    gone = OverlayServiceStub(channel).DeleteOverlay(
        pb.DeleteOverlayRequest(overlay_id=overlay_id), timeout=CALL_SECONDS
    )
    if as_json:
        print_json(gone)
    else:
        click.echo("deleted")


@overlay.command()
@click.argument("map_id")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the drawing, SVG."
)
@client_command
def render(map_id: str, out: Path, channel: grpc.Channel, as_json: bool) -> None:
    """Save what is drawn over a map. The map with it: `image-grpc image read --layer composed`."""
    answer = OverlayServiceStub(channel).RenderOverlay(
        pb.RenderOverlayRequest(map_id=map_id), timeout=CALL_SECONDS
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(answer.svg, "utf-8")
    if as_json:
        print_json(answer.size)
    else:
        click.echo(f"{out}: {answer.size.width} x {answer.size.height}")


def _parsed(file: IO[str], message: M) -> M:
    try:
        return json_format.Parse(file.read(), message)
    except json_format.ParseError as problem:
        raise click.ClickException(f"{file.name}: {problem}") from problem


def _print(overlays: list[Overlay], answer: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    table = Table("overlay", "version", "name", "kind", "z", "visible", "elements", box=None)
    for each in overlays:
        kind = each.WhichOneof("content") or ""
        elements = getattr(each, kind).elements
        shown = "yes" if each.visible else "no"
        table.add_row(each.id, str(each.version), each.name, kind, str(each.z_index), shown, str(len(elements)))
    console().print(table)
