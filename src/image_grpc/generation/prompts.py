"""Prompts: what the model is told to draw, from a normalised request and its theme. Pure functions.

Grid, labels and tokens are never asked for: they are data, drawn when a map is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    CharacterKind,
    GenerateCampaignMapRequest,
    GenerateItemIllustrationRequest,
    GeneratePortraitRequest,
    GenerateTacticalMapRequest,
    GenerationRequest,
    ItemType,
)
from tabletop.image.v1.theme_pb2 import Theme, ThemeElement

from image_grpc.generation.kinds import picture

_WHO = {
    CharacterKind.CHARACTER_KIND_UNSPECIFIED: "a hero",
    CharacterKind.CHARACTER_KIND_PLAYER_CHARACTER: "a hero",
    CharacterKind.CHARACTER_KIND_NPC: "a person of the world",
    CharacterKind.CHARACTER_KIND_MONSTER: "a monster",
}
_WHAT = {
    ItemType.ITEM_TYPE_WEAPON: "a weapon",
    ItemType.ITEM_TYPE_ARMOR: "a piece of armor",
    ItemType.ITEM_TYPE_OTHER: "an object",
}


_DEGREES = ((0.8, "in full"), (0.5, "clearly"), (0.2, "gently"), (0.0, "with no more than a hint of it"))


def prompt(request: GenerationRequest, theme: Theme) -> str:
    """The prompt for a normalised request."""
    parts: list[str]
    match request.WhichOneof("kind"):
        case "tactical_map":
            parts = _tactical_map(request.tactical_map, theme)
        case "campaign_map":
            parts = _campaign_map(request.campaign_map, theme)
        case "portrait":
            parts = _portrait(request.portrait, theme)
        case _:
            parts = _item(request.item_illustration, theme)
    return " ".join([*(part for part in parts if part), *_ending(picture(request).details)])


def restyling(request: GenerationRequest, old: Theme, new: Theme, apply: ApplyThemeRequest) -> str:
    """The prompt that gives the reference picture, which a normalised request describes, another theme."""
    strength = apply.strength if apply.HasField("strength") else 1.0
    return " ".join(
        part
        for part in (
            f"Redraw the reference picture in {_named(new)} style, {_degree(strength)}: strength {strength:g} "
            "of 1. Keep its layout, subject and proportions.",
            prompt(request, _blended(old, new, apply)),
            _said("Mood", apply.style.atmosphere),
        )
        if part
    )


def _blended(old: Theme, new: Theme, apply: ApplyThemeRequest) -> Theme:
    """The new theme; where only some of its elements are applied, with the others as they were."""
    blended = Theme(name=new.name, display_name=new.display_name, elements=new.elements)
    if apply.elements:
        blended.elements.CopyFrom(old.elements)
        for element in apply.elements:
            name = ThemeElement.Name(element).removeprefix("THEME_ELEMENT_").lower()
            setattr(blended.elements, name, getattr(new.elements, name))
    for name in ("color_scheme", "lighting"):
        if changed := getattr(apply.style, name):
            setattr(blended.elements, name, changed)
    return blended


def _degree(strength: float) -> str:
    return next(word for least, word in _DEGREES if strength >= least)


def _tactical_map(request: GenerateTacticalMapRequest, theme: Theme) -> list[str]:
    style = theme.elements
    return [
        f"Tactical battle map for a tabletop role-playing game in {_named(theme)} style, "
        "seen straight from above, orthographic, evenly lit, playable, no perspective.",
        _said("Terrain", _with_properties(request.terrain.type, request.terrain.properties)),
        _said("It shows", _listed(request.features)),
        _said("Architecture", style.architecture),
        _said("Environment", style.environment),
        _said("Technology", style.technology),
        _said("Colors", style.color_scheme),
        _said("Lighting", style.lighting),
        "No grid, no text, no labels, no characters, no border.",
    ]


def _campaign_map(request: GenerateCampaignMapRequest, theme: Theme) -> list[str]:
    style = theme.elements
    across = request.scale.value * request.size.width / 100
    places = (each.type or each.icon for each in request.points_of_interest)
    return [
        f"Campaign map of a region for a tabletop role-playing game in {_named(theme)} style, "
        "hand-drawn cartography seen from above.",
        _said("It shows", _listed(request.features)),
        _said("Places", _listed(dict.fromkeys(place for place in places if place))),
        _said(
            "Scale",
            f"about {across:g} {request.scale.unit} across" if request.scale.unit else "",
        ),
        _said("Settlements", style.architecture),
        _said("Land", style.environment),
        _said("Colors", style.color_scheme),
        _said("Lighting", style.lighting),
        "No grid, no text, no labels, no legend, no border.",
    ]


def _portrait(request: GeneratePortraitRequest, theme: Theme) -> list[str]:
    style, staging = theme.elements, request.style
    who = " ".join(part for part in (request.species, request.character_class) if part)
    equipment = _listed(request.equipment.items) if request.equipment.visible else ""
    return [
        f"Character portrait of {_WHO[request.kind]} for a tabletop role-playing game in {_named(theme)} style, "
        "head and shoulders, expressive face.",
        _said("Character", who),
        _said("Traits", _listed(request.traits)),
        _said("Equipment", equipment),
        _said("Clothing", style.clothing),
        _said("Technology", style.technology),
        _said("Pose", staging.pose),
        _said("Background", staging.background or style.environment),
        _said("Colors", style.color_scheme),
        _said("Lighting", staging.lighting or style.lighting),
        "One character only, no text, no frame.",
    ]


def _item(request: GenerateItemIllustrationRequest, theme: Theme) -> list[str]:
    style, staging, properties = theme.elements, request.style, request.properties
    return [
        f"Item illustration of {_WHAT[request.type]} for a tabletop role-playing game in {_named(theme)} style, "
        "one item centred on a plain plate.",
        _said("Item", request.name),
        _said("Material", properties.material),
        _said("Magical effects", _listed(properties.magical_effects)),
        _said("Condition", properties.wear_state),
        _said("Seen", staging.angle),
        _said("Level of detail", staging.detail_level),
        _said("Craft", style.technology),
        _said("Colors", style.color_scheme),
        _said("Lighting", staging.lighting or style.lighting),
        "No hands, no text, no frame.",
    ]


def _ending(details: str) -> list[str]:
    return [_said("Also", details.strip())] if details.strip() else []


def _named(theme: Theme) -> str:
    return theme.display_name or theme.name.replace("_", " ")


def _said(what: str, text: str) -> str:
    return f"{what}: {text.rstrip('.')}." if text else ""


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)


def _with_properties(name: str, properties: Mapping[str, str]) -> str:
    described = ", ".join(f"{key} {value}" for key, value in sorted(properties.items()))
    return f"{name} ({described})" if name and described else name or described
