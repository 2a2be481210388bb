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
from tabletop.image.v1 import overlay_service_pb2 as overlay_pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest, RestoreImageVersionRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc.cli.client import console, readable, told_errors
from image_grpc.settings import EmbeddedSettings

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


OVERLAYS: dict[str, tuple[str, str]] = {
    "tactical map": (
        "CreateTacticalOverlay",
        """{"name": "round 3", "elements": [
            {"id": "reach", "position": {"x": 5.5, "y": 8.5, "unit": "COORDINATE_UNIT_CELLS"},
             "range": {"kind": "RANGE_KIND_MOVEMENT", "distance_feet": 20,
                       "difficult_terrain": [{"column": 3, "row": 9}, {"column": 3, "row": 10},
                                             {"column": 4, "row": 10}, {"column": 4, "row": 11}]}},
            {"id": "watch", "position": {"x": 15.5, "y": 9.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "What the watch sees", "color": "gold"},
             "line_of_sight": {"range_feet": 20, "walls": [
                {"start": {"x": 14, "y": 9, "unit": "COORDINATE_UNIT_CELLS"},
                 "end": {"x": 14, "y": 11, "unit": "COORDINATE_UNIT_CELLS"}}]}},
            {"id": "fireball", "position": {"x": 12, "y": 5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Fireball"}, "effect": {"shape": "AREA_SHAPE_SPHERE", "size_feet": 15}},
            {"id": "breath", "position": {"x": 8, "y": 6, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Frost breath", "color": "deepskyblue"},
             "effect": {"shape": "AREA_SHAPE_CONE", "size_feet": 25, "direction_degrees": 45}},
            {"id": "hero", "position": {"x": 5.5, "y": 8.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Gunslinger"}, "token": {"kind": "TOKEN_KIND_CHARACTER"}},
            {"id": "ogre", "position": {"x": 12, "y": 5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Ogre"},
             "token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_LARGE"}},
            {"id": "rat", "position": {"x": 9.5, "y": 9.5, "unit": "COORDINATE_UNIT_CELLS"},
             "properties": {"label": "Rat"},
             "token": {"kind": "TOKEN_KIND_MONSTER", "size": "CREATURE_SIZE_TINY"}}]}""",
    ),
    "campaign map": (
        "CreateCampaignOverlay",
        """{"name": "chapter 2", "elements": [
            {"id": "crown", "coordinates": {"x": 300, "y": 260}, "properties": {"label": "Crown lands"},
             "territory": {"boundary": [{"x": 120, "y": 120}, {"x": 470, "y": 90}, {"x": 520, "y": 330},
                                        {"x": 330, "y": 440}, {"x": 130, "y": 380}]}},
            {"id": "road", "coordinates": {"x": 720, "y": 560}, "properties": {"label": "Iron road"},
             "route": {"waypoints": [{"x": 576, "y": 432}, {"x": 690, "y": 590}, {"x": 860, "y": 640}]}},
            {"id": "party", "coordinates": {"x": 690, "y": 590}, "party": {"members": 4}},
            {"id": "keep", "coordinates": {"x": 860, "y": 640}, "properties": {"label": "Smoke keep"},
             "place": {"type": "castle"}},
            {"id": "ore", "coordinates": {"x": 900, "y": 300}, "resource": {"type": "iron"}}]}""",
    ),
}
RESTYLED = {"tactical map": "horror", "portrait": "cyberpunk"}
"""The pictures that get another theme, and which."""
EVENTS = len(REQUESTS) + len(OVERLAYS) + 2 * len(RESTYLED) + 1
"""How many the hub will tell of: each picture, each overlay, each theme that was applied, the restored version."""


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
    """Start a service, have a picture of each kind made, put overlays on the maps, give them another theme, read
    everything back, show what happened, and stop."""
    from image_grpc.cli.servers import load, run

    with tempfile.TemporaryDirectory(prefix="image-grpc-demo-") as folder, told_errors():
        settings = load(
            EmbeddedSettings, listen="127.0.0.1:0", data_dir=Path(folder), log_level="WARNING", drain_seconds=0
        )
        out.mkdir(parents=True, exist_ok=True)
        run(_demo(settings, out))


