"""What changes of a character are seen in its portraits, and how a portrait is asked for anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest

GROUPS = frozenset({"appearance", "equipment"})
"""Names whose values, if they are objects, are changes of appearance or equipment one by one."""

# fmt: off
VISIBLE = GROUPS | frozenset([
    "age", "ancestry", "armor", "armour", "beard", "body", "build", "character_class", "class", "clothes",
    "clothing", "complexion", "eye_color", "eyes", "face", "gear", "gender", "hair", "hair_color", "hair_style",
    "height", "items", "jewelry", "look", "outfit", "race", "scars", "sex", "shield", "skin", "skin_color",
    "species", "tattoos", "traits", "weapon", "weapons", "weight",
])
# fmt: on
"""Names of changes that are seen; others are none of a portrait's business."""

_FIELDS = {
    "species": "species",
    "race": "species",
    "ancestry": "species",
    "class": "character_class",
    "character_class": "character_class",
}
"""Changes that a portrait has a field of its own for."""
_ITEMS = frozenset({"items", "equipment", "gear"})
"""Changes whose value, if it is a list, is what the character carries."""

MAX_DETAILS = 2000
MAX_TEXT = 200
MAX_LIST = 32


def seen(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that are seen, by name; those within a group by their own names."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if name in GROUPS and isinstance(value, Mapping):
            found |= value
        elif name in VISIBLE:
            found[name] = value
    return found


def changed(before: GeneratePortraitRequest, changes: Mapping[str, Any]) -> tuple[GeneratePortraitRequest, FieldMask]:
    """The portrait's parameters after changes that are seen, and which of them are others than before."""
    after = GeneratePortraitRequest()
    after.CopyFrom(before)
    mask: set[str] = set()
    in_words: dict[str, str] = {}
    for name, value in changes.items():
        if name in _FIELDS and isinstance(value, str):
            setattr(after, _FIELDS[name], value[:MAX_TEXT])
            mask.add(_FIELDS[name])
        elif name == "traits" and isinstance(value, list):
            after.traits[:] = _texts(value)
            mask.add("traits")
        elif name in _ITEMS and isinstance(value, list):
            after.equipment.visible |= not before.HasField("equipment")
            after.equipment.items[:] = _texts(value)
            mask.add("equipment")
        elif name == "visible" and isinstance(value, bool):
            after.equipment.visible = value
            mask.add("equipment")
        else:
            in_words[name.replace("_", " ")] = _words(value)
    if in_words:
        after.details = _details(before.details, in_words)
        mask.add("details")
    return after, FieldMask(paths=sorted(mask))


def _details(before: str, changes: Mapping[str, str]) -> str:
    """What was said before, without what was said of the same before, and the changes. What is too long loses its
    oldest part."""
    kept = [line for line in before.splitlines() if line.partition(": ")[0] not in changes]
    return "\n".join([*kept, *(f"{name}: {words}" for name, words in changes.items())])[-MAX_DETAILS:]


def _texts(values: list[Any]) -> list[str]:
    return [text[:MAX_TEXT] for text in map(_words, values) if text][:MAX_LIST]


def _words(value: Any) -> str:
    """A value as one would say it, on one line."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            if isinstance(value.get("name"), str):  # an item, for instance
                return _words(value["name"])
            return ", ".join(_parts(value))
        case list():
            return ", ".join(map(_words, value))
        case _:
            return " ".join(str(value).split())


def _parts(value: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name.replace('_', ' ')} {_words(each)}" for name, each in value.items())
