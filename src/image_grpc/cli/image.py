"""`image-grpc image`: stored pictures."""

from collections.abc import Iterator
from pathlib import Path

import click
import grpc
from rich.table import Column, Table
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc.cli.client import CALL_SECONDS, client_command, console, enum_label, format_bytes, print_json

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
    """List, save, upload, change and delete stored pictures."""


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="Version number; default: the newest.")
@client_command
def get(image_id: str, version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Show an image and its prompt."""
    request = pb.GetImageRequest(image_id=image_id, version=version)
    image = ImageServiceStub(channel).GetImage(request, timeout=CALL_SECONDS).image
    _show_one(image, as_json)
    if not as_json:
        click.echo(f"prompt: {image.metadata.generation_params.prompt}")


@image.command("list")
@click.option("--type", "type_", type=click.Choice(["map", "character", "item"]))
@click.option("--theme", default="")
@click.option("--source-id", default="", help="Character, campaign or item (UUID).")
@click.option("--service", default="", help="Service that requested the image.")
@click.option("--deleted", is_flag=True, help="Include deleted images.")
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
    """List images, newest first."""
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
    _show_page(page, as_json)


@image.command()
@click.argument("image_id")
@client_command
def versions(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """List the versions of an image, newest first."""
    request = pb.ListImageVersionsRequest(image_id=image_id)
    page = ImageServiceStub(channel).ListImageVersions(request, timeout=CALL_SECONDS)
    _show_page(page, as_json)


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="Version number; default: the newest.")
@click.option(
    "--layer", type=click.Choice(["base", "composed"]), default="base", help="A map without or with its overlays."
)
@click.option("--format", "format_", type=click.Choice(["png", "jpeg", "webp", "avif"]), help="Default: as stored.")
@click.option("--max-side", type=int, default=0, help="Maximum width and height in pixels; default: as stored.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the picture.")
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
    """Save the picture of an image to a file."""
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
        click.echo(f"{out}: {content.size.width} x {content.size.height}, {format_bytes(content.byte_size)}")


@image.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--subtype", type=click.Choice(sorted(_TYPES)), required=True, help="Kind of picture.")
@click.option("--theme", required=True, help="Theme of the picture, for example fantasy.")
@click.option("--source-id", default="", help="Character, campaign or item of the picture (UUID).")
@click.option("--grid", type=int, default=0, help="Tactical maps: draw a grid with cells of this many pixels.")
@client_command
def upload(
    file: Path, subtype: str, theme: str, source_id: str, grid: int, channel: grpc.Channel, as_json: bool
) -> None:
    """Upload a picture: PNG, JPEG or WebP."""
    description = pb.UploadImageDescription(
        type=f"IMAGE_TYPE_{_TYPES[subtype]}", subtype=f"IMAGE_SUBTYPE_{subtype.upper()}", theme=theme
    )
    description.source.id = source_id
    if grid:
        description.map.grid.enabled, description.map.grid.size = True, grid
    image = ImageServiceStub(channel).UploadImage(_parts(description, file), timeout=UPLOAD_SECONDS).image
    _show_one(image, as_json)


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, required=True, help="Version to restore.")
@client_command
def restore(image_id: str, version: int, channel: grpc.Channel, as_json: bool) -> None:
    """Restore an old version of an image, as a new version."""
    stub = ImageServiceStub(channel)
    newest = stub.GetImage(pb.GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
    request = pb.RestoreImageVersionRequest(image_id=image_id, version=newest.version, restore_version=version)
    _show_one(stub.RestoreImageVersion(request, timeout=CALL_SECONDS).image, as_json)


@image.command()
@click.argument("image_id")
@client_command
def delete(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Delete an image. It can be restored for some time."""
    request = pb.DeleteImageRequest(image_id=image_id)
    image = ImageServiceStub(channel).DeleteImage(request, timeout=CALL_SECONDS).image
    if as_json:
        print_json(image)
    else:
        click.echo(
            f"deleted; until {image.purge_time.ToDatetime()} UTC, `image-grpc image undelete {image_id}` restores it"
        )


@image.command()
@click.argument("image_id")
@client_command
def undelete(image_id: str, channel: grpc.Channel, as_json: bool) -> None:
    """Restore a deleted image."""
    request = pb.UndeleteImageRequest(image_id=image_id)
    _show_one(ImageServiceStub(channel).UndeleteImage(request, timeout=CALL_SECONDS).image, as_json)


def read_to_file(channel: grpc.Channel, request: pb.ReadImageRequest, out: Path) -> ImageContent:
    """Save a picture, completely or not at all, and return its content description."""
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


def _show_one(image: Image, as_json: bool) -> None:
    if as_json:
        print_json(image)
    else:
        _show([image])


def _show_page(page: pb.ListImagesResponse | pb.ListImageVersionsResponse, as_json: bool) -> None:
    if as_json:
        print_json(page)
        return
    _show(list(page.images))
    if page.next_page_token:
        click.echo(f"next page: --page-token {page.next_page_token}")


_COLUMNS = ("version", "kind", "theme", "size", "format", "bytes", "created (UTC)")


def _show(images: list[Image]) -> None:
    table = Table(Column("image", no_wrap=True), *_COLUMNS, box=None)
    for each in images:
        size = each.content.size
        table.add_row(
            each.id,
            str(each.version),
            f"{enum_label(ImageType.Name(each.type), 'IMAGE_TYPE_')}/"
            f"{enum_label(ImageSubtype.Name(each.subtype), 'IMAGE_SUBTYPE_')}",
            each.metadata.theme + (" (deleted)" if each.HasField("delete_time") else ""),
            f"{size.width} x {size.height}",
            enum_label(ImageFormat.Name(each.content.format), "IMAGE_FORMAT_"),
            format_bytes(each.content.byte_size),
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
        )
    console().print(table)
