"""Portraits of characters."""

from tabletop.image.v1.generation_request_pb2 import CharacterKind, GeneratePortraitRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.generation.kinds.kind import Kind
from image_grpc.generation.prompts import labeled, theme_name
from image_grpc.settings import ServerSettings

_SUBJECTS = {
    CharacterKind.CHARACTER_KIND_UNSPECIFIED: "a hero",
    CharacterKind.CHARACTER_KIND_PLAYER_CHARACTER: "a hero",
    CharacterKind.CHARACTER_KIND_NPC: "a person of the world",
    CharacterKind.CHARACTER_KIND_MONSTER: "a monster",
}


class Portrait(Kind[GeneratePortraitRequest]):
    request_type = GeneratePortraitRequest
    field = "portrait"
    image_type = ImageType.IMAGE_TYPE_CHARACTER
    subtypes = (ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,)

    def default_model(self, settings: ServerSettings, request: GeneratePortraitRequest) -> str:
        return settings.model_portrait

    def fill_defaults(self, request: GeneratePortraitRequest) -> None:
        request.kind = request.kind or CharacterKind.CHARACTER_KIND_PLAYER_CHARACTER
        if request.character_id:
            request.source.id = request.source.id or request.character_id

    def prompt_parts(self, request: GeneratePortraitRequest, theme: Theme) -> list[str]:
        style, staging = theme.elements, request.style
        character = " ".join(part for part in (request.species, request.character_class) if part)
        equipment = ", ".join(request.equipment.items) if request.equipment.visible else ""
        return [
            f"Character portrait of {_SUBJECTS[request.kind]} for a tabletop role-playing game in "
            f"{theme_name(theme)} style, head and shoulders, expressive face.",
            labeled("Character", character),
            labeled("Traits", ", ".join(request.traits)),
            labeled("Equipment", equipment),
            labeled("Clothing", style.clothing),
            labeled("Technology", style.technology),
            labeled("Pose", staging.pose),
            labeled("Background", staging.background or style.environment),
            labeled("Colors", style.color_scheme),
            labeled("Lighting", staging.lighting or style.lighting),
            "One character only, no text, no frame.",
        ]