async def _demo(settings: EmbeddedSettings, out: Path) -> None:
    from image_grpc import app

    events: list[Any] = []
    all_heard = asyncio.Event()

    def hear(delivery: Delivery) -> None:
        events.append(delivery.envelope)
        if len({event.id for event in events}) == EVENTS:
            all_heard.set()

    async with app.up(settings) as running:
        ears = await running.hub.subscribe(["image.generated", "overlay.*", "theme.*"], hear, on_gap=lambda: None)
        async with grpc.aio.insecure_channel(running.address) as channel:
            drawn_by = "the stand-in of GetImg.AI" if running.standin_url else "GetImg.AI"
            click.echo(f"A service listens on {running.address}; {drawn_by} draws.")
            with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
                task = progress.add_task("four pictures are being made", total=None)
                shown = {
                    each.name: each for each in await asyncio.gather(*(_show(channel, n, out) for n in REQUESTS))
                }
                progress.update(task, description="overlays are put on the maps")
                portrait = shown["portrait"].generation.image.id
                await asyncio.gather(*(_put_overlay(channel, name, shown[name], portrait) for name in OVERLAYS))
                progress.update(task, description="two pictures get another theme")
                restyled = await asyncio.gather(
                    *(_restyle(channel, shown[name], theme, out) for name, theme in RESTYLED.items())
                )
                composed = [shown["tactical map"], shown["campaign map"], restyled[0]]
                files = await asyncio.gather(*(_compose(channel, each) for each in composed))
                progress.update(task, description="a picture gets its first version back")
                restored = await _restore(channel, restyled[1].generation.image)
            again = await _request(channel, "portrait")
        with contextlib.suppress(TimeoutError):  # a picture may be answered before its event is heard
            await asyncio.wait_for(all_heard.wait(), EVENTS_SECONDS)
        await ears.stop(grace=1)
    _print([*shown.values(), *restyled], files, restored, again, events)


async def _show(channel: grpc.aio.Channel, name: str, out: Path) -> Shown:
    started = time.perf_counter()
    generation = await _request(channel, name)
    return await _saved(channel, name, generation, time.perf_counter() - started, out)


async def _restyle(channel: grpc.aio.Channel, before: Shown, theme: str, out: Path) -> Shown:
    started = time.perf_counter()
    image = before.generation.image
    request = pb.ApplyThemeRequest(image_id=image.id, version=image.version, theme=theme)
    request.wait_for.seconds = WAIT_SECONDS
    generation = (await GenerationServiceStub(channel).ApplyTheme(request)).generation
    name = f"{before.name} {theme}"
    return await _saved(channel, name, generation, time.perf_counter() - started, out)


async def _restore(channel: grpc.aio.Channel, image: Image) -> Image:
    request = RestoreImageVersionRequest(image_id=image.id, version=image.version, restore_version=1)
    restored: Image = (await ImageServiceStub(channel).RestoreImageVersion(request)).image
    return restored


async def _put_overlay(channel: grpc.aio.Channel, name: str, on: Shown, portrait: str) -> None:
    rpc, text = OVERLAYS[name]
    request = json_format.ParseDict(json.loads(text), getattr(overlay_pb, f"{rpc}Request")())
    request.map_id = on.generation.image.id
    for element in request.elements:
        if element.id == "hero":
            element.token.image_id = portrait
    await getattr(OverlayServiceStub(channel), rpc)(request)


async def _saved(channel: grpc.aio.Channel, name: str, generation: Generation, seconds: float, out: Path) -> Shown:
    if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
        raise click.ClickException(f"{name}: {generation.error.reason}: {generation.error.message}")
    image = generation.image
    file = out / f"{name.replace(' ', '-')}{SUFFIXES[image.content.format]}"
    await _read(channel, ReadImageRequest(image_id=image.id, version=image.version), file)
    return Shown(name=name, file=file, seconds=seconds, generation=generation)


async def _compose(channel: grpc.aio.Channel, map_: Shown) -> Path:
    image, file = map_.generation.image, map_.file.with_name(f"{map_.file.stem}-composed.jpg")
    request = ReadImageRequest(image_id=image.id, version=image.version)
    request.layer, request.format = ImageLayer.IMAGE_LAYER_COMPOSED, ImageFormat.IMAGE_FORMAT_JPEG
    await _read(channel, request, file)
    return file


async def _read(channel: grpc.aio.Channel, request: ReadImageRequest, file: Path) -> None:
    with file.open("wb") as target:
        async for part in ImageServiceStub(channel).ReadImage(request):
            target.write(part.data)


async def _request(channel: grpc.aio.Channel, name: str) -> Generation:
    rpc, text = REQUESTS[name]
    stub = getattr(GenerationServiceStub(channel), rpc)
    kind = getattr(pb, f"{rpc}Request")
    request = json_format.ParseDict(json.loads(text), kind())
    request.wait_for.seconds = WAIT_SECONDS
    answer = await stub(request)
    generation: Generation = answer.generation
    return generation


def _print(
    shown: list[Shown], composed: list[Path], restored: Image, again: Generation, events: list[Any]
) -> None:
    heard = Counter(envelope.payload["image_id"] for envelope in events if envelope.type == "image_generated")
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
    click.echo(f"The pictures are in {shown[0].file.parent}; with their overlays:")
    for file in composed:
        click.echo(f"  {file}")
    click.echo(f"The portrait got its first version back, as version {restored.version}.")
    if again.cache_hit:
        click.echo("The portrait asked for once more: answered from the cache, nothing paid.")
    kinds = Counter(envelope.type for envelope in events)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(f"Events seen on the hub: {told}. The first:")
    click.echo(json_format.MessageToJson(events[0], preserving_proto_field_name=True))
