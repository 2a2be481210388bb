"""Elements and calls for the tests of overlays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabletop.image.v1 import overlay_service_pb2 as pb
from tabletop.image.v1.overlay_pb2 import CampaignElement, Overlay, TacticalElement

from tests.service import Service

MOVE = {"kind": 2, "distance_feet": 5.0}
"""The range of one step, from a cell to its eight neighbors."""
NEIGHBORHOOD = {(column, row) for column in (1, 2, 3) for row in (1, 2, 3)}
"""The cells that MOVE covers from the default position of elements."""


def place(id_: str, **fields: Any) -> CampaignElement:
    """Return an element of a campaign map, by default a town."""
    fields = fields if fields.keys() & {"party", "route", "territory"} else fields | {"place": {"type": "town"}}
    return CampaignElement(id=id_, coordinates={"x": 50, "y": 60}, **fields)


def covered(overlay: Overlay, element_id: str) -> set[tuple[int, int]]:
    """Return the column and row of each cell that an element covers, according to a response."""
    [entry] = [entry for entry in overlay.tactical.coverage if entry.element_id == element_id]
    return {(cell.column, cell.row) for cell in entry.cells}


def ids(messages: Iterable[Overlay | TacticalElement]) -> list[str]:
    return [message.id for message in messages]


async def update(running: Service, overlay: Overlay, request_id: str = "", **changes: Any) -> Overlay:
    """Change an overlay at the version that the caller read."""
    request = pb.UpdateOverlayRequest(
        overlay_id=overlay.id, version=overlay.version, changes=changes, request_id=request_id
    )
    return (await running.overlays.UpdateOverlay(request)).overlay


async def get(running: Service, overlay_id: str) -> Overlay:
    return (await running.overlays.GetOverlay(pb.GetOverlayRequest(overlay_id=overlay_id))).overlay


async def list_page(running: Service, map_id: str, **fields: Any) -> pb.ListOverlaysResponse:
    return await running.overlays.ListOverlays(pb.ListOverlaysRequest(map_id=map_id, **fields))
