"""Maps with tokens on them, moved by events."""

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


async def map_with_overlay(service: Service) -> Overlay:
    """A new map with an overlay that has a token."""
    generation = await service.generate(tactical_map(source={"id": str(uuid.uuid4())}))
    hero = TacticalElement(id=HERO, position=Position(x=0, y=0, unit=PIXELS), token=Token())
    request = CreateTacticalOverlayRequest(map_id=generation.image.id, elements=[hero])
    overlay: Overlay = (await service.overlays.CreateTacticalOverlay(request)).overlay
    return overlay


async def now(service: Service, overlay: Overlay) -> Overlay:
    """The overlay as it is now."""
    found: Overlay = (await service.overlays.GetOverlay(GetOverlayRequest(overlay_id=overlay.id))).overlay
    return found


async def delete_map(service: Service, overlay: Overlay) -> None:
    await service.images.DeleteImage(DeleteImageRequest(image_id=overlay.map_id))


def moved(overlay: Overlay, *steps: int) -> dict[str, Any]:
    """An event: the token of the overlay goes to each of these places in turn."""
    hero = {"id": HERO, "token": {"kind": "character"}}
    updates = [
        {
            "overlay_id": overlay.id,
            "changes": {"put_tactical_elements": [hero | {"position": {"x": step, "y": 0, "unit": "pixels"}}]},
        }
        for step in steps
    ]
    return envelope("map_state_changed", {"map_id": overlay.map_id, "overlay_updates": updates})


def place(overlay: Overlay) -> float:
    """Where the token is."""
    [hero] = overlay.tactical.elements
    return hero.position.x
