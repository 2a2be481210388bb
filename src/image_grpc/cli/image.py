"""`image-grpc image`: stored pictures. Options that become fields of a request have the names of the fields."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.table import Column, Table
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import Image, ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat, ImageSubtype, ImageType

from image_grpc.cli.client import CALL_SECONDS, Client, EnumChoice, client_command, display_label, format_bytes


@click.group()
def image() -> None:
    """List, save, upload, change and delete stored pictures."""


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="Version number; default: the newest.")
@client_command
def get(client: Client, image_id: str, version: int) -> None:
    """Show an image and its prompt."""
    request = pb.GetImageRequest(image_id=image_id, version=version)
    image = ImageServiceStub(client.channel).GetImage(request, timeout=CALL_SECONDS).image
    client.show(image, _table([image]), f"prompt: {image.metadata.generation_params.prompt}")


@image.command("list")
@click.option("--type", type=EnumChoice(ImageType))
@click.option("--theme", default="")
@click.option("--source-id", default="", help="Character, campaign or item (UUID).")
@click.option("--service", default="", help="Service that requested the image.")
@click.option("--deleted", "show_deleted", is_flag=True, help="Include deleted images.")
@click.option("--page-size", type=int, default=0)
@click.option("--page-token", default="")
@client_command
def list_(client: Client, **fields: Any) -> None:
    """List images, newest first."""
    request = pb.ListImagesRequest(**fields)
    _show_page(client, ImageServiceStub(client.channel).ListImages(request, timeout=CALL_SECONDS))


@image.command()
@click.argument("image_id")
@client_command
def versions(client: Client, image_id: str) -> None:
    """List the versions of an image, newest first."""
    request = pb.ListImageVersionsRequest(image_id=image_id)
    _show_page(client, ImageServiceStub(client.channel).ListImageVersions(request, timeout=CALL_SECONDS))


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, default=0, help="Version number; default: the newest.")
@click.option("--layer", type=EnumChoice(pb.ImageLayer), default="base", help="A map without or with its overlays.")
@click.option("--format", type=EnumChoice(ImageFormat), help="Default: as stored.")
@click.option("--max-side", type=int, default=0, help="Maximum width and height in pixels; default: as stored.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the picture.")
@client_command
def read(client: Client, out: Path, **fields: Any) -> None:
    """Save the picture of an image to a file."""
    content = read_to_file(client, pb.ReadImageRequest(**fields), out)
    client.show(content, f"{out}: {content.size.width} x {content.size.height}, {format_bytes(content.byte_size)}")


@image.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--subtype", type=EnumChoice(ImageSubtype), required=True, help="Kind of picture.")
@click.option("--theme", required=True, help="Theme of the picture, for example fantasy.")
@click.option("--source-id", default="", help="Character, campaign or item of the picture (UUID).")
@click.option("--grid", type=float, default=0, help="Tactical maps: draw a grid with cells of this many pixels.")
@client_command
def upload(client: Client, file: Path, subtype: str, theme: str, source_id: str, grid: float) -> None:
    """Upload a picture: PNG, JPEG or WebP."""
    from image_grpc.generation.kinds import kind_of_subtype  # takes a while

    description = pb.UploadImageDescription(
        subtype=subtype,
        theme=theme,
        source={"id": source_id},
        map={"grid": {"enabled": True, "size": grid}} if grid else None,
    )
    description.type = kind_of_subtype(description.subtype).image_type
    image = ImageServiceStub(client.channel).UploadImage(_parts(description, file), timeout=300).image
    client.show(image, _table([image]))


@image.command()
@click.argument("image_id")
@click.option("--version", type=int, required=True, help="Version to restore.")
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


def read_to_file(client: Client, request: pb.ReadImageRequest, out: Path) -> ImageContent:
    """Save a picture, completely or not at all, and return its content description."""
    parts = ImageServiceStub(client.channel).ReadImage(request)
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
        while part := data.read(1024 * 1024):
            yield pb.UploadImageRequest(data=part)


def _show_page(client: Client, page: pb.ListImagesResponse | pb.ListImageVersionsResponse) -> None:
    next_page = [f"next page: --page-token {page.next_page_token}"] if page.next_page_token else []
    client.show(page, _table(page.images), *next_page)


def _table(images: Iterable[Image]) -> Table:
    columns = ("version", "kind", "theme", "size", "format", "bytes", "stored (UTC)")
    table = Table(Column("image", no_wrap=True), *columns, box=None)
    for each in images:
        size = each.content.size
        table.add_row(
            each.id,
            str(each.version),
            f"{display_label(ImageType, each.type)}/{display_label(ImageSubtype, each.subtype)}",
            each.metadata.theme + (" (deleted)" if each.HasField("delete_time") else ""),
            f"{size.width} x {size.height}",
            display_label(ImageFormat, each.content.format),
            format_bytes(each.content.byte_size),
            f"{each.update_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
        )
    return table
