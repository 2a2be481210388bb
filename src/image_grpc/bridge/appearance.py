"""Which changes of a character are visible in its portraits, and how they change a portrait's parameters."""

from collections.abc import Mapping

from google.protobuf.field_mask_pb2 import FieldMask
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest

from image_grpc.hub.envelope import JsonValue
from image_grpc.messages import clone

GROUPS = frozenset({"appearance", "equipment"})
"""Names whose object values consist of visible changes."""

# fmt: off
VISIBLE = GROUPS | frozenset([
    "age", "ancestry", "armor", "armour", "beard", "body", "build", "character_class", "class", "clothes",
    "clothing", "complexion", "eye_color", "eyes", "face", "gear", "gender", "hair", "hair_color", "hair_style",
    "height", "items", "jewelry", "look", "outfit", "race", "scars", "sex", "shield", "skin", "skin_color",
    "species", "tattoos", "traits", "weapon", "weapons", "weight",
])
# fmt: on
"""Names of visible changes; others do not affect portraits."""

_PARAMETERS = dict.fromkeys(["species", "race", "ancestry"], "species") | dict.fromkeys(
    ["class", "character_class"], "character_class"
)
"""Changes for which the portrait request has a text field."""
_ITEM_LISTS = frozenset({"items", "equipment", "gear"})
"""Changes whose list value is what the character carries."""

MAX_DETAILS = 2000
MAX_TEXT = 200
MAX_LIST = 32


def visible_changes(changes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the visible changes by name; those within a group by their own names."""
    visible: dict[str, JsonValue] = {}
    for name, value in changes.items():
        if name in GROUPS and isinstance(value, dict):
            visible |= value
        elif name in VISIBLE:
            visible[name] = value
    return visible


def apply_changes(
    current: GeneratePortraitRequest, changes: Mapping[str, JsonValue]
) -> tuple[GeneratePortraitRequest, FieldMask]:
    """Return the portrait's parameters after visible changes, and the mask of those that changed."""
    portrait = clone(current)
    mask: set[str] = set()
    details: dict[str, str] = {}
    for name, value in changes.items():
        if name in _PARAMETERS and isinstance(value, str):
            setattr(portrait, _PARAMETERS[name], value[:MAX_TEXT])
            mask.add(_PARAMETERS[name])
        elif name == "traits" and isinstance(value, list):
            portrait.traits[:] = _texts(value)
            mask.add("traits")
        elif name in _ITEM_LISTS and isinstance(value, list):
            portrait.equipment.visible |= not current.HasField("equipment")
            portrait.equipment.items[:] = _texts(value)
            mask.add("equipment")
        elif name == "visible" and isinstance(value, bool):
            portrait.equipment.visible = value
            mask.add("equipment")
        else:
            details[name.replace("_", " ")] = _text(value)
    if details:
        kept = [line for line in current.details.splitlines() if line.partition(": ")[0] not in details]
        lines = [*kept, *(f"{name}: {text}" for name, text in details.items())]
        portrait.details = "\n".join(lines)[-MAX_DETAILS:]  # the newest details are at the end
        mask.add("details")
    return portrait, FieldMask(paths=sorted(mask))


def _texts(values: list[JsonValue]) -> list[str]:
    return [text[:MAX_TEXT] for text in map(_text, values) if text][:MAX_LIST]


def _text(value: JsonValue) -> str:
    """Return a value as English text on one line."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case {"name": str(name)}:  # for example an item
            return _text(name)
        case dict():
            return ", ".join(f"{name.replace('_', ' ')} {_text(each)}" for name, each in value.items())
        case list():
            return ", ".join(map(_text, value))
        case _:
            return " ".join(str(value).split())
