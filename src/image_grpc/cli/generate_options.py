"""Options and output that the `generate` commands share."""

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import click
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2 import WatchGenerationRequest
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import ReadImageRequest
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, Priority

from image_grpc.cli.client import CALL_SECONDS, Client, EnumChoice, client_command, display_label, rpc_for
from image_grpc.cli.output import describe_fidelity, format_bytes, printable
from image_grpc.cli.parameters import SIZE
from image_grpc.cli.picture_files import GENERATED, STANDARD_OUTPUT, check_output, format_for, out_option, save
from image_grpc.cli.variants import MAX_VARIANT, MAX_VARIANTS, save_variants, show_variants, variants_of

_COMMON_FIELDS = (
    *("theme", "size", "details", "format", "model", "priority", "cache", "source"),
    *("reference_image_ids", "request_id", "validate_only", "variant"),
)


# As in `image_grpc.generation.states`, which takes a while to import.
_FINAL = (
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
)


def generation_command(command: Callable[..., Message]) -> Callable[..., None]:
    """Add the output options, send the request that the command returns, and show the generation."""

    @click.option("--wait/--no-wait", default=True, help="Wait until the generation ends.  [default: wait]")
    @out_option
    @client_command
    @functools.wraps(command)
    def run(client: Client, *, wait: bool, out: Path | None, variants: int = 1, **options: object) -> None:
        if out is not None and not (wait and not options.get("validate_only")):
            raise click.UsageError("--out needs the picture, so it excludes --no-wait and --dry-run")
        check_output(client, out)
        if variants > 1 and (out == STANDARD_OUTPUT or options.get("request_id")):
            raise click.UsageError("--variants cannot be combined with --out - or --request-id")
        format_ = format_for(out, cast("str | None", options.get("format")))
        request = command(client, **options)
        stub = GenerationServiceStub(client.channel)
        if variants > 1:
            show_results(client, _generate_variants(client, variants_of(request, variants), wait=wait), out, format_)
            return
        generation = rpc_for(request, stub)(request, timeout=CALL_SECONDS).generation
        if wait and generation.id:
            generation = follow(stub, generation)
        show_result(client, generation, out, format_)

    return run


def _generate_variants(
    client: Client, requests: Sequence[tuple[int, Message]], *, wait: bool
) -> list[tuple[int, Generation]]:
    """Request variants, all before the first one is waited for, and return their generations."""
    stub = GenerationServiceStub(client.channel)
    generations: list[tuple[int, Generation]] = []
    try:
        for number, request in requests:
            generations.append((number, rpc_for(request, stub)(request, timeout=CALL_SECONDS).generation))
        for index, (number, generation) in enumerate(generations):
            if wait and generation.id:
                generations[index] = number, follow(stub, generation)
    except grpc.RpcError:
        if generations:  # they may be billed
            show_variants(client, generations, [_summary(each) for _, each in generations])
        raise
    return generations


def picture_command(command: Callable[..., Message]) -> Callable[..., None]:
    """Add the options that all kinds of pictures share, and copy them into the request that the command returns."""

    @click.option("--theme", required=True, help="Name of the theme, for example fantasy.")
    @click.option("--size", type=SIZE, help="Size in pixels, for example 1024x768.")
    @click.option("--details", default="", help="Additional description of the picture.")
    @click.option(
        "--format", type=EnumChoice(ImageFormat, "png", "jpeg", "webp"), help="Default: by the suffix of --out, or png."
    )
    @click.option("--model", default="", help="Model of GetImg.AI.")
    @click.option("--priority", type=EnumChoice(Priority), default="normal")
    @click.option(
        "--cache", type=EnumChoice(CacheMode), default="use", help="How to use pictures cached from identical requests."
    )
    @click.option("--source-id", default="", help="Character, campaign or item that the picture belongs to (UUID).")
    @click.option("--source-service", default="", help="Service that requests the picture.")
    @click.option(
        "--reference",
        "reference_image_ids",
        multiple=True,
        help="Stored image to use as a reference (UUID); repeatable.",
    )
    @click.option("--request-id", default="", help="UUID of the request, which makes it safe to repeat.")
    @_variant_options
    @click.option("--dry-run", "validate_only", is_flag=True, help="Only validate the request and estimate its cost.")
    @generation_command
    @functools.wraps(command)
    def build(_: Client, source_id: str, source_service: str, **options: Any) -> Message:
        options["source"] = {"id": source_id, "service": source_service}
        out = click.get_current_context().params["out"]
        options["format"] = format_for(out, options["format"], GENERATED) or None
        common = {name: options.pop(name) for name in _COMMON_FIELDS}
        return json_format.ParseDict(common, command(**options))

    return build


