"""Drawing of everything that is shown over a map's picture."""

from collections.abc import Container, Iterable, Mapping

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc.maps import campaign, tactical
from image_grpc.maps.audience import Fog, MapPart
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing_context import DrawingContext, PortraitKey, portrait_key
from image_grpc.maps.panels import draw_scale_bar
from image_grpc.pictures import Portrait


def draw_map(
    image: Image,
    overlays: Iterable[Overlay],
    coverage: Coverage,
    portraits: Mapping[PortraitKey, Portrait],
    fog: Fog | None = None,
    *,
    draws_weak_edges: bool = False,
    left_out: Container[MapPart] = (),
) -> Canvas:
    """Draw the grid, points of interest, overlays (bottom first), legend and scale bar of a map.

    `portraits` has the pictures of tokens by `portrait_key`. Takes time: call it in a worker thread.
    """
    context = DrawingContext(image, coverage, portraits, fog)
    if draws_weak_edges:
        tactical.draw_weak_edges(context)
    if image.map.grid.enabled and MapPart.GRID not in left_out:
        tactical.draw_grid(context)
    for place in image.map.points_of_interest:
        campaign.draw_point_of_interest(context, place)
    for overlay in overlays:
        _draw_elements(context, overlay)
    context.canvas.begin_panels()
    legend = context.legend.draw(context.canvas) if MapPart.LEGEND not in left_out else 0.0
    if MapPart.SCALE_BAR not in left_out:
        draw_scale_bar(context.canvas, image, legend)
    context.place_names()
    return context.canvas


def draw_overlay(
    image: Image,
    overlay: Overlay,
    coverage: Coverage,
    portraits: Mapping[PortraitKey, Portrait],
    fog: Fog | None = None,
) -> Canvas:
    """Draw a single overlay, without legend. Takes time: call it in a worker thread."""
    context = DrawingContext(image, coverage, portraits, fog)
    _draw_elements(context, overlay)
    context.place_names()
    return context.canvas


def portrait_keys(overlays: Iterable[Overlay]) -> list[PortraitKey]:
    """Return the distinct portraits that the tokens of overlays show."""
    tokens = (element.token for overlay in overlays for element in overlay.tactical.elements)
    return list(dict.fromkeys(portrait_key(token) for token in tokens if token.image_id))


def _draw_elements(context: DrawingContext, overlay: Overlay) -> None:
    for element in overlay.tactical.elements:
        if context.fog is None or context.fog.shows(element, context.image):
            tactical.draw_element(context, element)
    for marker in overlay.campaign.elements:
        campaign.draw_element(context, marker)
