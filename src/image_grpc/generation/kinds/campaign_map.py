"""Campaign maps: maps of a region."""

from tabletop.image.v1.generation_request_pb2 import GenerateCampaignMapRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import MapProperties
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType, Size

from image_grpc import pictures
from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name
from image_grpc.maps.campaign_layout import draw_campaign_layout, is_inside
from image_grpc.plans.layouts import extended
from image_grpc.settings import ServerSettings

RENDERER_VERSION = 1
"""Raise it when a layout looks different: it is part of the fingerprint of a request."""
_FOLLOW = (
    "If the first reference picture is a sketch with red squares and brown lines on green and gray, follow it: keep "
    "the red squares, which are settlements and other places, and the brown roads exactly where they are, on land. "
    "Green is land; gray may be land or sea."
)


class CampaignMap(Kind[GenerateCampaignMapRequest]):
    request_type = GenerateCampaignMapRequest
    field = "campaign_map"
    image_type = ImageType.IMAGE_TYPE_MAP
    subtypes = (ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN,)
    requires_layout = False
    map_fields = ("scale", "points_of_interest")

    def default_model(self, settings: ServerSettings, request: GenerateCampaignMapRequest) -> str:
        return settings.model_campaign_map

    def prompt_parts(self, request: GenerateCampaignMapRequest, theme: Theme) -> list[str]:
        style = theme.elements
        width = request.scale.value * request.size.width / 100
        places = (place.type or place.icon for place in request.points_of_interest)
        return [
            f"Campaign map of a region for a tabletop role-playing game in {theme_name(theme)} style, "
            "hand-drawn cartography seen from above.",
            _FOLLOW if self.has_layout(request) else "",
            labeled("It shows", ", ".join(request.features)),
            labeled("Places", ", ".join(dict.fromkeys(place for place in places if place))),
            labeled("Scale", f"about {width:g} {request.scale.unit} across" if request.scale.unit else ""),
            labeled("Settlements", style.architecture),
            labeled("Land", style.environment),
            labeled("Colors", style.color_scheme),
            labeled("Lighting", style.lighting),
            "No grid, no text, no labels, no legend, no border.",
        ]

    def has_layout(self, request: GenerateCampaignMapRequest) -> bool:
        places = [place.location for place in request.points_of_interest]
        places += (point for road in request.roads for point in road.waypoints)
        return any(is_inside(place, request.size) for place in places)

    def layout(self, request: GenerateCampaignMapRequest, ratio: float | None) -> bytes | None:
        if not self.has_layout(request):
            return None
        width, height = extended(request.size.width, request.size.height, ratio)
        frame = Size(width=round(width), height=round(height))
        places = [place.location for place in request.points_of_interest]
        return pictures.draw(draw_campaign_layout(places, request.roads, request.size, frame), frame)

    def fingerprint_salt(self, request: GenerateCampaignMapRequest) -> bytes:
        return RENDERER_VERSION.to_bytes(4) if self.has_layout(request) else b""

    def map_properties(self, request: GenerateCampaignMapRequest) -> MapProperties:
        scale = request.scale if request.HasField("scale") else None
        return MapProperties(scale=scale, points_of_interest=request.points_of_interest)

    def describe_image(self, image: Image, request: GenerateCampaignMapRequest) -> None:
        if image.map.HasField("scale"):
            request.scale.CopyFrom(image.map.scale)
        request.points_of_interest.extend(image.map.points_of_interest)
