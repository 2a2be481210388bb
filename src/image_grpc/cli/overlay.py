"""`image-grpc overlay`: elements drawn over maps."""

from pathlib import Path
from typing import IO

import click
from rich.table import Column, Table
from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.overlay_pb2 import Overlay
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub

from image_grpc.cli.client import CALL_SECONDS, Client, client_command, parse_json, rpc_for
from image_grpc.cli.parameters import VERSION
from image_grpc.cli.picture_files import OUT_FILE, STANDARD_OUTPUT, audience_option, check_output, opened

_CREATE_REQUESTS = {"tactical": pb.CreateTacticalOverlayRequest, "campaign": pb.CreateCampaignOverlayRequest}


@click.group()
def overlay() -> None:
    """Draw tokens, areas, routes and more over maps."""


@overlay.command()
@click.argument("kind", type=click.Choice(list(_CREATE_REQUESTS)))
@click.argument("map_id")
@click.argument("elements", type=click.File("r"))
@click.option("--name", default="", help="Display name.")
@click.option(
    "--z-index",
    type=click.IntRange(-(2**31), 2**31 - 1),
    default=0,
    help="Drawing order among the overlays of the map.",
)
@client_command
def create(client: Client, kind: str, map_id: str, elements: IO[str], name: str, z_index: int) -> None:
    """Create an overlay on a map.

    ELEMENTS is a JSON file (- for standard input) like
    {"elements": [{"id": "ogre", "position": {"x": 3.5, "y": 2.5, "unit": "COORDINATE_UNIT_CELLS"},
    "token": {"kind": "TOKEN_KIND_MONSTER"}}]}.
    """
    request = parse_json(elements, _CREATE_REQUESTS[kind]())
    request.map_id, request.name, request.z_index = map_id, name or request.name, z_index or request.z_index
    response = rpc_for(request, OverlayServiceStub(client.channel))(request, timeout=CALL_SECONDS)
    client.show(response.overlay, _table(response.overlay))


@overlay.command()
@click.argument("overlay_id")
@client_command
def get(client: Client, overlay_id: str) -> None:
    """Show an overlay."""
    request = pb.GetOverlayRequest(overlay_id=overlay_id)
    response = OverlayServiceStub(client.channel).GetOverlay(request, timeout=CALL_SECONDS)
    client.show(response.overlay, _table(response.overlay))


@overlay.command("list")
@click.argument("map_id")
@client_command
def list_(client: Client, map_id: str) -> None:
    """List the overlays of a map, lowest first."""
    request = pb.ListOverlaysRequest(map_id=map_id, page_size=100)
    page = OverlayServiceStub(client.channel).ListOverlays(request, timeout=CALL_SECONDS)
    client.show(page, _table(*page.overlays))


@overlay.command()
@click.argument("overlay_id")
@click.argument("changes", type=click.File("r"))
@click.option("--version", type=VERSION, required=True, help="The current version of the overlay.")
@client_command
def update(client: Client, overlay_id: str, changes: IO[str], version: int) -> None:
    """Change an overlay. CHANGES is a JSON file (- for standard input) like {"remove_element_ids": ["ogre"]}."""
    request = pb.UpdateOverlayRequest(
        overlay_id=overlay_id, version=version, changes=parse_json(changes, pb.OverlayChanges())
    )
    response = OverlayServiceStub(client.channel).UpdateOverlay(request, timeout=CALL_SECONDS)
    client.show(response.overlay, _table(response.overlay))


@overlay.command()
@click.argument("overlay_id")
@client_command
def delete(client: Client, overlay_id: str) -> None:
    """Delete an overlay."""
    request = pb.DeleteOverlayRequest(overlay_id=overlay_id)
    client.show(OverlayServiceStub(client.channel).DeleteOverlay(request, timeout=CALL_SECONDS), "deleted")


@overlay.command()
@click.argument("map_id")
@click.option("--out", type=OUT_FILE, required=True, help="SVG file to write.")
@audience_option
@client_command
def render(client: Client, map_id: str, out: Path, audience: str | None) -> None:
    """Save the drawing of all overlays of a map as SVG.

    `image-grpc image read --layer composed` saves the map with its overlays.
    """
    check_output(client, out)
    request = pb.RenderOverlayRequest(map_id=map_id, audience=audience)
    response = OverlayServiceStub(client.channel).RenderOverlay(request, timeout=CALL_SECONDS)
    with opened(out) as file:
        file.write(response.svg.encode())
    if out != STANDARD_OUTPUT:
        client.show(response.size, f"{out}: {response.size.width} x {response.size.height}")


def _table(*overlays: Overlay) -> Table:
    table = Table(Column("overlay", no_wrap=True), "v", "name", "kind", "z", "visible", "items", box=None)
    for each in overlays:
        kind = each.WhichOneof("content") or ""
        elements = getattr(each, kind).elements
        visible = "yes" if each.visible else "no"
        table.add_row(each.id, str(each.version), each.name, kind, str(each.z_index), visible, str(len(elements)))
    return table
