"""`image-grpc generate`: generates pictures and new versions of pictures."""

from typing import Any

import click
from tabletop.image.v1 import generation_request_pb2 as pb
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import GetImageRequest
from tabletop.image.v1.image_service_pb2_grpc import ImageServiceStub
from tabletop.image.v1.theme_pb2 import ThemeElement

from image_grpc.cli.client import CALL_SECONDS, Client, EnumChoice, parse_json
from image_grpc.cli.generate_options import generation_command, picture_command

DEFAULT_CELL = 70.0


@click.group()
def generate() -> None:
    """Generate a picture, or a new version of one."""


@generate.command("tactical-map")
@click.option("--terrain", default="", help="For example dungeon, forest or tavern.")
@click.option("--feature", "features", multiple=True, help="Feature of the terrain; repeatable.")
@click.option("--grid/--no-grid", default=True, help="Draw the grid when the map is read composed.")
@click.option("--cell", type=float, help="Size of a grid cell in pixels.  [default: 70, or by the plan]")
@click.option(
    "--grid-offset", nargs=2, type=float, default=(0, 0), show_default=True, help="Corner of the first cell in pixels."
)
@click.option("--plan", type=click.File("r"), help="JSON file of a floor plan to follow, see `image-grpc floor-plan`.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1, min_open=True),
    help="Least score with which the picture must follow the plan; below it, another one is generated, and billed.",
)
@click.option(
    "--max-tries", type=click.IntRange(1, 4), help="Maximum number of pictures; needs --min-score.  [default: 2]"
)
@picture_command
def tactical_map(
    terrain: str,
    features: tuple[str, ...],
    grid: bool,
    cell: float | None,
    grid_offset: tuple[float, float],
    **plan: Any,
) -> pb.GenerateTacticalMapRequest:
    """Generate a battle map, seen from above."""
    request = pb.GenerateTacticalMapRequest(
        terrain={"type": terrain}, features=features, grid={"enabled": grid, "size": cell}
    )
    if any(grid_offset):
        request.grid.offset.x, request.grid.offset.y = grid_offset
    if plan["plan"] is not None:
        parse_json(plan["plan"], request.layout.floor_plan)
    if plan["max_tries"] is not None and plan["min_score"] is None:
        raise click.UsageError("--max-tries needs --min-score")
    if plan["min_score"] is not None and plan["plan"] is None:
        raise click.UsageError("--min-score needs --plan")
    if plan["min_score"] is not None:
        request.adherence.CopyFrom(pb.Adherence(min_score=plan["min_score"], max_tries=plan["max_tries"]))
    return request


@generate.command("campaign-map")
@click.option("--feature", "features", multiple=True, help="Feature of the region; repeatable.")
@click.option("--scale", nargs=2, type=(float, str), help="Distance that 100 pixels represent, for example 5 miles.")
@picture_command
def campaign_map(features: tuple[str, ...], scale: tuple[float, str] | None) -> pb.GenerateCampaignMapRequest:
    """Generate a map of a region."""
    return pb.GenerateCampaignMapRequest(
        features=features, scale={"value": scale[0], "unit": scale[1]} if scale else None
    )


@generate.command()
@click.option("--kind", type=EnumChoice(pb.CharacterKind), default="player_character")
@click.option("--species", default="", help="For example half-elf.")
@click.option("--class", "character_class", default="", help="For example ranger.")
@click.option("--trait", "traits", multiple=True, help="Visible trait; repeatable.")
@click.option("--item", "items", multiple=True, help="Item that the character carries; repeatable.")
@click.option("--pose", default="", help="For example sitting by a fire.")
@click.option("--background", default="", help="For example a misty forest.")
@click.option("--character-id", default="", help="The character (UUID).")
@picture_command
def portrait(items: tuple[str, ...], pose: str, background: str, **fields: Any) -> pb.GeneratePortraitRequest:
    """Generate a portrait."""
    equipment, style = {"visible": bool(items), "items": items}, {"pose": pose, "background": background}
    return pb.GeneratePortraitRequest(equipment=equipment, style=style, **fields)


@generate.command()
@click.option("--name", default="", help="For example longsword.")
@click.option("--type", type=EnumChoice(pb.ItemType), default="other")
@click.option("--material", default="", help="For example bronze.")
@click.option("--effect", "effects", multiple=True, help="Visible magical effect; repeatable.")
@click.option("--wear", default="", help="Condition, for example battered.")
@click.option("--item-id", default="", help="The item (UUID).")
@picture_command
def item(material: str, effects: tuple[str, ...], wear: str, **fields: Any) -> pb.GenerateItemIllustrationRequest:
    """Generate an illustration of an item."""
    properties = {"material": material, "magical_effects": effects, "wear_state": wear}
    return pb.GenerateItemIllustrationRequest(properties=properties, **fields)


@generate.command()
@click.argument("image_id")
@click.option("--details", default="", help="Description that replaces the original one.")
@generation_command
def again(client: Client, image_id: str, details: str) -> pb.RegenerateImageRequest:
    """Generate a new version of an image from its original request, or of an uploaded one from what is known of it."""
    image = _image(client, image_id)
    request = pb.RegenerateImageRequest(image_id=image.id, version=image.version)
    if details:
        from image_grpc.generation.kinds import kind_of_subtype  # takes a while

        getattr(request, kind_of_subtype(image.subtype).field).details = details
    return request


@generate.command("apply-theme")
@click.argument("image_id")
@click.option("--theme", required=True, help="Name of the theme, for example cyberpunk.")
@click.option("--strength", type=float, default=1.0, show_default=True, help="Strength of the theme, 0 to 1.")
@click.option(
    "--element",
    "elements",
    multiple=True,
    type=EnumChoice(ThemeElement),
    help="Element of the theme to apply; repeatable. Default: all.",
)
@generation_command
def apply_theme(client: Client, image_id: str, **fields: Any) -> pb.ApplyThemeRequest:
    """Generate a new version of an image in another theme."""
    image = _image(client, image_id)
    return pb.ApplyThemeRequest(image_id=image.id, version=image.version, **fields)


def _image(client: Client, image_id: str) -> Image:
    return ImageServiceStub(client.channel).GetImage(GetImageRequest(image_id=image_id), timeout=CALL_SECONDS).image
