"""`image-grpc demo`: the main job, from a caller's request to the picture on disk, shown in half a minute."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import grpc
from google.protobuf import json_format
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_service_pb2 import ReadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.cli.client import console, readable, told_errors

if TYPE_CHECKING:
    from image_grpc.hub import Delivery

WAIT_SECONDS = 120
EVENTS_SECONDS = 30.0
SUFFIXES = {
    ImageFormat.IMAGE_FORMAT_PNG: ".png",
    ImageFormat.IMAGE_FORMAT_JPEG: ".jpg",
    ImageFormat.IMAGE_FORMAT_WEBP: ".webp",
}

REQUESTS: dict[str, tuple[str, str]] = {
    "tactical map": (
        "GenerateTacticalMap",
        """{"theme": "fantasy", "size": {"width": 1152, "height": 864}, "terrain": {"type": "dungeon"},
            "features": ["braziers", "fallen pillars", "old furniture"],
            "grid": {"enabled": true, "size": 64, "kind": "GRID_KIND_SQUARE"}}""",
    ),
    "campaign map": (
        "GenerateCampaignMap",
        """{"theme": "steampunk", "size": {"width": 1152, "height": 864}, "format": "IMAGE_FORMAT_JPEG",
            "scale": {"unit": "miles", "value": 5}, "features": ["rugged coast", "mountain range", "two rivers"],
            "points_of_interest": [{"type": "town", "name": "Brasshaven", "location": {"x": 576, "y": 432}}]}""",
    ),
    "portrait": (
        "GeneratePortrait",
        """{"theme": "western", "size": {"width": 768, "height": 1024}, "format": "IMAGE_FORMAT_WEBP",
            "character_id": "7d0f1f6e-3b1c-4a53-9d5b-0d0a3f0f5b11", "species": "human",
            "character_class": "gunslinger", "traits": ["wide-brimmed hat", "weathered coat"]}""",
    ),
    "item": (
        "GenerateItemIllustration",
        """{"theme": "space_fantasy", "size": {"width": 800, "height": 800}, "type": "ITEM_TYPE_WEAPON",
            "name": "sword", "item_id": "0b8c7a52-6d1e-4a0f-8f4c-2a6a7a3c9e01",
            "properties": {"material": "star metal", "magical_effects": ["glowing runes"]}}""",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A row of the demo's table."""

    name: str
    file: Path
    seconds: float
    generation: Generation


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for the pictures.",
)
def demo(out: Path) -> None:
    """Start a service, have a picture of each kind made, read them back, show what happened, and stop."""
    from image_grpc.cli.servers import load, run

    with tempfile.TemporaryDirectory(prefix="image-grpc-demo-") as folder, told_errors():
        settings = load(listen="127.0.0.1:0", data_dir=Path(folder), log_level="WARNING", drain_seconds=0)
        run(_demo(settings, out))


async def _demo(settings: Any, out: Path) -> None:
    from image_grpc import app

    events: list[Any] = []
    all_heard = asyncio.Event()

    def hear(delivery: Delivery) -> None:
        events.append(delivery.envelope)
        if len({event.id for event in events}) == len(REQUESTS):
            all_heard.set()

    async with app.up(settings) as running:
        ears = await running.hub.subscribe(["image.generated"], hear, on_gap=lambda: None)
        async with grpc.aio.insecure_channel(running.address) as channel:
            drawn_by = "the stand-in of GetImg.AI" if running.standin_url else "GetImg.AI"
            click.echo(f"A service listens on {running.address}; {drawn_by} draws.")
            with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
                progress.add_task("four pictures are being made", total=None)
                shown = await asyncio.gather(*(_show(channel, name, out) for name in REQUESTS))
            again = await _request(channel, "portrait")
        with contextlib.suppress(TimeoutError):  # a picture may be answered before its event is heard
            await asyncio.wait_for(all_heard.wait(), EVENTS_SECONDS)
        await ears.stop(grace=1)
    _print(list(shown), again, events)


async def _show(channel: grpc.aio.Channel, name: str, out: Path) -> Shown:
    started = time.perf_counter()
    generation = await _request(channel, name)
    seconds = time.perf_counter() - started
    if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
        raise click.ClickException(f"{name}: {generation.error.reason}: {generation.error.message}")
    image = generation.image
    file = out / f"{name.replace(' ', '-')}{SUFFIXES[image.content.format]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        async for part in ImageServiceStub(channel).ReadImage(ReadImageRequest(image_id=image.id)):
            target.write(part.data)
    return Shown(name=name, file=file, seconds=seconds, generation=generation)


async def _request(channel: grpc.aio.Channel, name: str) -> Generation:
    rpc, text = REQUESTS[name]
    stub = getattr(GenerationServiceStub(channel), rpc)
    kind = getattr(pb, f"{rpc}Request")
    request = json_format.ParseDict(json.loads(text), kind())
    request.wait_for.seconds = WAIT_SECONDS
    answer = await stub(request)
    generation: Generation = answer.generation
    return generation


def _print(shown: list[Shown], again: Generation, events: list[Any]) -> None:
    heard = Counter(envelope.payload["image_id"] for envelope in events)
    table = Table("picture", "size", "bytes", "time", "cost", "version", "events", box=None)
    for row in shown:
        image = row.generation.image
        size, cost = image.content.size, row.generation.cost
        table.add_row(
            row.name,
            f"{size.width}x{size.height}",
            readable(image.content.byte_size),
            f"{row.seconds:.1f} s",
            f"{cost.amount} {cost.currency}",
            str(image.version),
            str(heard[image.id]),
        )
    console().print(table)
    click.echo(f"The pictures are in {shown[0].file.parent}.")
    if again.cache_hit:
        click.echo("The portrait asked for once more: answered from the cache, nothing paid.")
    click.echo(f"Events seen on the hub: {len(events)}." + (" The first:" if events else ""))
    for first in events[:1]:
        click.echo(json_format.MessageToJson(first, preserving_proto_field_name=True))
