"""`image-grpc generation`: generations that are under way, or have ended."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Column, Table
from tabletop.image.v1 import generation_service_pb2 as pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub

from image_grpc.cli.client import (
    CALL_SECONDS,
    Client,
    EnumChoice,
    client_command,
    display_label,
    limited_list,
    list_options,
    picture_filters,
    show_list,
)
from image_grpc.cli.generate_options import changes, follow, show_result
from image_grpc.cli.output import age_of
from image_grpc.cli.parameters import AGE
from image_grpc.cli.picture_files import check_output, format_for, out_option
from image_grpc.cli.programs import load, run
from image_grpc.cli.urls import hub_option
from image_grpc.settings import ProgramSettings


@click.group()
def generation() -> None:
    """List, show, await, cancel and requeue generations."""


@generation.command("list")
@click.option("--state", type=EnumChoice(GenerationState))
@picture_filters
@list_options
@client_command
def list_(client: Client, limit: int, **fields: Any) -> None:
    """List generations, newest first."""
    rpc = GenerationServiceStub(client.channel).ListGenerations
    page = limited_list(rpc, pb.ListGenerationsRequest(**fields), limit)
    show_list(client, page, _table(page.generations))


@generation.command()
@click.argument("generation_id")
@client_command
def get(client: Client, generation_id: str) -> None:
    """Show a generation."""
    shown = _get(client, generation_id)
    client.show(shown, _table([shown]), *_details(shown))


@generation.command()
@click.argument("generation_id")
@out_option
@client_command
def wait(client: Client, generation_id: str, out: Path | None) -> None:
    """Wait until a generation ends. Exits with code 1 if it failed or was cancelled."""
    check_output(client, out)
    format_ = format_for(out)
    ended = follow(GenerationServiceStub(client.channel), _get(client, generation_id))
    show_result(client, ended, out, format_)


@generation.command()
@click.argument("generation_id")
@client_command
def watch(client: Client, generation_id: str) -> None:
    """Print each change of a generation until it ends."""
    for change in changes(GenerationServiceStub(client.channel), Generation(id=generation_id)):
        client.show(change, f"{display_label(GenerationState, change.state):<12}{change.progress:>5.0%}")


@generation.command()
@click.argument("generation_id")
@client_command
def cancel(client: Client, generation_id: str) -> None:
    """Cancel a generation, if GetImg.AI was not called for it yet."""
    request = pb.CancelGenerationRequest(generation_id=generation_id)
    response = GenerationServiceStub(client.channel).CancelGeneration(request, timeout=CALL_SECONDS)
    outcome = display_label(pb.CancelOutcome, response.outcome).replace("_", " ")
    client.show(response, f"{outcome}: {display_label(GenerationState, response.generation.state)}")


@generation.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--idle", type=AGE, default="2m", show_default=True, help="Without IDs: those without progress for this.")
@hub_option
def requeue(ids: tuple[str, ...], idle: float, hub_url: str | None) -> None:
    """Queue the jobs of generations again, for instance after a queue was purged.

    Servers do that by themselves after IMAGE_GRPC_STALLED_AFTER_SECONDS. A generation that has ended stays as it is,
    and a job that is queued twice generates one picture.
    """
    from image_grpc import app

    settings = load(ProgramSettings, hub_url=hub_url)
    count = run(app.requeue_generations(settings, ids, idle_for=timedelta(seconds=idle)))
    click.echo(f"{count} requeued")


def _get(client: Client, generation_id: str) -> Generation:
    request = pb.GetGenerationRequest(generation_id=generation_id)
    return GenerationServiceStub(client.channel).GetGeneration(request, timeout=CALL_SECONDS).generation


def _details(shown: Generation) -> Iterator[str]:
    if shown.image.id:
        yield f"image: {shown.image.id} version {shown.image.version}"
    if shown.HasField("error"):
        yield f"error: {shown.error.reason}: {shown.error.message}"
    yield f"model: {shown.model}"


def _table(generations: Iterable[Generation]) -> Table:
    table = Table(Column("generation", no_wrap=True), "state", "kind", "cost", "created", box=None)
    for each in generations:
        table.add_row(
            each.id,
            display_label(GenerationState, each.state),
            (each.request.WhichOneof("kind") or "").removesuffix("_map").removesuffix("_illustration"),
            each.cost.amount,
            age_of(each.create_time),
        )
    return table
