"""`image-grpc generate`: asks for a picture, shows how it comes along, and saves it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
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
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import GetImageRequest, ReadImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.theme_pb2 import ThemeElement
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, Priority

from image_grpc.cli.client import CALL_SECONDS, client_command, lower, print_json, readable
from image_grpc.cli.image import read_to_file

_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
_ELEMENTS = [name.removeprefix("THEME_ELEMENT_").lower() for name in ThemeElement.keys()[1:]]
_ENDED = (
    GenerationState.GENERATION_STATE_SUCCEEDED,
    GenerationState.GENERATION_STATE_FAILED,
    GenerationState.GENERATION_STATE_CANCELLED,
)


@click.group()
def generate() -> None:
    """Have a picture made."""


class SizeType(click.ParamType[tuple[int, int]]):
    """`WIDTHxHEIGHT` in pixels."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        found = re.fullmatch(r"(\d{1,9})x(\d{1,9})", value)
        if found is None:
            self.fail(f"{value!r} is not of the form 1024x768", param, ctx)
        return int(found[1]), int(found[2])


_COMMON = (
    click.option("--theme", required=True, help="Name of the theme, for example fantasy."),
    click.option("--size", type=SizeType(), help="Pixels, for example 1024x768."),
    click.option("--details", default="", help="What else it should show."),
    click.option(
        "--format", "format_", type=click.Choice(["png", "jpeg", "webp"]), help="Default: as --out, or png."
    ),
    click.option("--model", default="", help="A model of GetImg.AI."),
    click.option("--priority", type=click.Choice(["high", "normal", "low"]), default="normal"),
    click.option("--cache", type=click.Choice(["use", "bypass", "refresh"]), default="use"),
    click.option("--source-id", default="", help="Character, campaign or item that it belongs to (UUID)."),
    click.option("--source-service", default="", help="Service that asks."),
    click.option("--reference", "references", multiple=True, help="Stored image to keep to (UUID); repeatable."),
    click.option("--request-id", default="", help="Names the request (UUID): repeat it safely."),
    click.option("--dry-run", is_flag=True, help="Only check, and say what it would cost."),
    click.option("--wait/--no-wait", default=True, help="Whether to wait for the picture.  [default: wait]"),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File for the picture."),
)


