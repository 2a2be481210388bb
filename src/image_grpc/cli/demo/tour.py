"""The steps of the demo, and the report at its end."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import grpc
from google.protobuf import json_format
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from tabletop.hub.v1.envelope_pb2 import Envelope
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1 import overlay_service_pb2 as overlay_pb
from tabletop.image.v1.generation_pb2 import Generation, GenerationState
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import ImageLayer, ReadImageRequest, RestoreImageVersionRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.overlay_pb2 import TacticalElement
from tabletop.image.v1.overlay_service_pb2_grpc import OverlayServiceStub
from tabletop.image.v1.types_pb2 import ImageFormat

from image_grpc import app
from image_grpc.cli.client import display_label, rpc_for
from image_grpc.cli.demo.plan_tour import run_plan_tour
from image_grpc.cli.output import console, format_bytes
from image_grpc.hub import Delivery
from image_grpc.settings import EmbeddedSettings

PictureRequest = (
    pb.GenerateTacticalMapRequest
    | pb.GenerateCampaignMapRequest
    | pb.GeneratePortraitRequest
    | pb.GenerateItemIllustrationRequest
    | pb.ApplyThemeRequest
)
OverlayRequest = overlay_pb.CreateTacticalOverlayRequest | overlay_pb.CreateCampaignOverlayRequest
RESTYLED = {"tactical map": "horror", "portrait": "cyberpunk"}
"""Pictures that get another theme, with that theme."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A generated picture that has been saved."""

    name: str
    file: Path
    seconds: float
    generation: Generation


class Caller:
    """A caller of the service, who saves pictures in the folder `out`."""

    def __init__(self, channel: grpc.aio.Channel, out: Path) -> None:
        self._generation, self._overlays = GenerationServiceStub(channel), OverlayServiceStub(channel)
        self._images = ImageServiceStub(channel)
        self._out = out

    async def generate(self, request: PictureRequest) -> Generation:
        """Send a request of the GenerationService, and wait for the picture."""
        request.wait_for.seconds = 120
        generation: Generation = (await rpc_for(request, self._generation)(request)).generation
        return generation

    async def generate_and_save(self, name: str, request: PictureRequest) -> Picture:
        """Send a request of the GenerationService, and save the picture."""
        started = time.perf_counter()
        generation = await self.generate(request)
        seconds = time.perf_counter() - started
        if generation.state != GenerationState.GENERATION_STATE_SUCCEEDED:
            raise click.ClickException(f"{name}: {generation.error.reason}: {generation.error.message}")
        image = generation.image
        suffix = display_label(ImageFormat, image.content.format).replace("jpeg", "jpg")
        file = self._out / f"{name.replace(' ', '-')}.{suffix}"
        await self._read(ReadImageRequest(image_id=image.id, version=image.version), file)
        return Picture(name=name, file=file, seconds=seconds, generation=generation)

    async def apply_theme(self, picture: Picture, theme: str) -> Picture:
        """Generate a new version of a picture in another theme, and save it."""
        image = picture.generation.image
        request = pb.ApplyThemeRequest(image_id=image.id, version=image.version, theme=theme)
        return await self.generate_and_save(f"{picture.name} {theme}", request)

    async def restore_first_version(self, image: Image) -> Image:
        """Restore the first version of an image, as its newest."""
        request = RestoreImageVersionRequest(image_id=image.id, version=image.version, restore_version=1)
        restored: Image = (await self._images.RestoreImageVersion(request)).image
        return restored

    async def create_overlay(self, request: OverlayRequest, picture: Picture, portrait: Image) -> None:
        """Create an overlay of a map, with the portrait as the token of the hero."""
        request.map_id = picture.generation.image.id
        for element in request.elements:
            if isinstance(element, TacticalElement) and element.id == "hero":
                element.token.image_id = portrait.id
        await rpc_for(request, self._overlays)(request)

    async def save_composed(self, picture: Picture) -> Path:
        """Save a map with its overlays."""
        file = picture.file.with_name(f"{picture.file.stem}-composed.jpg")
        image = picture.generation.image
        request = ReadImageRequest(
            image_id=image.id,
            version=image.version,
            layer=ImageLayer.IMAGE_LAYER_COMPOSED,
            format=ImageFormat.IMAGE_FORMAT_JPEG,
        )
        await self._read(request, file)
        return file

    async def _read(self, request: ReadImageRequest, file: Path) -> None:
        with file.open("wb") as target:
            async for part in self._images.ReadImage(request):
                target.write(part.data)


