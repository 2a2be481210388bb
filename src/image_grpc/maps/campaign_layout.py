"""Layouts of campaign maps: where a painter must put places and roads, and land below them."""

from collections.abc import Iterable, Sequence

from tabletop.image.v1.generation_request_pb2 import Road
from tabletop.image.v1.types_pb2 import Location, Size

from image_grpc.maps.canvas import Canvas
from image_grpc.maps.svg import NO_FILL, number, polyline

ANYTHING, LAND, ROAD, TOWN = "#c9d3d8", "#b7c48f", "#8a6a3c", "#a33a2c"
_LAND_RADIUS, _TOWN_RADIUS, _ROAD_WIDTH = 0.06, 0.011, 0.006
"""As shares of the shorter side of the picture."""
Point = tuple[float, float]


def draw_campaign_layout(places: Iterable[Location], roads: Iterable[Road], size: Size, frame: Size) -> Canvas:
    """Draw places and roads of a picture of `size` in the middle of a drawing that is at least as wide and high."""
    left, top = (frame.width - size.width) / 2, (frame.height - size.height) / 2
    canvas, side = Canvas(frame.width, frame.height), min(size.width, size.height)
    points = [(place.x + left, place.y + top) for place in places if is_inside(place, size)]
    lines = [[(point.x + left, point.y + top) for point in road.waypoints] for road in roads]
    canvas.path(f"M0 0H{frame.width}V{frame.height}H0Z", {"fill": ANYTHING})
    for point in points:
        canvas.circle(*point, _LAND_RADIUS * side, {"fill": LAND})
    for color, width in ((LAND, 2 * _LAND_RADIUS * side), (ROAD, max(2.0, _ROAD_WIDTH * side))):
        for line in lines:
            canvas.path(polyline(line), _stroke(color, width))
    for point in points:
        canvas.path(_square(point, max(3.0, _TOWN_RADIUS * side)), {"fill": TOWN})
    return canvas


def is_inside(place: Location, size: Size) -> bool:
    """Whether a place is on the picture."""
    return 0 <= place.x <= size.width and 0 <= place.y <= size.height


def _stroke(color: str, width: float) -> dict[str, str]:
    ends = {"stroke-linejoin": "round", "stroke-linecap": "round"}
    return {**NO_FILL, "stroke": color, "stroke-width": number(width), **ends}


def _square(center: Point, radius: float) -> str:
    (x, y), steps = center, ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners: Sequence[Point] = [(x + right * radius, y + down * radius) for right, down in steps]
    return f"{polyline(corners)}Z"
