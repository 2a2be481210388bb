"""The steps of the demo, and the report at its end."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click
import grpc
from google.protobuf import json_format
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1.generation_pb2 import Generation
from tabletop.image.v1.image_pb2 import Image

from image_grpc import app
from image_grpc.cli.client import console, format_bytes
from image_grpc.cli.demo.caller import Caller, Picture
from image_grpc.cli.demo.requests import EVENT_COUNT, OVERLAYS, REQUESTS, RESTYLED
from image_grpc.hub import Delivery
from image_grpc.settings import EmbeddedSettings

EVENTS_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Everything that the demo reports."""

    pictures: list[Picture]
    composed: list[Path]
    restored: Image
    repeated: Generation
    """The portrait, requested a second time."""


async def run_tour(settings: EmbeddedSettings, out: Path) -> None:
    """Run the demo on a service of its own, and report the results."""
    events: list[Envelope] = []
    complete = asyncio.Event()

    def receive(delivery: Delivery) -> None:
        events.append(delivery.envelope)
        if len({event.id for event in events}) == EVENT_COUNT:
            complete.set()

    async with app.up(settings) as running:
        artist = "The stand-in for GetImg.AI" if running.standin_url else "GetImg.AI"
        click.echo(f"A service listens on {running.address}. {artist} draws the pictures.")
        keys = ["image.generated", "overlay.*", "theme.*"]
        subscription = await running.hub.subscribe(keys, receive, on_gap=lambda: None)
        async with grpc.aio.insecure_channel(running.address) as channel:
            results = await _visit(Caller(channel, out))
        with contextlib.suppress(TimeoutError):  # events may arrive after the responses
            await asyncio.wait_for(complete.wait(), EVENTS_SECONDS)
        await subscription.stop(grace=1)
    _report(results, events)


async def _visit(caller: Caller) -> Results:
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
        task = progress.add_task("generating four pictures", total=None)
        generated = await asyncio.gather(*(caller.generate_and_save(name) for name in REQUESTS))
        by_name = {picture.name: picture for picture in generated}
        progress.update(task, description="adding overlays to the maps")
        portrait = by_name["portrait"].image
        await asyncio.gather(*(caller.create_overlay(by_name[name], portrait) for name in OVERLAYS))
        progress.update(task, description="applying other themes to two pictures")
        restyled = await asyncio.gather(*(caller.apply_theme(by_name[name], theme) for name, theme in RESTYLED.items()))
        progress.update(task, description="drawing maps with their overlays")
        maps = [by_name["tactical map"], by_name["campaign map"], restyled[0]]
        composed = await asyncio.gather(*(caller.save_composed(each) for each in maps))
        progress.update(task, description="restoring the first version of the portrait")
        restored = await caller.restore_first_version(restyled[1].image)
    repeated = await caller.generate("portrait")
    return Results(pictures=[*generated, *restyled], composed=list(composed), restored=restored, repeated=repeated)


def _report(results: Results, events: list[Envelope]) -> None:
    console().print(_table(results.pictures, events))
    click.echo(f"The pictures are in {results.pictures[0].file.parent}. The maps with their overlays:")
    for file in results.composed:
        click.echo(f"  {file}")
    click.echo(f"The first version of the portrait was restored as version {results.restored.version}.")
    if results.repeated.cache_hit:
        click.echo("The portrait was requested again and served from the cache, at no cost.")
    counts = Counter(event.type for event in events)
    summary = ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))
    click.echo(f"Events received from the hub: {summary}. The first one:")
    click.echo(json_format.MessageToJson(events[0], preserving_proto_field_name=True))


def _table(pictures: list[Picture], events: list[Envelope]) -> Table:
    event_counts = Counter(event.payload["image_id"] for event in events if event.type == "image_generated")
    table = Table("picture", "size", "bytes", "time", "cost", "version", "events", box=None)
    for picture in pictures:
        content, cost = picture.image.content, picture.generation.cost
        table.add_row(
            picture.name,
            f"{content.size.width}x{content.size.height}",
            format_bytes(content.byte_size),
            f"{picture.seconds:.1f} s",
            f"{cost.amount} {cost.currency}",
            str(picture.image.version),
            str(event_counts[picture.image.id]),
        )
    return table
