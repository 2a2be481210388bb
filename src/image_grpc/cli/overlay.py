"""`image-grpc overlay`: elements drawn over maps."""

from pathlib import Path
from typing import IO

import click
import grpc
from google.protobuf.message import Message
from rich.table import Table
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from image_grpc.cli.client import CALL_SECONDS, client_command, console, parse_json, print_json


@click.group()
def overlay() -> None:
    """Draw tokens, areas, routes and more over maps."""


@overlay.command()
@click.argument("kind", type=click.Choice(["tactical", "campaign"]))
@click.argument("map_id")
@click.argument("elements", type=click.File("r"))
@click.option("--name", default="", help="Display name.")
@click.option("--z-index", type=int, default=0, help="Drawing order among the overlays of the map.")
@client_command
def create(
    kind: str, map_id: str, elements: IO[str], name: str, z_index: int, channel: grpc.Channel, as_json: bool
) -> None:
    """Create an overlay on a map.

    ELEMENTS is a JSON file (- for standard input) like
    {"elements": [{"id": "ogre", "position": {"x": 3.5, "y": 2.5, "unit": "COORDINATE_UNIT_CELLS"},
    "token": {"kind": "TOKEN_KIND_MONSTER"}}]}.
    """
    stub = OverlayServiceStub(channel)
    response: pb.CreateTacticalOverlayResponse | pb.CreateCampaignOverlayResponse
    if kind == "tactical":
        tactical = parse_json(elements, pb.CreateTacticalOverlayRequest())
        _set_options(tactical, map_id, name, z_index)
        response = stub.CreateTacticalOverlay(tactical, timeout=CALL_SECONDS)
    else:
        campaign = parse_json(elements, pb.CreateCampaignOverlayRequest())
        _set_options(campaign, map_id, name, z_index)
        response = stub.CreateCampaignOverlay(campaign, timeout=CALL_SECONDS)
    _print([response.overlay], response, as_json)


def _set_options(
    request: pb.CreateTacticalOverlayRequest | pb.CreateCampaignOverlayRequest, map_id: str, name: str, z_index: int
) -> None:
    request.map_id, request.name, request.z_index = map_id, name or request.name, z_index or request.z_index


@overlay.command()
@click.argument("overlay_id")
@client_command
def get(overlay_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Show an overlay."""
    request = pb.GetOverlayRequest(overlay_id=overlay_id)
    response = OverlayServiceStub(channel).GetOverlay(request, timeout=CALL_SECONDS)
    _print([response.overlay], response, as_json)


@overlay.command("list")
@click.argument("map_id")
@client_command
def list_(map_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """List the overlays of a map, lowest first."""
    request = pb.ListOverlaysRequest(map_id=map_id, page_size=100)
    page = OverlayServiceStub(channel).ListOverlays(request, timeout=CALL_SECONDS)
    _print(list(page.overlays), page, as_json)


@overlay.command()
@click.argument("overlay_id")
@click.argument("changes", type=click.File("r"))
@click.option("--version", type=int, required=True, help="The current version of the overlay.")
@client_command
def update(overlay_id: str, changes: IO[str], version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Change an overlay.

    CHANGES is a JSON file (- for standard input) like {"remove_element_ids": ["ogre"]}.
    """
    request = pb.UpdateOverlayRequest(overlay_id=overlay_id, version=version)
    request.changes.CopyFrom(parse_json(changes, pb.OverlayChanges()))
    response = OverlayServiceStub(channel).UpdateOverlay(request, timeout=CALL_SECONDS)
    _print([response.overlay], response, as_json)


@overlay.command()
@click.argument("overlay_id")
@client_command
def delete(overlay_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Delete an overlay."""
    response = OverlayServiceStub(channel).DeleteOverlay(
        pb.DeleteOverlayRequest(overlay_id=overlay_id), timeout=CALL_SECONDS
    )
    if as_json:
        print_json(response)
    else:
        click.echo("deleted")


@overlay.command()
@click.argument("map_id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="SVG file to write.")
@client_command
def render(map_id: str, out: Path, channel: grpc.Channel, as_json: bool) -> None:
    """Save the drawing of all overlays of a map as SVG.

    `image-grpc image read --layer composed` saves the map with its overlays.
    """
    response = OverlayServiceStub(channel).RenderOverlay(pb.RenderOverlayRequest(map_id=map_id), timeout=CALL_SECONDS)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(response.svg, "utf-8")
    if as_json:
        print_json(response.size)
    else:
        click.echo(f"{out}: {response.size.width} x {response.size.height}")


def _print(overlays: list[Overlay], response: Message, as_json: bool) -> None:
    if as_json:
        print_json(response)
        return
    table = Table("overlay", "version", "name", "kind", "z", "visible", "elements", box=None)
    for each in overlays:
        kind = each.WhichOneof("content") or ""
        elements = getattr(each, kind).elements
        visible = "yes" if each.visible else "no"
        table.add_row(each.id, str(each.version), each.name, kind, str(each.z_index), visible, str(len(elements)))
    console().print(table)
