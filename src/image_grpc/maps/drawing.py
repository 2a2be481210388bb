"""What is drawn over a map, on a canvas of the map's size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc.maps import campaign, tactical
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.frame import draw_scale_bar
from image_grpc.maps.sheet import Sheet


def draw_map(image: Image, overlays: Iterable[Overlay], coverage: Coverage, art: Mapping[str, bytes]) -> Canvas:
    """Everything over a map: grid, places, overlays (given in their order), legend, scale bar."""
    sheet = Sheet.of(image, coverage, art)
    if image.map.grid.enabled:
        tactical.draw_grid(sheet)
    for place in image.map.points_of_interest:
        campaign.draw_place(sheet.canvas, sheet.legend, place)
    for overlay in overlays:
        _draw(sheet, overlay)
    sheet.legend.draw(sheet.canvas)
    draw_scale_bar(sheet.canvas, image)
    return sheet.canvas


def draw_overlay(image: Image, overlay: Overlay, coverage: Coverage, art: Mapping[str, bytes]) -> Canvas:
    """One overlay alone."""
    sheet = Sheet.of(image, coverage, art)
    _draw(sheet, overlay)
    return sheet.canvas


def portraits(overlays: Iterable[Overlay]) -> Sequence[str]:
    """Ids of the images that the tokens of overlays show."""
    found = (
        element.token.image_id
        for overlay in overlays
        for element in overlay.tactical.elements
        if element.token.image_id
    )
    return list(dict.fromkeys(found))


def _draw(sheet: Sheet, overlay: Overlay) -> None:
    for element in overlay.tactical.elements:
        tactical.draw_element(sheet, element)
    for place in overlay.campaign.elements:
        campaign.draw_element(sheet.canvas, sheet.legend, place)