def _kind(name: str, kind: Callable[..., Any], rpc: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Makes a command of a function that fills in what only this kind of request has."""

    def make(fill: Callable[..., Any]) -> click.Command:
        @functools.wraps(fill)
        def run(*, channel: grpc.Channel, as_json: bool, wait: bool, out: Path | None, **given: Any) -> None:
            request = kind()
            _fill_common(request, out, given)
            fill(request, **given)
            answered = getattr(GenerationServiceStub(channel), rpc)(request, timeout=CALL_SECONDS).generation
            _follow(channel, answered, wait=wait, out=out, as_json=as_json)

        command: Any = client_command(run)
        for option in reversed(_COMMON):
            command = option(command)
        return click.command(name)(command)

    return make


@_kind("tactical-map", pb.GenerateTacticalMapRequest, "GenerateTacticalMap")
@click.option("--terrain", default="", help="For example dungeon, forest or tavern.")
@click.option("--feature", "features", multiple=True, help="What is on it; repeatable.")
@click.option("--grid/--no-grid", default=True, help="Whether the grid shows when it is read composed.")
@click.option("--cell", type=int, default=70, show_default=True, help="Pixels of a grid cell.")
def tactical_map(request: Any, *, terrain: str, features: Any, grid: bool, cell: int) -> None:
    """A battle map seen from above."""
    request.terrain.type = terrain
    request.features.extend(features)
    request.grid.enabled, request.grid.size = grid, cell


@_kind("campaign-map", pb.GenerateCampaignMapRequest, "GenerateCampaignMap")
@click.option("--feature", "features", multiple=True, help="What the region has; repeatable.")
@click.option("--scale", nargs=2, type=(float, str), help="What 100 pixels show, for example 5 miles.")
def campaign_map(request: Any, *, features: Any, scale: tuple[float, str] | None) -> None:
    """A map of a region."""
    request.features.extend(features)
    if scale:
        request.scale.value, request.scale.unit = scale


@_kind("portrait", pb.GeneratePortraitRequest, "GeneratePortrait")
@click.option("--kind", type=click.Choice(["player_character", "npc", "monster"]), default="player_character")
@click.option("--species", default="", help="For example half-elf.")
@click.option("--class", "character_class", default="", help="For example ranger.")
@click.option("--trait", "traits", multiple=True, help="What else is seen; repeatable.")
@click.option("--item", "items", multiple=True, help="What the character carries; repeatable.")
@click.option("--pose", default="")
@click.option("--background", default="")
@click.option("--character-id", default="", help="The character (UUID).")
def portrait(
    request: Any, *, kind: str, traits: Any, items: Any, pose: str, background: str, **given: str
) -> None:
    """A portrait."""
    request.kind = pb.CharacterKind.Value(f"CHARACTER_KIND_{kind.upper()}")
    request.traits.extend(traits)
    request.equipment.visible = bool(items)
    request.equipment.items.extend(items)
    request.style.pose, request.style.background = pose, background
    for name, value in given.items():
        setattr(request, name, value)


@_kind("item", pb.GenerateItemIllustrationRequest, "GenerateItemIllustration")
@click.option("--name", default="", help="For example longsword.")
@click.option("--type", "type_", type=click.Choice(["weapon", "armor", "other"]), default="other")
@click.option("--material", default="", help="What it is made of.")
@click.option("--effect", "effects", multiple=True, help="Magic that shows; repeatable.")
@click.option("--wear", default="", help="For example battered.")
@click.option("--item-id", default="", help="The item (UUID).")
def item(request: Any, *, type_: str, material: str, effects: Any, wear: str, **given: str) -> None:
    """An illustration of an item."""
    request.type = pb.ItemType.Value(f"ITEM_TYPE_{type_.upper()}")
    request.properties.material, request.properties.wear_state = material, wear
    request.properties.magical_effects.extend(effects)
    for name, value in given.items():
        setattr(request, name, value)


def _change(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Makes a command that makes a new version of an image, of a function that asks for it."""

    def make(ask: Callable[..., Generation]) -> click.Command:
        @functools.wraps(ask)
        def run(
            *, image_id: str, channel: grpc.Channel, as_json: bool, wait: bool, out: Path | None, **given: Any
        ) -> None:
            request = GetImageRequest(image_id=image_id)
            image = ImageServiceStub(channel).GetImage(request, timeout=CALL_SECONDS).image
            answered = ask(GenerationServiceStub(channel), image, **given)
            _follow(channel, answered, wait=wait, out=out, as_json=as_json)

        command: Any = client_command(run)
        for option in reversed(_COMMON[-2:]):
            command = option(command)
        return click.command(name)(click.argument("image_id")(command))

    return make


@_change("again")
@click.option("--details", default="", help="What else it should show, in place of what was said before.")
def again(stub: GenerationServiceStub, image: Image, *, details: str) -> Generation:
    """A new version of a generated image."""
    request = pb.RegenerateImageRequest(image_id=image.id, version=image.version)
    if details:
        kind = image.metadata.generation_params.request.WhichOneof("kind") or ""
        getattr(request, kind).details = details
    return stub.RegenerateImage(request, timeout=CALL_SECONDS).generation


@_change("apply-theme")
@click.option("--theme", required=True, help="Name of the theme, for example cyberpunk.")
@click.option("--strength", type=float, default=1.0, show_default=True, help="0 to 1.")
@click.option("--element", "elements", multiple=True, type=click.Choice(_ELEMENTS), help="Default: all.")
def apply_theme(
    stub: GenerationServiceStub, image: Image, *, theme: str, strength: float, elements: tuple[str, ...]
) -> Generation:
    """A new version of an image in another theme."""
    request = pb.ApplyThemeRequest(image_id=image.id, version=image.version, theme=theme, strength=strength)
    names = [f"THEME_ELEMENT_{each.upper()}" for each in elements]
    request.MergeFrom(json_format.ParseDict({"elements": names}, pb.ApplyThemeRequest()))
    return stub.ApplyTheme(request, timeout=CALL_SECONDS).generation


for _command in (tactical_map, campaign_map, portrait, item, again, apply_theme):
    generate.add_command(_command)


def _fill_common(request: Any, out: Path | None, given: dict[str, Any]) -> None:
    """Takes the common options out of `given` and into the request."""
    for name in ("theme", "details", "model", "request_id"):
        setattr(request, name, given.pop(name))
    request.priority = Priority.Value(f"PRIORITY_{given.pop('priority').upper()}")
    request.cache = CacheMode.Value(f"CACHE_MODE_{given.pop('cache').upper()}")
    request.validate_only = given.pop("dry_run")
    request.reference_image_ids.extend(given.pop("references"))
    request.source.id, request.source.service = given.pop("source_id"), given.pop("source_service")
    format_ = given.pop("format_") or (_FORMATS.get(out.suffix.lower()) if out else None)
    if format_:
        request.format = ImageFormat.Value(f"IMAGE_FORMAT_{format_.upper()}")
    if size := given.pop("size"):
        request.size.width, request.size.height = size


def _follow(channel: grpc.Channel, answered: Generation, *, wait: bool, out: Path | None, as_json: bool) -> None:
    """Waits for a generation, if that is wanted, says what became of it, and saves its picture."""
    if wait and answered.id:
        answered = _watch(channel, answered)
    _tell(answered, as_json=as_json)
    if out is not None and answered.HasField("image"):
        request = ReadImageRequest(image_id=answered.image.id, version=answered.image.version)
        read_to_file(channel, request, out)
        if not as_json:
            click.echo(f"saved as {out}")


def _watch(channel: grpc.Channel, generation: Generation) -> Generation:
    """Shows a generation's progress until it has ended."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("queued", total=1.0)
        cursor = ""
        while generation.state not in _ENDED:
            request = WatchGenerationRequest(generation_id=generation.id, cursor=cursor)
            for change in GenerationServiceStub(channel).WatchGeneration(request):
                cursor = change.cursor
                if change.HasField("generation"):
                    generation = change.generation
                    state = lower(GenerationState.Name(generation.state), "GENERATION_STATE_")
                    progress.update(task, description=state, completed=generation.progress)
    return generation


def _tell(generation: Generation, *, as_json: bool) -> None:
    """Says what became of a generation; a failed one ends the command with its reason."""
    if as_json:
        print_json(generation)
    if generation.state == GenerationState.GENERATION_STATE_FAILED:
        raise click.ClickException(
            f"the generation failed ({generation.error.reason}): {generation.error.message}"
        )
    if as_json:
        return
    cost = f"{generation.cost.amount} {generation.cost.currency}" if generation.cost.amount else "nothing"
    if not generation.id:
        click.echo(f"The request is valid. Model {generation.model}, expected cost {cost}.")
    elif generation.state == GenerationState.GENERATION_STATE_SUCCEEDED:
        content = generation.image.content
        how = "from the cache" if generation.cache_hit else f"by {generation.model}"
        click.echo(
            f"image {generation.image.id} version {generation.image.version}: "
            f"{content.size.width} x {content.size.height}, {readable(content.byte_size)}, {how}, cost {cost}"
        )
    else:
        state = lower(GenerationState.Name(generation.state), "GENERATION_STATE_")
        click.echo(f"generation {generation.id} is {state}")