async def run_tour(settings: EmbeddedSettings, out: Path) -> None:
    """Run the demo on a service of its own, and report the results."""
    requests = json.loads(resources.files("image_grpc.cli.demo").joinpath("requests.json").read_bytes())
    pictures, overlays = _messages(requests["pictures"], pb), _messages(requests["overlays"], overlay_pb)
    # One per picture, overlay, applied theme and new version, and one for the restored version.
    event_count = len(pictures) + len(overlays) + 2 * len(RESTYLED) + 1
    events: list[Envelope] = []
    complete = asyncio.Event()

    def receive(delivery: Delivery) -> None:
        events.append(delivery.envelope)
        if len({event.id for event in events}) == event_count:
            complete.set()

    async with app.up(settings) as running:
        artist = "The stand-in for GetImg.AI" if running.standin_url else "GetImg.AI"
        click.echo(f"A service listens on {running.address}. {artist} draws the pictures.")
        keys = ["image.generated", "overlay.*", "theme.*"]
        subscription = await running.hub.subscribe(keys, receive, on_gap=lambda: None)
        async with grpc.aio.insecure_channel(running.address) as channel:
            saved, results = await _visit(Caller(channel, out), pictures, overlays)
            parameters = pictures["tactical map"].layout.floor_plan_parameters
            restyled = next(each for each in saved if each.name == f"tactical map {RESTYLED['tactical map']}")
            results += "\n" + await run_plan_tour(channel, out, parameters, restyled.generation.image)
        with contextlib.suppress(TimeoutError):  # events may arrive after the responses
            await asyncio.wait_for(complete.wait(), timeout=30)
        await subscription.stop(grace=1)
    console().print(_table(saved, events))
    click.echo(results)
    counts = Counter(event.type for event in events)
    summary = ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))
    click.echo(f"Events received from the hub: {summary}. The first one:")
    click.echo(json_format.MessageToJson(events[0], preserving_proto_field_name=True))


def _messages(requests: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    return {
        name: json_format.ParseDict(each["body"], getattr(module, each["type"])()) for name, each in requests.items()
    }


async def _visit(
    caller: Caller, pictures: dict[str, PictureRequest], overlays: dict[str, OverlayRequest]
) -> tuple[list[Picture], str]:
    """Return the saved pictures, and a description of the other results."""
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as progress:
        task = progress.add_task("generating four pictures", total=None)
        generated = await asyncio.gather(*(caller.generate_and_save(*each) for each in pictures.items()))
        by_name = {picture.name: picture for picture in generated}
        progress.update(task, description="adding overlays to the maps")
        portrait = by_name["portrait"].generation.image
        await asyncio.gather(*(caller.create_overlay(overlays[name], by_name[name], portrait) for name in overlays))
        progress.update(task, description="applying other themes to two pictures")
        restyled = await asyncio.gather(*(caller.apply_theme(by_name[name], theme) for name, theme in RESTYLED.items()))
        progress.update(task, description="drawing maps with their overlays")
        maps = [by_name["tactical map"], by_name["campaign map"], restyled[0]]
        composed = await asyncio.gather(*(caller.save_composed(each) for each in maps))
        progress.update(task, description="restoring the first version of the portrait")
        restored = await caller.restore_first_version(restyled[1].generation.image)
    lines = [f"The pictures are in {generated[0].file.parent}. The maps with their overlays:"]
    lines += [f"  {file}" for file in composed]
    lines.append(f"The first version of the portrait was restored as version {restored.version}.")
    if (await caller.generate(pictures["portrait"])).cache_hit:
        lines.append("The portrait was requested again and served from the cache, at no cost.")
    return [*generated, *restyled], "\n".join(lines)


def _table(pictures: list[Picture], events: list[Envelope]) -> Table:
    event_counts = Counter(event.payload["image_id"] for event in events if event.type == "image_generated")
    table = Table("picture", "size", "bytes", "time", "cost", "version", "events", box=None)
    for picture in pictures:
        image, cost = picture.generation.image, picture.generation.cost
        table.add_row(
            picture.name,
            f"{image.content.size.width}x{image.content.size.height}",
            format_bytes(image.content.byte_size),
            f"{picture.seconds:.1f} s",
            f"{cost.amount} {cost.currency}",
            str(image.version),
            str(event_counts[image.id]),
        )
    return table
