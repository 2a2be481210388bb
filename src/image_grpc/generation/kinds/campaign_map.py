"""Campaign maps: maps of a region."""

from tabletop.image.v1.generation_request_pb2 import GenerateCampaignMapRequest
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.map_pb2 import MapProperties
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name
from image_grpc.settings import ServerSettings


class CampaignMap(Kind[GenerateCampaignMapRequest]):
    request_type = GenerateCampaignMapRequest
    field = "campaign_map"
    image_type = ImageType.IMAGE_TYPE_MAP
    subtypes = (ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN,)
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
            labeled("It shows", ", ".join(request.features)),
            labeled("Places", ", ".join(dict.fromkeys(place for place in places if place))),
            labeled("Scale", f"about {width:g} {request.scale.unit} across" if request.scale.unit else ""),
            labeled("Settlements", style.architecture),
            labeled("Land", style.environment),
            labeled("Colors", style.color_scheme),
            labeled("Lighting", style.lighting),
            "No grid, no text, no labels, no legend, no border.",
        ]

    def map_properties(self, request: GenerateCampaignMapRequest) -> MapProperties:
        scale = request.scale if request.HasField("scale") else None
        return MapProperties(scale=scale, points_of_interest=request.points_of_interest)

    def describe_image(self, image: Image, request: GenerateCampaignMapRequest) -> None:
        if image.map.HasField("scale"):
            request.scale.CopyFrom(image.map.scale)
        request.points_of_interest.extend(image.map.points_of_interest)
