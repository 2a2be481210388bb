"""`image-grpc image`: stored pictures. Options that become fields of a request have the names of the fields."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import click
from rich.table import Column, Table
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image, Normalization
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype

from image_grpc.cli.client import (
    CALL_SECONDS,
    Client,
    EnumChoice,
    client_command,
    display_label,
    limited_list,
    list_options,
    parse_json,
    picture_filters,
    show_list,
)
from image_grpc.cli.output import age_of
from image_grpc.cli.parameters import VERSION
from image_grpc.cli.picture_files import audience_option, check_output, format_for, out_option, save


@click.group()
def image() -> None:
    """List, save, upload, change and delete stored pictures."""


@image.command()
@click.argument("image_id")
@click.option("--version", type=VERSION, default=0, help="Version number; default: the newest.")
@client_command
def get(client: Client, image_id: str, version: int) -> None:
    """Show an image and its prompt."""
    request = pb.GetImageRequest(image_id=image_id, version=version)
    image = ImageServiceStub(client.channel).GetImage(request, timeout=CALL_SECONDS).image
    prompt = image.metadata.generation_params.prompt
    client.show(image, _table([image]), *([f"prompt: {prompt}"] if prompt else []))


@image.command("list")
@picture_filters
@click.option("--deleted", "show_deleted", is_flag=True, help="Include deleted images.")
@list_options
@client_command
def list_(client: Client, limit: int, **fields: Any) -> None:
    """List images, newest first."""
    page = limited_list(ImageServiceStub(client.channel).ListImages, pb.ListImagesRequest(**fields), limit)
    show_list(client, page, _table(page.images))


@image.command()
@click.argument("image_id")
@list_options
@client_command
def versions(client: Client, limit: int, **fields: Any) -> None:
    """List the versions of an image, newest first."""
    rpc = ImageServiceStub(client.channel).ListImageVersions
    page = limited_list(rpc, pb.ListImageVersionsRequest(**fields), limit)
    show_list(client, page, _table(page.images))


@image.command()
@click.argument("image_id")
@click.option("--version", type=VERSION, default=0, help="Version number; default: the newest.")
@click.option("--layer", type=EnumChoice(pb.ImageLayer), default="base", help="A map without or with its overlays.")
@click.option("--format", type=EnumChoice(ImageFormat, "png", "jpeg", "webp", "avif"), help="Default: as stored.")
@click.option(
    "--max-side",
    type=click.IntRange(0, 100_000),
    default=0,
    help="Maximum width and height in pixels; default: as stored.",
)
@audience_option
@click.option(
    "--viewers",
    type=click.File("r"),
    help="JSON file with viewers, as for `map vision`; with --layer composed --audience players, only what they see.",
)
@click.option("--draw-weak-edges", is_flag=True, help="Draw walls where the painting of a map does not show them.")
@click.option("--hide-legend", is_flag=True, help="Leave out the legend of a composed map.")
@click.option("--hide-scale-bar", is_flag=True, help="Leave out the scale bar of a composed map.")
@click.option("--hide-grid", is_flag=True, help="Leave out the grid of a composed map.")
@click.option(
    "--region",
    nargs=4,
    type=int,
    help="Part of the picture: left, top, width and height in pixels, for example 0 0 256 256.",
)
@out_option
@client_command
def read(client: Client, out: Path | None, viewers: IO[str] | None, **fields: Any) -> None:
    """Save the picture of an image to a file."""
    if out is None:
        raise click.UsageError("--out says where to save the picture")
    check_output(client, out)
    fields["format"] = format_for(out, fields["format"]) or None
    if (region := fields.pop("region")) is not None:
        fields["region"] = dict(zip(("x", "y", "width", "height"), region, strict=True))
    request = pb.ReadImageRequest(**fields)
    save(client, parse_json(viewers, request) if viewers is not None else request, out)


@image.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--subtype", type=EnumChoice(ImageSubtype), required=True, help="Kind of picture.")
@click.option("--theme", required=True, help="Theme of the picture, for example fantasy.")
@click.option("--source-id", default="", help="Character, campaign or item of the picture (UUID).")
@click.option("--grid", type=float, default=0, help="Tactical maps: draw a grid with cells of this many pixels.")
@click.option(
    "--plan", type=click.File("r"), help="Tactical maps: JSON file of the floor plan that the picture follows."
)
@click.option("--preserve-original", is_flag=True, help="Store the file as it is, with all metadata.")
@client_command
def upload(client: Client, file: Path, source_id: str, grid: float, plan: IO[str] | None, **fields: Any) -> None:
    """Upload a picture: PNG, JPEG, WebP, AVIF or GIF."""
    from image_grpc.generation.kinds import kind_of_subtype  # takes a while

    description = pb.UploadImageDescription(
        source={"id": source_id}, map={"grid": {"enabled": True, "size": grid}} if grid else None, **fields
    )
    if plan is not None:
        parse_json(plan, description.map.floor_plan)
    description.type = kind_of_subtype(description.subtype).image_type
    image = ImageServiceStub(client.channel).UploadImage(_parts(description, file), timeout=300).image
    labels = [display_label(Normalization, each).replace("_", " ") for each in image.metadata.normalizations]
    notes = [f"changed: {', '.join(labels)}"] if labels else []
    if description.preserve_original:
        notes = ["stored as it is, with all metadata, which may name places and devices"]
    client.show(image, _table([image]), *notes)


@image.command()
@click.argument("image_id")
@click.option("--version", type=VERSION, required=True, help="Version to restore.")
@client_command
def restore(client: Client, image_id: str, version: int) -> None:
    """Restore an old version of an image, as a new version."""
    stub = ImageServiceStub(client.channel)
    newest = stub.GetImage(pb.GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
    request = pb.RestoreImageVersionRequest(image_id=image_id, version=newest.version, restore_version=version)
    image = stub.RestoreImageVersion(request, timeout=CALL_SECONDS).image
    client.show(image, _table([image]))


@image.command()
@click.argument("image_id")
@client_command
def delete(client: Client, image_id: str) -> None:
    """Delete an image. It can be restored for some time."""
    request = pb.DeleteImageRequest(image_id=image_id)
    image = ImageServiceStub(client.channel).DeleteImage(request, timeout=CALL_SECONDS).image
    until = image.purge_time.ToDatetime()
    client.show(image, f"deleted; until {until} UTC, `image-grpc image undelete {image_id}` restores it")


@image.command()
@click.argument("image_id")
@client_command
def undelete(client: Client, image_id: str) -> None:
    """Restore a deleted image."""
    request = pb.UndeleteImageRequest(image_id=image_id)
    image = ImageServiceStub(client.channel).UndeleteImage(request, timeout=CALL_SECONDS).image
    client.show(image, _table([image]))


def _parts(description: pb.UploadImageDescription, file: Path) -> Iterator[pb.UploadImageRequest]:
    yield pb.UploadImageRequest(description=description)
    with file.open("rb") as data:
        while part := data.read(1024 * 1024):
            yield pb.UploadImageRequest(data=part)


def _table(images: Iterable[Image]) -> Table:
    table = Table(Column("image", no_wrap=True), "v", "kind", "theme", "size", "stored", box=None)
    for each in images:
        size = each.content.size
        table.add_row(
            each.id,
            str(each.version),
            display_label(ImageSubtype, each.subtype).removesuffix("_illustration"),
            "(deleted)" if each.HasField("delete_time") else each.metadata.theme,
            f"{size.width}x{size.height}",
            age_of(each.update_time),
        )
    return table
