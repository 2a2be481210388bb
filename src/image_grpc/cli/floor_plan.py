"""`image-grpc floor-plan`: generates, checks, draws and imports floor plans."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import click
from google.protobuf import json_format
from rich.table import Column, Table
from tabletop.image.v1 import floor_plan_service_pb2 as pb
from tabletop.image.v1.floor_plan_parameters_pb2 import FloorPlanKind, FloorPlanParameters
from tabletop.image.v1.floor_plan_service_pb2_grpc import FloorPlanServiceStub
from tabletop.image.v1.map_pb2 import FloorPlan, FloorPlanSize

from image_grpc.cli.client import CALL_SECONDS, Client, EnumChoice, client_command, display_label, parse_json
from image_grpc.cli.output import format_bytes, printable
from image_grpc.cli.parameters import SIZE
from image_grpc.cli.picture_files import OUT_FILE, STANDARD_OUTPUT, check_output, opened

IMPORT_SECONDS = 120
"""Deadline of an import."""
_CHUNK_BYTES = 1024 * 1024
_FORMATS = {".png": pb.DrawingFormat.DRAWING_FORMAT_PNG, ".svg": pb.DrawingFormat.DRAWING_FORMAT_SVG}


@click.group("floor-plan")
def floor_plan() -> None:
    """Generate, check, draw and import floor plans, which are JSON files."""


@floor_plan.command()
@click.option("--kind", type=EnumChoice(FloorPlanKind), default="dungeon", show_default="dungeon")
@click.option("--size", type=SIZE, help="Columns and rows, for example 60x40.  [default: 40x30]")
@click.option(
    "--seed",
    type=click.IntRange(-(2**63), 2**63 - 1),
    default=0,
    metavar="INTEGER",
    help="Each seed gives another plan.  [default: 0]",
)
@click.option(
    "--max-rooms",
    type=click.IntRange(0, 100),
    default=0,
    help="The largest number of rooms of a dungeon or a building; default: as many as fit.",
)
@click.option(
    "--algorithm-version",
    type=click.IntRange(0, 1),
    default=0,
    help="The version of the algorithm; default: the newest. With it, the same options always give the same plan.",
)
@click.option("--out", type=OUT_FILE, help="File for the plan, - for standard output.")
@client_command
def generate(client: Client, size: dict[str, int] | None, out: Path | None, **fields: Any) -> None:
    """Generate a plan."""
    check_output(client, out)
    parameters = FloorPlanParameters(**fields)
    if size is not None:
        parameters.size.CopyFrom(FloorPlanSize(columns=size["width"], rows=size["height"]))
    request = pb.GenerateFloorPlanRequest(parameters=parameters)
    response = FloorPlanServiceStub(client.channel).GenerateFloorPlan(request, timeout=CALL_SECONDS)
    plan = response.floor_plan
    if out is not None:
        _write(plan, out)
    if out != STANDARD_OUTPUT:
        client.show(response, *([f"{out}: {_summary(plan)}"] if out else [*plan.terrain, _summary(plan)]))


@floor_plan.command()
@click.argument("plan", type=click.File("r"))
@client_command
def check(client: Client, plan: IO[str]) -> None:
    """Look for mistakes in a plan: sealed rooms, doors to nowhere, gaps in walls. Exits with 1 if there are any."""
    request = pb.CheckFloorPlanRequest(floor_plan=parse_json(plan, FloorPlan()))
    response = FloorPlanServiceStub(client.channel).CheckFloorPlan(request, timeout=CALL_SECONDS)
    table = Table(Column("kind", no_wrap=True), "description", Column("first cell", no_wrap=True), box=None)
    for finding in response.findings:
        first = f"column {finding.cells[0].column}, row {finding.cells[0].row}" if finding.cells else ""
        table.add_row(display_label(pb.FloorPlanFindingKind, finding.kind), finding.description, first)
    client.show(response, table if response.findings else "no mistakes")
    if response.findings:
        raise click.exceptions.Exit(1)


@floor_plan.command()
@click.argument("plan", type=click.File("r"))
@click.option("--content", type=EnumChoice(pb.FloorPlanContent), default="layout", show_default="layout")
@click.option("--cell", "cell_size", type=click.IntRange(8, 256), help="Side of a cell in pixels; default: up to 40.")
@click.option("--grid/--no-grid", help="Draw the grid.  [default: no-grid]")
@click.option(
    "--out", type=OUT_FILE, required=True, help="File to write: .png or .svg, - for a PNG on standard output."
)
@client_command
def render(client: Client, plan: IO[str], content: str, cell_size: int | None, grid: bool, out: Path) -> None:
    """Draw a plan: everything in flat colors, or a mask of its walls."""
    check_output(client, out)
    if out != STANDARD_OUTPUT and out.suffix.lower() not in _FORMATS:
        raise click.UsageError(f"--out must end in {' or '.join(_FORMATS)}")
    request = pb.RenderFloorPlanRequest(
        floor_plan=parse_json(plan, FloorPlan()),
        content=content,
        format=_FORMATS.get(out.suffix.lower()),
        cell_size=cell_size,
        grid=grid,
    )
    response = FloorPlanServiceStub(client.channel).RenderFloorPlan(request, timeout=CALL_SECONDS)
    with opened(out) as file:
        file.write(response.data)
    if out != STANDARD_OUTPUT:
        response.ClearField("data")
        size = f"{response.width} x {response.height}"
        client.show(response, f"{out}: {size}, cells of {response.cell_size} px")


@floor_plan.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "format_", type=EnumChoice(pb.FloorPlanFormat), help="The format; default: recognized.")
@click.option("--out", type=OUT_FILE, required=True, help="File for the plan, - for standard output.")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="File for the picture in the file.")
@client_command
def import_(client: Client, file: IO[bytes], format_: str | None, out: Path, picture: Path | None) -> None:
    """Read a file of another program as a plan.

    FILE (- for standard input) is Universal VTT, JSON of One Page Dungeon or donjon, or a scene of Foundry VTT as JSON
    or ZIP. Lists what the plan lacks of it.
    """
    check_output(client, out)
    stub = FloorPlanServiceStub(client.channel)
    parts = stub.ImportFloorPlan(_parts(file, format_), timeout=IMPORT_SECONDS)
    imported = next(parts).plan
    has_picture = imported.HasField("picture")
    if picture is not None and has_picture:
        with opened(picture) as target:
            for part in parts:
                target.write(part.data)
    else:
        parts.cancel()
    _write(imported.floor_plan, out)
    warnings = [f"- {warning}" for warning in imported.warnings]
    lines = [f"{out}: {_summary(imported.floor_plan)}", *warnings]
    if picture is not None and has_picture:
        size, grid = format_bytes(imported.picture.byte_size), imported.picture.grid
        lines.insert(1, f"{picture}: {size}, cells of {grid.size:g} px")
    if out == STANDARD_OUTPUT:
        click.echo("\n".join(map(printable, lines[1:])), err=True)
    else:
        client.show(imported, *lines)
    if picture is not None and not has_picture:
        raise click.ClickException(f"{file.name} has no picture for --picture")


def _parts(file: IO[bytes], format_: str | None) -> Iterator[pb.ImportFloorPlanRequest]:
    if format_ is not None:
        yield pb.ImportFloorPlanRequest(format=format_)
    while data := file.read(_CHUNK_BYTES):
        yield pb.ImportFloorPlanRequest(data=data)


def _write(plan: FloorPlan, out: Path) -> None:
    with opened(out) as file:
        file.write(json_format.MessageToJson(plan, preserving_proto_field_name=True).encode() + b"\n")


def _summary(plan: FloorPlan) -> str:
    doors = sum(wall.HasField("door") for wall in plan.walls)
    counts = {"room": len(plan.rooms), "wall": len(plan.walls) - doors, "door": doors}
    counts |= {"light": len(plan.lights), "object": len(plan.objects)}
    listed = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    return f"{plan.size.columns} x {plan.size.rows} cells, {listed}"
