"""Maps with a token that events move."""

from __future__ import annotations

import uuid
from typing import Any

from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.map_pb2 import CoordinateUnit, Position
from tabletop.image.v1.overlay_pb2 import Overlay, TacticalElement, Token
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest, GetOverlayRequest

from tests.bridge.plain import envelope
from tests.service import Service, tactical_map

EVENT = "map.state_changed"
HERO = "hero"
PIXELS = CoordinateUnit.COORDINATE_UNIT_PIXELS


async def create_overlay(service: Service) -> Overlay:
    """Create a map with an overlay that contains a token."""
    generation = await service.generate(tactical_map(source={"id": str(uuid.uuid4())}))
    hero = TacticalElement(id=HERO, position=Position(x=0, y=0, unit=PIXELS), token=Token())
    request = CreateTacticalOverlayRequest(map_id=generation.image.id, elements=[hero])
    overlay: Overlay = (await service.overlays.CreateTacticalOverlay(request)).overlay
    return overlay


async def current(service: Service, overlay: Overlay) -> Overlay:
    """Return the current state of an overlay."""
    response = await service.overlays.GetOverlay(GetOverlayRequest(overlay_id=overlay.id))
    result: Overlay = response.overlay
    return result


async def delete_map(service: Service, overlay: Overlay) -> None:
    await service.images.DeleteImage(DeleteImageRequest(image_id=overlay.map_id))


def move_event(overlay: Overlay, *positions: int) -> dict[str, Any]:
    """Return an event that moves the overlay's token to each of these positions in turn."""
    hero = {"id": HERO, "token": {"kind": "character"}}
    updates = [
        {
            "overlay_id": overlay.id,
            "changes": {"put_tactical_elements": [hero | {"position": {"x": position, "y": 0, "unit": "pixels"}}]},
        }
        for position in positions
    ]
    return envelope("map_state_changed", {"map_id": overlay.map_id, "overlay_updates": updates})


def position_of(overlay: Overlay) -> float:
    """Return the x coordinate of the overlay's token."""
    [hero] = overlay.tactical.elements
    return hero.position.x
