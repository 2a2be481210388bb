"""Pictures as files: the format that a name asks for, and writing all or nothing."""

import sys
from collections.abc import Collection
from pathlib import Path

import click
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.cli.client import Client, display_label
from image_grpc.cli.output import format_bytes

STANDARD_OUTPUT = Path("-")
_FORMATS = {
    ".png": "IMAGE_FORMAT_PNG",
    ".jpg": "IMAGE_FORMAT_JPEG",
    ".jpeg": "IMAGE_FORMAT_JPEG",
    ".webp": "IMAGE_FORMAT_WEBP",
    ".avif": "IMAGE_FORMAT_AVIF",
}

out_option = click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File for the picture, - for standard output. The suffix selects the format.",
)


def format_for(out: Path | None, requested: str | None, allowed: Collection[str] = tuple(_FORMATS)) -> str | None:
    """Return the format for a file: the requested one, or that of its suffix. None if neither says anything.

    Raises click.UsageError for a suffix of something else.
    """
    suffix = out.suffix.lower() if out is not None else ""
    if requested is not None or not suffix:
        return requested
    if suffix not in allowed:
        raise click.UsageError(f"--out must end in {', '.join(allowed)}, unless --format is given")
    return _FORMATS[suffix]


def suffix_of(content: ImageContent) -> str:
    """Return the suffix of a file with a picture, for example `.webp`."""
    return f".{display_label(ImageFormat, content.format)}"


def save(client: Client, request: pb.ReadImageRequest, out: Path, *, describe: bool = True) -> None:
    """Save a picture, completely or not at all, and describe it unless it goes to standard output."""
    parts = ImageServiceStub(client.channel).ReadImage(request)
    content = next(parts).content
    if out == STANDARD_OUTPUT:
        for part in parts:
            sys.stdout.buffer.write(part.data)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    with partial.open("wb") as file:
        for part in parts:
            file.write(part.data)
    partial.replace(out)
    if describe:
        size = content.size
        client.show(content, f"{out}: {size.width} x {size.height}, {format_bytes(content.byte_size)}")
