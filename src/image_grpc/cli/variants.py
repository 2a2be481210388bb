"""Several pictures of one request, to choose from."""

import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from google.protobuf.message import Message
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.generation_service_pb2 import ListGenerationsResponse
from tabletop.image.v1.image_service_pb2 import ReadImageRequest
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.cli.client import Client
from image_grpc.cli.picture_files import opened, read_picture, save, suffix_of
from image_grpc.messages import clone

MAX_VARIANT = 2**31 - 1
MAX_VARIANTS = 16
SIDE = 384
"""Longest side in pixels of a picture on a contact sheet."""
_GAP, _CAPTION = 16, 28
_PAPER = [255, 250, 240]


def variants_of(request: Message, count: int) -> list[tuple[int, Message]]:
    """Return the numbers and requests of `count` variants, from that of a Generate request on."""
    first = getattr(request, "variant")  # noqa: B009 - all Generate requests have it
    variants = []
    for number in range(first, min(first + count, MAX_VARIANT + 1)):
        variant = clone(request)
        setattr(variant, "variant", number)  # noqa: B010
        variants.append((number, variant))
    return variants


def show_variants(client: Client, generations: Sequence[tuple[int, Generation]], summaries: Sequence[str]) -> None:
    """Show the generations of variants, whose numbers come with them."""
    lines = [f"variant {number}: {summary}" for (number, _), summary in zip(generations, summaries, strict=True)]
    client.show(ListGenerationsResponse(generations=[each for _, each in generations]), *lines)


def save_variants(
    client: Client, generations: Sequence[tuple[int, Generation]], out: Path | None, format_: str
) -> None:
    """Save each variant, the first of `hero.webp` as `hero-0.webp`, with a contact sheet, `hero-variants.png`.

    Without `out`, only write a contact sheet to a temporary file, and open it. This needs a terminal.
    """
    if out is None and not (client.prints_text and sys.stdout.isatty()):
        return
    folder = Path(tempfile.mkdtemp(prefix="image-grpc-")) if out is None else out.parent
    name = "contact-sheet" if out is None else out.stem
    thumbnails, files = [], []
    for number, generation in generations:
        image = generation.image
        request = ReadImageRequest(image_id=image.id, version=image.version, format=format_ or None)
        if out is not None:
            files.append(folder / f"{name}-{number}{out.suffix or suffix_of(image.content)}")
            save(client, request, files[-1], describe=False)
        request.format, request.max_side = ImageFormat.IMAGE_FORMAT_PNG, SIDE
        thumbnails.append((number, read_picture(client, request)))
    sheet = folder / (f"{name}.png" if out is None else f"{name}-variants.png")
    with opened(sheet) as file:
        file.write(contact_sheet(thumbnails))
    if client.prints_text:
        if files:
            click.echo(f"saved as {', '.join(str(file) for file in files)}")
        click.echo(f"contact sheet: {sheet}")
        if out is None:
            click.launch(str(sheet))


def contact_sheet(thumbnails: Sequence[tuple[int, bytes]]) -> bytes:
    """Return a PNG with pictures side by side, each above its number."""
    import pyvips  # takes a while

    from image_grpc.maps import fonts

    fonts.configure()
    tiles = []
    for number, data in thumbnails:
        picture = pyvips.Image.new_from_buffer(data, "").colourspace("srgb")
        picture = picture.flatten(background=_PAPER) if picture.hasalpha() else picture
        caption = pyvips.Image.text(f"variant {number}", font=f"{fonts.FAMILY} 14", dpi=72)
        caption = caption.gravity("centre", picture.width, _CAPTION).ifthenelse([27, 27, 31], _PAPER, blend=True)
        tiles.append(picture.join(caption.copy(interpretation="srgb"), "vertical"))
    across = math.ceil(math.sqrt(len(tiles)))
    sheet = pyvips.Image.arrayjoin(tiles, across=across, shim=_GAP, background=_PAPER)
    sheet = sheet.embed(
        _GAP, _GAP, sheet.width + 2 * _GAP, sheet.height + 2 * _GAP, extend="background", background=_PAPER
    )
    encoded: bytes = sheet.write_to_buffer(".png", keep="none")
    return encoded
