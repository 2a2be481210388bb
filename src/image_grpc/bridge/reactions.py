"""What is done when something happens elsewhere: one table from event to calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from tabletop.hub.v1.events_pb2 import CampaignThemeChanged, CharacterUpdated, MapStateChanged
from tabletop.image.v1.generation_request_pb2 import ApplyThemeRequest, GeneratePortraitRequest, RegenerateImageRequest
from tabletop.image.v1.generation_service_pb2 import CancelGenerationRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_service_pb2 import GetOverlayRequest, UpdateOverlayRequest
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType, Priority

from image_grpc.bridge import appearance
from image_grpc.bridge.calls import invalid
from image_grpc.bridge.work import Work
from image_grpc.hub import topology


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaction:
    """What an event causes. Events with the same key are reacted to one after the other."""

    event: str
    payload: type[Message]
    key: Callable[[Any], str]
    """Of the payload: what it happened to."""
    react: Callable[[Work], Awaitable[None]]
    """Makes the calls. It may be done again at any time, and then does what was not done. Raises Failure,
    Superseded."""
    only_newest: bool = False
    """Whether a newer event with the same key makes an older one needless, even one that is under way."""


async def redraw_portraits(work: Work) -> None:
    """A new version of each portrait of a character whose appearance or equipment has changed."""
    changes = appearance.seen(json_format.MessageToDict(work.payload.changes))
    if not changes:
        return

    async def redraw(image: Image) -> None:
        portrait, mask = appearance.changed(_parameters(image), changes)
        await work.make_anew(
            RegenerateImageRequest(image_id=image.id, version=image.version, portrait=portrait, update_mask=mask)
        )

    portraits = work.images(
        source_id=work.payload.character_id,
        type=ImageType.IMAGE_TYPE_CHARACTER,
        subtype=ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,
    )
    # Pictures that someone has uploaded were not drawn from words.
    await work.for_each(_where(portraits, lambda image: image.metadata.HasField("generation_params")), redraw)


def _parameters(image: Image) -> GeneratePortraitRequest:
    return image.metadata.generation_params.request.portrait


async def change_theme(work: Work) -> None:
    """Each picture of a campaign in its new theme, at low priority. Those that are in it already are passed over,
    so a second delivery goes on where the first stopped."""
    campaign, theme = work.payload.campaign_id, work.payload.new_theme
    # What an event before this one has begun, in whatever process, would overtake this one.
    left = [each async for each in work.unfinished(source_id=campaign) if each.request.HasField("apply_theme")]
    for generation in left:
        work.check()
        if generation.request.apply_theme.theme != theme:
            await work.call(CancelGenerationRequest(generation_id=generation.id))
        await work.ended(generation)

    async def apply(image: Image) -> None:
        await work.make_anew(
            ApplyThemeRequest(image_id=image.id, version=image.version, theme=theme, priority=Priority.PRIORITY_LOW)
        )

    images = work.images(source_id=campaign)
    await work.for_each(_where(images, lambda image: image.metadata.theme != theme), apply)


async def move_on_map(work: Work) -> None:
    """The overlays of a map, changed in the order of the event. The server publishes `overlay_updated`."""
    for index, update in enumerate(work.payload.overlay_updates):
        overlay = (await work.call(GetOverlayRequest(overlay_id=update.overlay_id))).overlay
        if overlay.map_id != work.payload.map_id:  # its order is kept by another map
            raise invalid(f"overlay {overlay.id} is on map {overlay.map_id}", f"overlay_updates[{index}].overlay_id")
        await work.call(
            UpdateOverlayRequest(
                overlay_id=overlay.id,
                version=overlay.version,
                changes=update.changes,
                request_id=work.request_id(str(index)),
            )
        )


async def _where(images: AsyncIterator[Image], wanted: Callable[[Image], bool]) -> AsyncIterator[Image]:
    async for image in images:
        if wanted(image):
            yield image


REACTIONS = (
    Reaction(
        event=topology.CHARACTER_UPDATED,
        payload=CharacterUpdated,
        key=lambda payload: payload.character_id,
        react=redraw_portraits,
    ),
    Reaction(
        event=topology.CAMPAIGN_THEME_CHANGED,
        payload=CampaignThemeChanged,
        key=lambda payload: payload.campaign_id,
        react=change_theme,
        only_newest=True,
    ),
    Reaction(
        event=topology.MAP_STATE_CHANGED, payload=MapStateChanged, key=lambda payload: payload.map_id, react=move_on_map
    ),
)
