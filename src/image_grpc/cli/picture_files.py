"""Pictures as files: the format that a name asks for, and writing all or nothing."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from tabletop.image.v1 import image_service_pb2 as pb
from tabletop.image.v1.image_pb2 import ImageContent
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat
from tabletop.image.v1.viewer_pb2 import Audience

from image_grpc.cli.client import Client, EnumChoice, display_label
from image_grpc.cli.output import format_bytes

STANDARD_OUTPUT = Path("-")
_FORMATS = {
    ".png": "IMAGE_FORMAT_PNG",
    ".jpg": "IMAGE_FORMAT_JPEG",
    ".jpeg": "IMAGE_FORMAT_JPEG",
    ".webp": "IMAGE_FORMAT_WEBP",
    ".avif": "IMAGE_FORMAT_AVIF",
}
GENERATED = (".png", ".jpg", ".jpeg", ".webp")
"""Suffixes of the formats that can be generated."""

OUT_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
out_option = click.option(
    "--out", type=OUT_FILE, help="File for the picture, - for standard output. The suffix selects the format."
)

audience_option = click.option(
    "--audience",
    type=EnumChoice(Audience),
    help="For whom a map is drawn: players do not see what is hidden. Default: game_master.",
)


def format_for(out: Path | None, requested: str | None = None, allowed: Collection[str] = tuple(_FORMATS)) -> str:
    """Return the format for a file: the requested one, or that of its suffix. Empty if neither says anything.

    Raises click.UsageError for the suffix of something else.
    """
    suffix = out.suffix.lower() if out is not None else ""
    if not suffix:
        return requested or ""
    if requested is not None and _FORMATS.get(suffix, requested) != requested:
        raise click.UsageError(f"--format contradicts the suffix {suffix} of --out")
    if requested is None and suffix not in allowed:
        raise click.UsageError(f"--out must end in {', '.join(allowed)}, unless --format is given")
    return requested or _FORMATS[suffix]


def suffix_of(content: ImageContent) -> str:
    """Return the suffix of a file with a picture, for example `.webp`."""
    return f".{display_label(ImageFormat, content.format)}"


def check_output(client: Client, out: Path | None) -> None:
    """Raise click.UsageError if a picture and its description would both go to standard output."""
    if out == STANDARD_OUTPUT and not client.prints_text:
        raise click.UsageError("--out - prints the picture, so it excludes --output and --json")


def save(client: Client, request: pb.ReadImageRequest, out: Path, *, describe: bool = True) -> None:
    """Save a picture, completely or not at all, and describe it unless it goes to standard output."""
    parts = ImageServiceStub(client.channel).ReadImage(request)
    content = next(parts).content
    with opened(out) as file:
        for part in parts:
            file.write(part.data)
    if describe and out != STANDARD_OUTPUT:
        size = content.size
        client.show(content, f"{out}: {size.width} x {size.height}, {format_bytes(content.byte_size)}")


def read_picture(client: Client, request: pb.ReadImageRequest) -> bytes:
    """Return the bytes of a picture."""
    parts = ImageServiceStub(client.channel).ReadImage(request)
    return b"".join(part.data for part in parts)


@contextmanager
def opened(out: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name once the block has written all of it.

    Raises click.ClickException if it cannot be written.
    """
    try:
        if out == STANDARD_OUTPUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif out.exists() and not out.is_file():  # a device or a pipe
            with out.open("wb") as file:
                yield file
        else:
            with _replacing(out.resolve()) as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise click.ClickException(f"{out} cannot be written: {problem.strerror}") from problem


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
