"""Options and output that the `generate` commands share."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
import grpc
from google.protobuf import json_format
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import WatchGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import ReadImageRequest

from image_grpc.cli.client import client_command, enum_label, format_bytes, print_json
from image_grpc.cli.image import read_to_file

PictureRequest = (
    pb.GenerateTacticalMapRequest
    | pb.GenerateCampaignMapRequest
    | pb.GeneratePortraitRequest
    | pb.GenerateItemIllustrationRequest
)
Command = Callable[..., None]

_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
_TERMINAL_STATES = (
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
)


class _Size(click.ParamType[tuple[int, int]]):
    name = "WIDTHxHEIGHT"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> tuple[int, int]:
        match = re.fullmatch(r"(\d{1,9})x(\d{1,9})", value)
        if match is None:
            self.fail(f"{value!r} is not of the form 1024x768", param, context)
        return int(match[1]), int(match[2])


_OUTPUT_OPTIONS = (
    click.option("--wait/--no-wait", default=True, help="Wait until the generation ends.  [default: wait]"),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to save the picture to."),
)
_COMMON_OPTIONS = (
    click.option("--theme", required=True, help="Name of the theme, for example fantasy."),
    click.option("--size", type=_Size(), help="Size in pixels, for example 1024x768."),
    click.option("--details", default="", help="Additional description of the picture."),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["png", "jpeg", "webp"]),
        help="Default: by the suffix of --out, or png.",
    ),
    click.option("--model", default="", help="Model of GetImg.AI."),
    click.option("--priority", type=click.Choice(["high", "normal", "low"]), default="normal"),
    click.option(
        "--cache",
        type=click.Choice(["use", "bypass", "refresh"]),
        default="use",
        help="How to use pictures cached from identical requests.",
    ),
    click.option("--source-id", default="", help="Character, campaign or item that the picture belongs to (UUID)."),
    click.option("--source-service", default="", help="Service that requests the picture."),
    click.option(
        "--reference", "references", multiple=True, help="Stored image to use as a reference (UUID); repeatable."
    ),
    click.option("--request-id", default="", help="UUID of the request, which makes it safe to repeat."),
    click.option("--dry-run", is_flag=True, help="Only validate the request and estimate its cost."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """How a command presents a generation."""

    channel: grpc.Channel
    as_json: bool
    wait: bool
    out: Path | None

    def show(self, generation: Generation) -> None:
        """Wait for a generation if requested, print it, and save its picture."""
        if self.wait and generation.id:
            generation = _watch(self.channel, generation)
        if self.as_json:
            print_json(generation)
        if generation.state == GenerationState.GENERATION_STATE_FAILED:
            raise click.ClickException(f"the generation failed ({generation.error.reason}): {generation.error.message}")
        if not self.as_json:
            click.echo(_summary(generation))
        if self.out is not None and generation.HasField("image"):
            request = ReadImageRequest(image_id=generation.image.id, version=generation.image.version)
            read_to_file(self.channel, request, self.out)
            if not self.as_json:
                click.echo(f"saved as {self.out}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CommonOptions:
    """The options that all kinds of pictures share."""

    theme: str
    size: tuple[int, int] | None
    details: str
    format_: str | None
    model: str
    priority: str
    cache: str
    source_id: str
    source_service: str
    references: tuple[str, ...]
    request_id: str
    dry_run: bool

    def fill(self, request: PictureRequest) -> None:
        """Copy the options into a request."""
        values: dict[str, object] = {
            "theme": self.theme,
            "details": self.details,
            "model": self.model,
            "priority": f"PRIORITY_{self.priority.upper()}",
            "cache": f"CACHE_MODE_{self.cache.upper()}",
            "source": {"id": self.source_id, "service": self.source_service},
            "reference_image_ids": self.references,
            "request_id": self.request_id,
            "validate_only": self.dry_run,
        }
        if self.format_:
            values["format"] = f"IMAGE_FORMAT_{self.format_.upper()}"
        if self.size:
            values["size"] = {"width": self.size[0], "height": self.size[1]}
        json_format.ParseDict(values, request)


def output_options(command: Command) -> Command:
    """Add the output options, and pass an `output` to the command."""

    @functools.wraps(command)
    def run(*, channel: grpc.Channel, as_json: bool, wait: bool, out: Path | None, **options: object) -> None:
        command(output=Output(channel=channel, as_json=as_json, wait=wait, out=out), **options)

    decorated = client_command(run)
    for option in reversed(_OUTPUT_OPTIONS):
        decorated = option(decorated)
    return decorated


def common_options(command: Command) -> Command:
    """Add the common options and the output options, and pass both to the command."""

    @functools.wraps(command)
    def run(*, output: Output, **options: Any) -> None:
        values = {field.name: options.pop(field.name) for field in fields(CommonOptions)}
        if output.out is not None and values["format_"] is None:
            values["format_"] = _FORMATS.get(output.out.suffix.lower())
        command(common=CommonOptions(**values), output=output, **options)

    decorated = output_options(run)
    for option in reversed(_COMMON_OPTIONS):
        decorated = option(decorated)
    return decorated


def _watch(channel: grpc.Channel, generation: Generation) -> Generation:
    """Show the progress of a generation, and return it once it has ended."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("queued", total=1.0)
        cursor = ""
        while generation.state not in _TERMINAL_STATES:
            request = WatchGenerationRequest(generation_id=generation.id, cursor=cursor)
            for change in GenerationServiceStub(channel).WatchGeneration(request):
                cursor = change.cursor
                if change.HasField("generation"):
                    generation = change.generation
                    progress.update(task, description=_state(generation), completed=generation.progress)
    return generation


def _summary(generation: Generation) -> str:
    cost = f"{generation.cost.amount} {generation.cost.currency}" if generation.cost.amount else "nothing"
    if not generation.id:
        return f"The request is valid. Model {generation.model}, estimated cost {cost}."
    if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
        return f"generation {generation.id} is {_state(generation)}"
    image, content = generation.image, generation.image.content
    origin = "from the cache" if generation.cache_hit else f"by {generation.model}"
    return (
        f"image {image.id} version {image.version}: {content.size.width} x {content.size.height}, "
        f"{format_bytes(content.byte_size)}, {origin}, cost {cost}"
    )


def _state(generation: Generation) -> str:
    return enum_label(GenerationState.Name(generation.state), "GENERATION_STATE_")
