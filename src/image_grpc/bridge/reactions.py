"""How the service reacts to events of other services: one table from events to calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic

from google.protobuf import json_format
from tabletop.hub.v1.events_pb2 import CampaignThemeChanged, CharacterUpdated, MapStateChanged
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import CancelGenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.image_service_pb2 import GetImageRequest, ListImagesRequest
from tabletop.image.v1.map_service_pb2 import MapChanges, UpdateMapRequest
from tabletop.image.v1.overlay_service_pb2 import GetOverlayRequest, UpdateOverlayRequest
from tabletop.image.v1.theme_service_pb2 import GetThemeRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType, Priority

from image_grpc.bridge import appearance
from image_grpc.bridge.client import Cause, ImageServiceClient
from image_grpc.bridge.errors import CallError, invalid_argument
from image_grpc.bridge.reaction_context import CALL_SECONDS, P, ReactionContext
from image_grpc.hub import topology


@dataclass(frozen=True, slots=True)
class Reaction(Generic[P]):
    """The reaction to one type of event. Events with the same key are handled one after the other."""

    event: str
    payload: type[P]
    key: Callable[[P], str]
    """The character, campaign or map that the event is about."""
    react: Callable[[ReactionContext[P]], Awaitable[None]]
    """Makes the calls. Repeating it at any point completes what is missing. Raises CallError and Superseded."""
    is_command: bool = False
    """Whether the payload says what to do. Then an unknown field is a mistake, and not one of a newer publisher."""
    is_valid: Callable[[P, ImageServiceClient, Cause], Awaitable[bool]] | None = None
    """Set if a newer valid event with the same key makes an older one obsolete, even while it is being handled."""

    @property
    def description(self) -> str:
        """The reaction in one paragraph, for the documentation."""
        return " ".join((self.react.__doc__ or "").split())


async def regenerate_portraits(context: ReactionContext[CharacterUpdated]) -> None:
    """Creates a new version of each portrait of a character whose appearance or equipment changed."""
    changes = appearance.visible_changes(json_format.MessageToDict(context.payload.changes))
    if not changes:
        return

    async def regenerate(image: Image) -> None:
        current = image.metadata.generation_params.request.portrait
        portrait, mask = appearance.apply_changes(current, changes)
        request = RegenerateImageRequest(image_id=image.id, version=image.version, portrait=portrait, update_mask=mask)
        await context.revise(context.client.generations.RegenerateImage, request)

    portraits = ListImagesRequest(
        source_id=context.payload.character_id,
        type=ImageType.IMAGE_TYPE_CHARACTER,
        subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
    )
    # Uploaded pictures have no parameters to change.
    generated = _where(context.images(portraits), lambda image: image.metadata.HasField("generation_params"))
    await context.for_each(generated, regenerate)


async def change_theme(context: ReactionContext[CampaignThemeChanged]) -> None:
    """Applies the new theme to each image of a campaign, at low priority. Images that already have it are skipped,
    so a redelivered event continues where it stopped."""
    campaign, theme = context.payload.campaign_id, context.payload.new_theme
    await context.call(context.client.themes.GetTheme, GetThemeRequest(theme=theme))  # before anything is cancelled
    # Changes that an earlier event started, in this or another process, must not end after those of this one.
    for generation in [each async for each in context.unfinished_generations(campaign)]:
        if not generation.request.HasField("apply_theme"):
            continue
        context.checkpoint()
        if generation.request.apply_theme.theme != theme:
            cancel = CancelGenerationRequest(generation_id=generation.id)
            await context.call(context.client.generations.CancelGeneration, cancel)
        await context.wait_for_end(generation)

    async def apply(image: Image) -> None:
        request = ApplyThemeRequest(image_id=image.id, version=image.version, theme=theme)
        request.priority = Priority.PRIORITY_LOW
        await context.revise(context.client.generations.ApplyTheme, request)

    images = context.images(ListImagesRequest(source_id=campaign))
    await context.for_each(_where(images, lambda image: image.metadata.theme != theme), apply)


async def _theme_exists(event: CampaignThemeChanged, client: ImageServiceClient, cause: Cause) -> bool:
    try:
        await client.call(client.themes.GetTheme, GetThemeRequest(theme=event.new_theme), cause, timeout=CALL_SECONDS)
    except CallError:
        return False  # also if it cannot be known yet: the older event is handled first, and then this one
    return True


async def update_map(context: ReactionContext[MapStateChanged]) -> None:
    """Changes the overlays of a map in the order of the event, then its doors, up to the first failure. The server
    publishes `overlay_updated` for each overlay, and `map_updated` if doors change: all of them, or none."""
    overlays = context.client.overlays
    for index, update in enumerate(context.payload.overlay_updates):
        overlay = (await context.call(overlays.GetOverlay, GetOverlayRequest(overlay_id=update.overlay_id))).overlay
        if overlay.map_id != context.payload.map_id:  # events are ordered per map
            problem = f"overlay {overlay.id} belongs to map {overlay.map_id}"
            raise invalid_argument(problem, f"overlay_updates[{index}].overlay_id")
        id_ = context.request_id(str(index))
        request = UpdateOverlayRequest(
            overlay_id=overlay.id, version=overlay.version, changes=update.changes, request_id=id_
        )
        await context.call(overlays.UpdateOverlay, request)
    if context.payload.door_states:
        get = GetImageRequest(image_id=context.payload.map_id)
        map_ = (await context.call(context.client.images.GetImage, get)).image
        doors = UpdateMapRequest(
            map_id=map_.id,
            version=map_.version,
            changes=MapChanges(door_states=context.payload.door_states),
            request_id=context.request_id("doors"),
        )
        await context.call(context.client.maps.UpdateMap, doors)


async def _where(images: AsyncIterator[Image], matches: Callable[[Image], bool]) -> AsyncIterator[Image]:
    async for image in images:
        if matches(image):
            yield image


# Any: each reaction has a payload type of its own.
REACTIONS: tuple[Reaction[Any], ...] = (
    Reaction(topology.CHARACTER_UPDATED, CharacterUpdated, lambda event: event.character_id, regenerate_portraits),
    Reaction(
        topology.CAMPAIGN_THEME_CHANGED,
        CampaignThemeChanged,
        lambda event: event.campaign_id,
        change_theme,
        is_valid=_theme_exists,
    ),
    Reaction(topology.MAP_STATE_CHANGED, MapStateChanged, lambda event: event.map_id, update_map, is_command=True),
)
