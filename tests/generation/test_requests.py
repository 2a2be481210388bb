"""Normal requests, what names equal ones, and what tells others apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Priority

from image_grpc import records
from image_grpc.generation import built_in, kinds
from image_grpc.settings import ServerSettings, load
from tests.service import campaign_map, item, portrait, tactical_map

SETTINGS = load(
    ServerSettings,
    model_tactical_map="model-of-tactical-maps",
    model_campaign_map="model-of-campaign-maps",
    model_portrait="model-of-portraits",
    model_item="model-of-items",
)
THEME = built_in()["fantasy"]
KINDS = [tactical_map, campaign_map, portrait, item]
every_kind = pytest.mark.parametrize("kind", KINDS)

OF_THE_CALL = {"request_id", "wait_for", "validate_only"}
"""What concerns the call alone, and is no part of a normal request."""
OF_THE_WAY = {"priority", "cache"}
"""What concerns how a picture is come by, not what it shows."""


def normal(request: Any) -> Any:
    return kinds.normalise(request, SETTINGS)


def fingerprint(request: Any, theme: Theme = THEME) -> str:
    return kinds.fingerprint(normal(request), theme)


def full(message: Message) -> Any:
    """The message with every field set to something that is no default."""
    for field in message.DESCRIPTOR.fields:
        set_field(message, field)
    return message


def set_field(message: Any, field: FieldDescriptor) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(message, field.name)["key"] = "value"
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        full(inner.add() if field.is_repeated else inner)
    elif field.is_repeated:
        getattr(message, field.name).append(value_of(field))
    else:
        setattr(message, field.name, value_of(field))


def value_of(field: FieldDescriptor) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return f"some {field.name}"
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case FieldDescriptor.CPPTYPE_ENUM:
            return field.enum_type.values[2].number  # nowhere the default
        case _:
            return 77


def changes(message: Message, path: str = "") -> Iterator[tuple[str, Message]]:
    """For every field, also inside of others: its path, and the message without it."""
    for field, value in message.ListFields():
        here = f"{path}{field.name}"
        without = type(message)()
        without.CopyFrom(message)
        without.ClearField(field.name)
        yield here, without
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for inner_path, inner in changes(value[0] if field.is_repeated else value, f"{here}."):
            changed = type(message)()
            changed.CopyFrom(message)
            slot = getattr(changed, field.name)
            (slot[0] if field.is_repeated else slot).CopyFrom(inner)
            yield inner_path, changed


# Normalise


@every_kind
def test_defaults_are_filled_in(kind: Any) -> None:
    request = type(kind())(theme="fantasy")
    filled = kinds.picture(normal(request))
    assert (filled.size.width, filled.size.height) == (1024, 1024)
    assert filled.format == ImageFormat.IMAGE_FORMAT_PNG
    assert filled.priority == Priority.PRIORITY_NORMAL
    assert filled.cache == CacheMode.CACHE_MODE_USE
    assert filled.model.startswith("model-of-")


@every_kind
def test_what_was_asked_for_is_kept(kind: Any) -> None:
    request = full(type(kind())())
    kept = kinds.picture(normal(request))
    for name in OF_THE_CALL:
        request.ClearField(name)
    assert kept == request


@every_kind
def test_what_concerns_the_call_alone_is_left_out(kind: Any) -> None:
    left = kinds.picture(normal(full(type(kind())())))
    assert not OF_THE_CALL & {field.name for field, _ in left.ListFields()}


@every_kind
@pytest.mark.parametrize("make", [lambda request: request, full], ids=["plain", "full"])
def test_a_normal_request_is_normal_already(kind: Any, make: Any) -> None:
    once = normal(make(type(kind())(theme="fantasy")))
    assert normal(kinds.picture(once)) == once


@every_kind
def test_the_request_itself_is_left_as_it_was(kind: Any) -> None:
    request, same = kind(request_id="7"), kind(request_id="7")
    normal(request)
    assert request == same


def test_a_grid_gets_its_defaults_and_no_grid_stays_none() -> None:
    assert not normal(tactical_map()).tactical_map.HasField("grid")
    grid = normal(tactical_map(grid={"enabled": True})).tactical_map.grid
    assert (grid.size, grid.color) == (70, "#00000080")


@pytest.mark.parametrize(("kind", "field"), [(portrait, "character_id"), (item, "item_id")])
def test_what_it_is_of_is_its_source_unless_another_is_named(kind: Any, field: str) -> None:
    assert kinds.picture(normal(kind(**{field: "it"}))).source.id == "it"
    assert kinds.picture(normal(kind(**{field: "it", "source": {"service": "s"}}))).source.id == "it"
    assert kinds.picture(normal(kind(**{field: "it", "source": {"id": "other"}}))).source.id == "other"


# Facets


@pytest.mark.parametrize(
    ("request_", "type_", "subtype"),
    [
        (tactical_map(), ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_TACTICAL),
        (campaign_map(), ImageType.IMAGE_TYPE_MAP, ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN),
        (portrait(), ImageType.IMAGE_TYPE_CHARACTER, ImageSubtype.IMAGE_SUBTYPE_PORTRAIT),
        (item(), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_OTHER),
        (item(type="ITEM_TYPE_WEAPON"), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_WEAPON),
        (item(type="ITEM_TYPE_ARMOR"), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_ARMOR),
        (item(type="ITEM_TYPE_OTHER"), ImageType.IMAGE_TYPE_ITEM, ImageSubtype.IMAGE_SUBTYPE_OTHER),
    ],
)
def test_listings_find_a_picture_by_what_it_is(request_: Any, type_: int, subtype: int) -> None:
    request_.source.id, request_.source.service = "it", "some-service"
    found = kinds.facets(normal(request_))
    assert (found.type, found.subtype) == (type_, subtype)
    assert (found.theme, found.source_id, found.service) == ("fantasy", "it", "some-service")


# Fingerprint


@every_kind
def test_equal_requests_have_the_same_fingerprint(kind: Any) -> None:
    assert fingerprint(kind(details="the same")) == fingerprint(kind(details="the same"))
    assert len(fingerprint(kind())) == 64


@every_kind
def test_how_a_picture_is_come_by_does_not_matter(kind: Any) -> None:
    plain = fingerprint(kind())
    for changed in (
        {"request_id": "7"},
        {"wait_for": {"seconds": 7}},
        {"validate_only": True},
        {"priority": Priority.PRIORITY_HIGH},
        {"cache": CacheMode.CACHE_MODE_REFRESH},
    ):
        assert fingerprint(kind(**changed)) == plain, changed


@every_kind
def test_every_other_field_matters(kind: Any) -> None:
    request = full(type(kind())())
    seen = {fingerprint(request): "nothing"}
    names = set()
    for path, changed in changes(request):
        name = path.split(".")[0]
        names.add(name)
        if name in OF_THE_CALL | OF_THE_WAY:
            continue
        found = fingerprint(changed)
        assert found not in seen, f"without {path} it is the same as without {seen[found]}"
        seen[found] = path
    assert names == {field.name for field in request.DESCRIPTOR.fields}, "all of them were changed"


def test_a_named_default_is_the_same_as_none() -> None:
    named = tactical_map(
        format=ImageFormat.IMAGE_FORMAT_PNG,
        model="model-of-tactical-maps",
        priority=Priority.PRIORITY_NORMAL,
        cache=CacheMode.CACHE_MODE_USE,
    )
    assert fingerprint(named) == fingerprint(tactical_map())


def test_the_order_of_a_maps_entries_does_not_matter() -> None:
    one, other = tactical_map(), tactical_map()
    for key in ("a", "b", "c"):
        one.terrain.properties[key] = key
    for key in ("c", "b", "a"):
        other.terrain.properties[key] = key
    assert fingerprint(one) == fingerprint(other)


def test_kinds_never_share_a_fingerprint() -> None:
    assert len({fingerprint(kind()) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("element", [field.name for field in THEME.elements.DESCRIPTOR.fields])
def test_a_theme_that_has_changed_makes_another_picture(element: str) -> None:
    changed = Theme()
    changed.CopyFrom(THEME)
    setattr(changed.elements, element, "something else")
    assert fingerprint(tactical_map(), changed) != fingerprint(tactical_map())


# Content digest


@every_kind
def test_how_long_the_caller_waits_is_no_content(kind: Any) -> None:
    assert records.content_digest(kind()) == records.content_digest(kind(wait_for={"seconds": 7}))


@every_kind
def test_all_else_is_content(kind: Any) -> None:
    request = full(type(kind())())
    seen = {records.content_digest(request)}
    for path, changed in changes(request):
        if not path.startswith("wait_for"):
            digest = records.content_digest(changed)
            assert digest not in seen, path
            seen.add(digest)


def test_kinds_never_share_a_digest() -> None:
    assert len({records.content_digest(kind()) for kind in KINDS}) == len(KINDS)
