"""`image-grpc map`: grid, walls, doors and lights of tactical maps."""

from pathlib import Path
from typing import IO

import click
from rich.table import Column, Table
from tabletop.image.v1 import map_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import GetImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.map_pb2 import (
    CoordinateUnit,
    DoorKind,
    DoorState,
    GridKind,
    LightLevel,
    Position,
    StairsDirection,
)
from tabletop.image.v1.map_service_pb2_grpc import MapServiceStub

from image_grpc.cli.client import CALL_SECONDS, Client, EnumChoice, client_command, display_label, parse_json
from image_grpc.cli.output import describe_fidelity, format_bytes
from image_grpc.cli.parameters import VERSION
from image_grpc.cli.picture_files import OUT_FILE, STANDARD_OUTPUT, check_output, opened

EXPORT_SECONDS = 120
"""Deadline of an export."""


@click.group("map")
def map_() -> None:
    """Change grid, walls, doors and lights of maps, and export them."""


@map_.command()
@click.argument("map_id")
@client_command
def get(client: Client, map_id: str) -> None:
    """Show the grid and the doors of a map."""
    image = ImageServiceStub(client.channel).GetImage(GetImageRequest(image_id=map_id), timeout=CALL_SECONDS).image
    _show(client, image)


@map_.command()
@click.argument("map_id")
@click.argument("changes", type=click.File("r"))
@click.option("--version", type=VERSION, required=True, help="The current version of the map.")
@client_command
def update(client: Client, map_id: str, changes: IO[str], version: int) -> None:
    """Change a map without a new picture.

    CHANGES is a JSON file (- for standard input) like {"grid": {"enabled": true, "size": 70},
    "remove_wall_ids": ["w3"]}.
    """
    request = pb.UpdateMapRequest(map_id=map_id, version=version, changes=parse_json(changes, pb.MapChanges()))
    _show(client, MapServiceStub(client.channel).UpdateMap(request, timeout=CALL_SECONDS).image)


@map_.command()
@click.argument("map_id")
@click.argument("door_id")
@click.argument("state", type=EnumChoice(DoorState))
@client_command
def door(client: Client, map_id: str, door_id: str, state: str) -> None:
    """Open, close or lock a door."""
    request = pb.SetDoorStateRequest(map_id=map_id, door_id=door_id, state=state)
    _show(client, MapServiceStub(client.channel).SetDoorState(request, timeout=CALL_SECONDS).image)


@map_.command()
@click.argument("map_id")
@click.argument("stairs_id")
@click.argument("other_map_id")
@click.argument("other_stairs_id")
@client_command
def connect(client: Client, **ids: str) -> None:
    """Connect stairs of two maps, which then lead to each other."""
    response = MapServiceStub(client.channel).ConnectStairs(pb.ConnectStairsRequest(**ids), timeout=CALL_SECONDS)
    versions = f"versions {response.image.version} and {response.other_image.version}"
    client.show(response, f"{ids['stairs_id']} and {ids['other_stairs_id']} lead to each other, {versions}")


@map_.command()
@click.argument("map_id")
@click.argument("viewers", type=click.File("r"))
@click.option(
    "--ambient-light",
    type=EnumChoice(LightLevel),
    help="Light where no lamp shines; default: dark if the map has lights, else bright.",
)
@client_command
def vision(client: Client, map_id: str, viewers: IO[str], ambient_light: str | None) -> None:
    """Count the cells that creatures see.

    --output json prints the cells and areas.

    VIEWERS is a JSON file (- for standard input) like {"viewers": [{"id": "elf", "position": {"x": 3.5, "y": 2.5,
    "unit": "COORDINATE_UNIT_CELLS"}, "darkvision_feet": 60}]}.
    """
    request = parse_json(viewers, pb.ComputeVisionRequest())
    request.map_id = map_id
    request.MergeFrom(pb.ComputeVisionRequest(ambient_light=ambient_light))
    response = MapServiceStub(client.channel).ComputeVision(request, timeout=CALL_SECONDS)
    table = Table("viewer", "bright", "dim", "dark", box=None)
    for name, seen in (*((each.viewer_id, each.vision) for each in response.viewers), ("together", response.combined)):
        lights = [cell.light for cell in seen.cells]
        levels = (LightLevel.LIGHT_LEVEL_BRIGHT, LightLevel.LIGHT_LEVEL_DIM, LightLevel.LIGHT_LEVEL_DARK)
        table.add_row(name, *(str(lights.count(level)) for level in levels))
    client.show(response, table)


@map_.command()
@click.argument("map_id")
@click.option("--format", "format_", type=EnumChoice(pb.SceneFormat), required=True, help="The format of the file.")
@click.option("--version", type=VERSION, default=0, help="Version number; default: the newest.")
@click.option("--out", type=OUT_FILE, required=True, help="File to write, - for standard output.")
@client_command
def export(client: Client, map_id: str, format_: str, version: int, out: Path) -> None:
    """Save a map for another program.

    Lists what the format of the file cannot express.
    """
    check_output(client, out)
    request = pb.ExportSceneRequest(map_id=map_id, format=format_, version=version)
    parts = MapServiceStub(client.channel).ExportScene(request, timeout=EXPORT_SECONDS)
    file = next(parts).file
    with opened(out) as target:
        for part in parts:
            target.write(part.data)
    if out == STANDARD_OUTPUT:
        return
    losses = [
        f"{loss.description}: {', '.join([*loss.wall_ids, *loss.light_ids])}".rstrip(": ") for loss in file.losses
    ]
    client.show(file, f"{out}: {format_bytes(file.byte_size)}", *(f"- {loss}" for loss in losses))


def _show(client: Client, image: Image) -> None:
    properties, grid = image.map, image.map.grid
    shape = display_label(GridKind, grid.kind or GridKind.GRID_KIND_SQUARE)
    doors = Table(Column("door", no_wrap=True), "kind", "state", "from", "to", box=None)
    for wall in properties.walls:
        if wall.HasField("door"):
            labels = (display_label(DoorKind, wall.door.kind), display_label(DoorState, wall.door.state))
            doors.add_row(wall.id, *labels, _place(wall.start), _place(wall.end))
    ways = Table(Column("stairs", no_wrap=True), "direction", "at", "lead to", box=None)
    for stairs in properties.stairs:
        direction = display_label(StairsDirection, stairs.direction)
        ways.add_row(stairs.id, direction, _place(stairs.position), f"{stairs.map_id} {stairs.stairs_id}")
    cells = f"{shape} cells of {grid.size:g} px" if grid.size else "no grid"
    summary = f"version {image.version}, {cells}, {len(properties.walls)} walls, {len(properties.lights)} lights"
    if properties.HasField("fidelity"):
        summary += f"; the picture {describe_fidelity(properties.fidelity)}"
    client.show(image, summary, *(table for table in (doors, ways) if table.rows))


def _place(position: Position) -> str:
    """Return a position with its unit, for example `3.5 2 cells`."""
    unit = "cells" if position.unit == CoordinateUnit.COORDINATE_UNIT_CELLS else "px"
    return f"{position.x:g} {position.y:g} {unit}"