def _variant_options(command: Callable[..., None]) -> Callable[..., None]:
    number = click.option(
        "--variant",
        type=click.IntRange(0, MAX_VARIANT),
        default=0,
        show_default=True,
        help="Which of several pictures of this request.",
    )
    count = click.option(
        "--variants",
        type=click.IntRange(1, MAX_VARIANTS),
        default=1,
        show_default=True,
        help="Number of variants to generate, from --variant on, with a contact sheet.",
    )
    return number(count(command))


def follow(stub: GenerationServiceStub, generation: Generation) -> Generation:
    """Show the progress of a generation, and return it once it has ended."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("queued", total=1.0)
            for change in changes(stub, generation):
                generation = change
                state = display_label(GenerationState, generation.state)
                progress.update(task, description=state, completed=generation.progress)
    except (KeyboardInterrupt, grpc.RpcError):
        click.echo(f"the generation goes on: image-grpc generation wait {generation.id}", err=True)
        raise
    return generation


def changes(stub: GenerationServiceStub, generation: Generation) -> Iterator[Generation]:
    """Yield a generation after each change until it has ended; streams that end before are resumed."""
    cursor = ""
    while generation.state not in _FINAL:
        for change in stub.WatchGeneration(WatchGenerationRequest(generation_id=generation.id, cursor=cursor)):
            cursor = change.cursor
            if change.HasField("generation"):
                generation = change.generation
                yield generation


def show_result(client: Client, generation: Generation, out: Path | None, format_: str) -> None:
    """Show a generation, and save its picture. Raises ClickException if it ended without one."""
    unsuccessful = generation.state in _FINAL and generation.state != GenerationState.GENERATION_STATE_SUCCEEDED
    if out != STANDARD_OUTPUT and not (unsuccessful and client.prints_text):
        client.show(generation, _summary(generation))
    _require_success(generation)
    if out is not None and generation.HasField("image"):
        image = generation.image
        request = ReadImageRequest(image_id=image.id, version=image.version, format=format_ or None)
        save(client, request, out, describe=False)
        if client.prints_text and out != STANDARD_OUTPUT:
            click.echo(f"saved as {out}")


def show_results(client: Client, generations: Sequence[tuple[int, Generation]], out: Path | None, format_: str) -> None:
    """Show the generations of variants, and save their pictures. Raises ClickException if one ended without one."""
    show_variants(client, generations, [_summary(each) for _, each in generations])
    with_picture = [(number, each) for number, each in generations if each.HasField("image")]
    if with_picture:
        save_variants(client, with_picture, out, format_)
    for _, generation in generations:
        _require_success(generation)


def _require_success(generation: Generation) -> None:
    if generation.state not in _FINAL or generation.state == GenerationState.GENERATION_STATE_SUCCEEDED:
        return
    state, error = display_label(GenerationState, generation.state), generation.error
    reason = f" ({error.reason}): {error.message}" if error.reason else ""
    raise click.ClickException(printable(f"the generation {state}{reason}".replace("cancelled", "was cancelled")))


def _summary(generation: Generation) -> str:
    cost = f"{generation.cost.amount} {generation.cost.currency}" if generation.cost.amount else "nothing"
    if not generation.id:
        return f"The request is valid. Model {generation.model}, estimated cost {cost}{_at_most(generation)}."
    if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
        return f"generation {generation.id} is {display_label(GenerationState, generation.state)}"
    image, content = generation.image, generation.image.content
    origin = "from the cache" if generation.cache_hit else f"by {generation.model}"
    summary = (
        f"image {image.id} version {image.version}: {content.size.width} x {content.size.height}, "
        f"{format_bytes(content.byte_size)}, {origin}, cost {cost}"
    )
    if image.map.HasField("fidelity"):
        summary += f"\nthe picture {describe_fidelity(image.map.fidelity)}"
    return summary


def _at_most(generation: Generation) -> str:
    """Return how often the cost may be due, because more pictures are generated if one follows its plan badly."""
    tries = generation.request.tactical_map.adherence.max_tries
    return f" for each of up to {tries} pictures" if tries > 1 else ""
