"""Illustrations of items."""

from tabletop.image.v1.generation_request_pb2 import GenerateItemIllustrationRequest, ItemType
from tabletop.image.v1.image_pb2 import Image
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name
from image_grpc.settings import ServerSettings

_SUBTYPES = {
    ItemType.ITEM_TYPE_WEAPON: ImageSubtype.IMAGE_SUBTYPE_WEAPON,
    ItemType.ITEM_TYPE_ARMOR: ImageSubtype.IMAGE_SUBTYPE_ARMOR,
    ItemType.ITEM_TYPE_OTHER: ImageSubtype.IMAGE_SUBTYPE_OTHER,
}
_ITEM_TYPES = {subtype: item_type for item_type, subtype in _SUBTYPES.items()}
_SUBJECTS = {
    ItemType.ITEM_TYPE_WEAPON: "a weapon",
    ItemType.ITEM_TYPE_ARMOR: "a piece of armor",
    ItemType.ITEM_TYPE_OTHER: "an object",
}


class ItemIllustration(Kind[GenerateItemIllustrationRequest]):
    request_type = GenerateItemIllustrationRequest
    field = "item_illustration"
    image_type = ImageType.IMAGE_TYPE_ITEM
    subtypes = tuple(_SUBTYPES.values())

    def subtype_of(self, request: GenerateItemIllustrationRequest) -> ImageSubtype:
        return _SUBTYPES[request.type]

    def default_model(self, settings: ServerSettings, request: GenerateItemIllustrationRequest) -> str:
        return settings.model_item

    def fill_defaults(self, request: GenerateItemIllustrationRequest) -> None:
        request.type = request.type or ItemType.ITEM_TYPE_OTHER
        if request.item_id:
            request.source.id = request.source.id or request.item_id

    def prompt_parts(self, request: GenerateItemIllustrationRequest, theme: Theme) -> list[str]:
        style, staging, properties = theme.elements, request.style, request.properties
        return [
            f"Item illustration of {_SUBJECTS[request.type]} for a tabletop role-playing game in "
            f"{theme_name(theme)} style, one item centered on a plain background.",
            labeled("Item", request.name),
            labeled("Material", properties.material),
            labeled("Magical effects", ", ".join(properties.magical_effects)),
            labeled("Condition", properties.wear_state),
            labeled("Seen", staging.angle),
            labeled("Level of detail", staging.detail_level),
            labeled("Craft", style.technology),
            labeled("Colors", style.color_scheme),
            labeled("Lighting", staging.lighting or style.lighting),
            "No hands, no text, no frame.",
        ]

    def describe_image(self, image: Image, request: GenerateItemIllustrationRequest) -> None:
        request.type = _ITEM_TYPES.get(image.subtype, ItemType.ITEM_TYPE_OTHER)
