"""`image-grpc image`: stored pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import grpc
from rich.table import Column, Table
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc.cli.client import CALL_SECONDS, client_command, console, lower, print_json, readable

PART_BYTES = 1024 * 1024
UPLOAD_SECONDS = 300.0

_TYPES = {
    "tactical": "MAP",
    "campaign": "MAP",
    "portrait": "CHARACTER",
    "weapon": "ITEM",
    "armor": "ITEM",
    "other": "ITEM",
}


@click.group()
def image() -> None:
    """Look at, read, upload, change and delete stored pictures."""


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="An older version; default: the newest.")
@client_command
def get(image_id: str, version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Show what is known of an image."""
    request = pb.GetImageRequest(image_id=image_id, version=version)
    found = ImageServiceStub(channel).GetImage(request, timeout=CALL_SECONDS).image
    if as_json:
        print_json(found)
    else:
        _show([found])
        click.echo(f"prompt: {found.metadata.generation_params.prompt}")


@image.command("list")
@click.option("--type", "type_", type=click.Choice(["map", "character", "item"]))
@click.option("--theme", default="")
@click.option("--source-id", default="", help="Character, campaign or item (UUID).")
@click.option("--service", default="", help="Service that asked.")
@click.option("--deleted", is_flag=True, help="Deleted ones too.")
@click.option("--page-size", type=int, default=0)
@click.option("--page-token", default="")
@client_command
def list_(
    type_: str | None,
    theme: str,
    source_id: str,
    service: str,
    deleted: bool,
    page_size: int,
    page_token: str,
    channel: grpc.Channel,
    as_json: bool,
) -> None:
    """List images, the newest first."""
    request = pb.ListImagesRequest(
        type=f"IMAGE_TYPE_{type_.upper()}" if type_ else None,
        theme=theme,
        source_id=source_id,
        service=service,
        show_deleted=deleted,
        page_size=page_size,
        page_token=page_token,
    )
    page = ImageServiceStub(channel).ListImages(request, timeout=CALL_SECONDS)
    _show_page(page, as_json=as_json)


@image.command()
@click.argument("image_id")
@client_command
def versions(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """List the versions of an image, the newest first."""
    request = pb.ListImageVersionsRequest(image_id=image_id)
    page = ImageServiceStub(channel).ListImageVersions(request, timeout=CALL_SECONDS)
    _show_page(page, as_json=as_json)


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="An older version; default: the newest.")
@click.option(
    "--layer", type=click.Choice(["base", "composed"]), default="base", help="A map alone, or with its overlays."
)
@click.option(
    "--format", "format_", type=click.Choice(["png", "jpeg", "webp", "avif"]), help="Default: as stored."
)
@click.option("--max-side", type=int, default=0, help="Longest side in pixels; default: as stored.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the picture."
)
@client_command
def read(
    image_id: str,
    version: int,
    layer: str,
    format_: str | None,
    max_side: int,
    out: Path,
    channel: grpc.Channel,
    as_json: bool,
) -> None:
    """Save an image's picture."""
    request = pb.ReadImageRequest(
        image_id=image_id,
        version=version,
        layer=f"IMAGE_LAYER_{layer.upper()}",
        format=f"IMAGE_FORMAT_{format_.upper()}" if format_ else None,
        max_side=max_side,
    )
    content = read_to_file(channel, request, out)
    if as_json:
        print_json(content)
    else:
        click.echo(f"{out}: {content.size.width} x {content.size.height}, {readable(content.byte_size)}")


@image.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--subtype", type=click.Choice(sorted(_TYPES)), required=True, help="What it shows.")
@click.option("--theme", required=True, help="Name of its theme, for example fantasy.")
@click.option("--source-id", default="", help="Character, campaign or item that it belongs to (UUID).")
@click.option("--grid", type=int, default=0, help="Tactical maps: pixels of a grid's cell, which is then drawn.")
@client_command
def upload(
    file: Path, subtype: str, theme: str, source_id: str, grid: int, channel: grpc.Channel, as_json: bool
) -> None:
    """Store a picture of your own: PNG, JPEG or WebP."""
    description = pb.UploadImageDescription(
        type=f"IMAGE_TYPE_{_TYPES[subtype]}", subtype=f"IMAGE_SUBTYPE_{subtype.upper()}", theme=theme
    )
    description.source.id = source_id
    if grid:
        description.map.grid.enabled, description.map.grid.size = True, grid
    stored = ImageServiceStub(channel).UploadImage(_parts(description, file), timeout=UPLOAD_SECONDS).image
    _show_one(stored, as_json=as_json)


@image.command()
@click.argument("image_id")
@click.option("--version", "version", type=int, required=True, help="The version whose picture is wanted back.")
@client_command
def restore(image_id: str, version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Make an old version the newest again."""
    stub = ImageServiceStub(channel)
    newest = stub.GetImage(pb.GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
    request = pb.RestoreImageVersionRequest(image_id=image_id, version=newest.version, restore_version=version)
    _show_one(stub.RestoreImageVersion(request, timeout=CALL_SECONDS).image, as_json=as_json)


@image.command()
@click.argument("image_id")
@client_command
def delete(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Delete an image; it can be restored for a while."""
    gone = (
        ImageServiceStub(channel).DeleteImage(pb.DeleteImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
    )
    if as_json:
        print_json(gone)
    else:
        click.echo(
            f"deleted; `image-grpc image undelete {image_id}` restores it until {gone.purge_time.ToDatetime()} UTC"
        )


@image.command()
@click.argument("image_id")
@client_command
def undelete(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Restore a deleted image."""
    request = pb.UndeleteImageRequest(image_id=image_id)
    _show_one(ImageServiceStub(channel).UndeleteImage(request, timeout=CALL_SECONDS).image, as_json=as_json)


def read_to_file(channel: grpc.Channel, request: pb.ReadImageRequest, out: Path) -> ImageContent:
    """Saves a picture, complete or not at all; answers its description."""
    parts = ImageServiceStub(channel).ReadImage(request)
    content = next(parts).content
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    with partial.open("wb") as file:
        for part in parts:
            file.write(part.data)
    partial.replace(out)
    return content


def _parts(description: pb.UploadImageDescription, file: Path) -> Iterator[pb.UploadImageRequest]:
    yield pb.UploadImageRequest(description=description)
    with file.open("rb") as data:
        while part := data.read(PART_BYTES):
            yield pb.UploadImageRequest(data=part)


def _show_one(found: Image, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        _show([found])


def _show_page(page: pb.ListImagesResponse | pb.ListImageVersionsResponse, *, as_json: bool) -> None:
    if as_json:
        print_json(page)
        return
    _show(list(page.images))
    if page.next_page_token:
        click.echo(f"more: --page-token {page.next_page_token}")


_COLUMNS = ("version", "kind", "theme", "size", "format", "bytes", "created (UTC)")


def _show(images: list[Image]) -> None:
    table = Table(Column("image", no_wrap=True), *_COLUMNS, box=None)
    for each in images:
        size = each.content.size
        table.add_row(
            each.id,
            str(each.version),
            f"{lower(ImageType.Name(each.type), 'IMAGE_TYPE_')}/"
            f"{lower(ImageSubtype.Name(each.subtype), 'IMAGE_SUBTYPE_')}",
            each.metadata.theme + (" (deleted)" if each.HasField("delete_time") else ""),
            f"{size.width} x {size.height}",
            lower(ImageFormat.Name(each.content.format), "IMAGE_FORMAT_"),
            readable(each.content.byte_size),
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
        )
    console().print(table)
