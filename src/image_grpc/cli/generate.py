"""`image-grpc generate`: generates pictures and new versions of pictures."""

import click
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1.generation_service_pb2_grpc import GenerationServiceStub
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import GetImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.theme_pb2 import ThemeElement

from image_grpc.cli.client import CALL_SECONDS
from image_grpc.cli.generate_options import CommonOptions, Output, common_options, output_options

_ELEMENTS = [name.removeprefix("THEME_ELEMENT_").lower() for name in ThemeElement.keys()[1:]]


@click.group()
def generate() -> None:
    """Generate a picture, or a new version of one."""


@generate.command("tactical-map")
@click.option("--terrain", default="", help="For example dungeon, forest or tavern.")
@click.option("--feature", "features", multiple=True, help="Feature of the terrain; repeatable.")
@click.option("--grid/--no-grid", default=True, help="Draw the grid when the map is read composed.")
@click.option("--cell", type=int, default=70, show_default=True, help="Size of a grid cell in pixels.")
@common_options
def tactical_map(
    common: CommonOptions, output: Output, *, terrain: str, features: tuple[str, ...], grid: bool, cell: int
) -> None:
    """Generate a battle map, seen from above."""
    request = pb.GenerateTacticalMapRequest(features=features)
    request.terrain.type = terrain
    request.grid.enabled, request.grid.size = grid, cell
    common.fill(request)
    stub = GenerationServiceStub(output.channel)
    output.show(stub.GenerateTacticalMap(request, timeout=CALL_SECONDS).generation)


@generate.command("campaign-map")
@click.option("--feature", "features", multiple=True, help="Feature of the region; repeatable.")
@click.option("--scale", nargs=2, type=(float, str), help="Distance that 100 pixels represent, for example 5 miles.")
@common_options
def campaign_map(
    common: CommonOptions, output: Output, *, features: tuple[str, ...], scale: tuple[float, str] | None
) -> None:
    """Generate a map of a region."""
    request = pb.GenerateCampaignMapRequest(features=features)
    if scale:
        request.scale.value, request.scale.unit = scale
    common.fill(request)
    stub = GenerationServiceStub(output.channel)
    output.show(stub.GenerateCampaignMap(request, timeout=CALL_SECONDS).generation)


@generate.command()
@click.option("--kind", type=click.Choice(["player_character", "npc", "monster"]), default="player_character")
@click.option("--species", default="", help="For example half-elf.")
@click.option("--class", "character_class", default="", help="For example ranger.")
@click.option("--trait", "traits", multiple=True, help="Visible trait; repeatable.")
@click.option("--item", "items", multiple=True, help="Item that the character carries; repeatable.")
@click.option("--pose", default="", help="For example sitting by a fire.")
@click.option("--background", default="", help="For example a misty forest.")
@click.option("--character-id", default="", help="The character (UUID).")
@common_options
def portrait(
    common: CommonOptions,
    output: Output,
    *,
    kind: str,
    species: str,
    character_class: str,
    traits: tuple[str, ...],
    items: tuple[str, ...],
    pose: str,
    background: str,
    character_id: str,
) -> None:
    """Generate a portrait."""
    request = pb.GeneratePortraitRequest(
        kind=f"CHARACTER_KIND_{kind.upper()}",
        species=species,
        character_class=character_class,
        traits=traits,
        character_id=character_id,
    )
    request.equipment.visible = bool(items)
    request.equipment.items.extend(items)
    request.style.pose, request.style.background = pose, background
    common.fill(request)
    stub = GenerationServiceStub(output.channel)
    output.show(stub.GeneratePortrait(request, timeout=CALL_SECONDS).generation)


@generate.command()
@click.option("--name", default="", help="For example longsword.")
@click.option("--type", "type_", type=click.Choice(["weapon", "armor", "other"]), default="other")
@click.option("--material", default="", help="For example bronze.")
@click.option("--effect", "effects", multiple=True, help="Visible magical effect; repeatable.")
@click.option("--wear", default="", help="Condition, for example battered.")
@click.option("--item-id", default="", help="The item (UUID).")
@common_options
def item(
    common: CommonOptions,
    output: Output,
    *,
    name: str,
    type_: str,
    material: str,
    effects: tuple[str, ...],
    wear: str,
    item_id: str,
) -> None:
    """Generate an illustration of an item."""
    request = pb.GenerateItemIllustrationRequest(name=name, type=f"ITEM_TYPE_{type_.upper()}", item_id=item_id)
    request.properties.material, request.properties.wear_state = material, wear
    request.properties.magical_effects.extend(effects)
    common.fill(request)
    stub = GenerationServiceStub(output.channel)
    output.show(stub.GenerateItemIllustration(request, timeout=CALL_SECONDS).generation)


@generate.command()
@click.argument("image_id")
@click.option("--details", default="", help="Description that replaces the original one.")
@output_options
def again(output: Output, *, image_id: str, details: str) -> None:
    """Generate a new version of an image from its original request."""
    image = _image(output, image_id)
    request = pb.RegenerateImageRequest(image_id=image.id, version=image.version)
    if details:
        kind = image.metadata.generation_params.request.WhichOneof("kind") or ""
        getattr(request, kind).details = details
    stub = GenerationServiceStub(output.channel)
    output.show(stub.RegenerateImage(request, timeout=CALL_SECONDS).generation)


@generate.command("apply-theme")
@click.argument("image_id")
@click.option("--theme", required=True, help="Name of the theme, for example cyberpunk.")
@click.option("--strength", type=float, default=1.0, show_default=True, help="Strength of the theme, 0 to 1.")
@click.option(
    "--element",
    "elements",
    multiple=True,
    type=click.Choice(_ELEMENTS),
    help="Element of the theme to apply; repeatable. Default: all.",
)
@output_options
def apply_theme(output: Output, *, image_id: str, theme: str, strength: float, elements: tuple[str, ...]) -> None:
    """Generate a new version of an image in another theme."""
    image = _image(output, image_id)
    request = pb.ApplyThemeRequest(
        image_id=image.id,
        version=image.version,
        theme=theme,
        strength=strength,
        elements=[f"THEME_ELEMENT_{each.upper()}" for each in elements],
    )
    stub = GenerationServiceStub(output.channel)
    output.show(stub.ApplyTheme(request, timeout=CALL_SECONDS).generation)


def _image(output: Output, image_id: str) -> Image:
    return ImageServiceStub(output.channel).GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
