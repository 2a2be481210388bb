"""Drawing of everything that is shown over a map's picture."""

from collections.abc import Iterable, Mapping

from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.overlay_pb2 import Overlay

from image_grpc.maps import campaign, tactical
from image_grpc.maps.audience import Fog
from image_grpc.maps.canvas import Canvas
from image_grpc.maps.coverage import Coverage
from image_grpc.maps.drawing_context import DrawingContext
from image_grpc.maps.panels import draw_scale_bar


def draw_map(
    image: Image,
    overlays: Iterable[Overlay],
    coverage: Coverage,
    portraits: Mapping[str, bytes],
    fog: Fog | None = None,
    *,
    draws_weak_edges: bool = False,
) -> Canvas:
    """Draw the grid, points of interest, overlays (bottom first), legend and scale bar of a map.

    `portraits` has square JPEG pictures by image id. Takes time: call it in a worker thread.
    """
    context = DrawingContext(image, coverage, portraits, fog)
    if draws_weak_edges:
        tactical.draw_weak_edges(context)
    if image.map.grid.enabled:
        tactical.draw_grid(context)
    for place in image.map.points_of_interest:
        campaign.draw_point_of_interest(context, place)
    for overlay in overlays:
        _draw_elements(context, overlay)
    context.canvas.begin_panels()
    draw_scale_bar(context.canvas, image, context.legend.draw(context.canvas))
    context.place_names()
    return context.canvas


def draw_overlay(
    image: Image, overlay: Overlay, coverage: Coverage, portraits: Mapping[str, bytes], fog: Fog | None = None
) -> Canvas:
    """Draw a single overlay, without legend. Takes time: call it in a worker thread."""
    context = DrawingContext(image, coverage, portraits, fog)
    _draw_elements(context, overlay)
    context.place_names()
    return context.canvas


def portrait_ids(overlays: Iterable[Overlay]) -> list[str]:
    """Return the distinct ids of the images that the tokens of overlays show."""
    ids = [element.token.image_id for overlay in overlays for element in overlay.tactical.elements]
    return list(filter(None, dict.fromkeys(ids)))


def _draw_elements(context: DrawingContext, overlay: Overlay) -> None:
    for element in overlay.tactical.elements:
        if context.fog is None or context.fog.shows(element, context.image):
            tactical.draw_element(context, element)
    for marker in overlay.campaign.elements:
        campaign.draw_element(context, marker)
