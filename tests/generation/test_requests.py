"""Normalizing requests, and what makes two requests equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from tabletop.image.internal.v1.generation_record_pb2 import GenerationRecord
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import CacheMode, ImageFormat, ImageSubtype, ImageType, Priority

from image_grpc.generation import requests
from image_grpc.generation.kinds import kind_of
from image_grpc.idempotency import content_digest
from image_grpc.messages import clone
from tests.generation.builders import KINDS, SETTINGS, THEME, campaign_map, fill, item, portrait, tactical_map

every_kind = pytest.mark.parametrize("kind", KINDS)

CALL_FIELDS = {"request_id", "wait_for", "validate_only"}
"""Concern the call only, so they are not part of a normalized request."""
DELIVERY_FIELDS = {"priority", "cache"}
"""Concern how the picture is obtained, not what it shows."""


NOTHING_ELSE = {"layout.floor_plan_parameters"}
"""The only field of its message, which is empty without it: the same as none."""


def normalize(request: Any) -> Any:
    return requests.normalize(kind_of(request), request, SETTINGS)


def normalized(request: Any) -> Any:
    return requests.picture_in(normalize(request))


def fingerprint(request: Any, theme: Theme = THEME) -> str:
    return requests.fingerprint(normalize(request), theme)


def with_one_field_cleared(message: Message, prefix: str = "") -> Iterator[tuple[str, Message]]:
    """Yield the path of every field that is set, also in nested messages, and the message without that field."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        without = clone(message)
        without.ClearField(field.name)
        yield path, without
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        nested_message = value[0] if field.is_repeated else value
        for nested_path, nested in with_one_field_cleared(nested_message, f"{path}."):
            changed = clone(message)
            target = getattr(changed, field.name)
            (target[0] if field.is_repeated else target).CopyFrom(nested)
            yield nested_path, changed


# Normalizing


@every_kind
def test_defaults_are_filled_in(kind: Any) -> None:
    filled = normalized(type(kind())(theme="fantasy"))
    assert (filled.size.width, filled.size.height) == (1024, 1024)
    assert filled.format == ImageFormat.IMAGE_FORMAT_PNG
    assert filled.priority == Priority.PRIORITY_NORMAL
    assert filled.cache == CacheMode.CACHE_MODE_USE


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (tactical_map, SETTINGS.model_tactical_map),
        (campaign_map, SETTINGS.model_campaign_map),
        (portrait, SETTINGS.model_portrait),
        (item, SETTINGS.model_item),
    ],
)
def test_each_kind_has_its_own_default_model(kind: Any, model: str) -> None:
    assert normalized(kind()).model == model


@every_kind
def test_given_values_are_kept(kind: Any) -> None:
    request = fill(type(kind())())
    kept = normalized(request)
    for name in CALL_FIELDS:
        request.ClearField(name)
    assert kept == request


@every_kind
def test_fields_of_the_call_are_removed(kind: Any) -> None:
    remaining = normalized(fill(type(kind())()))
    assert not CALL_FIELDS & {field.name for field, _ in remaining.ListFields()}


@every_kind
@pytest.mark.parametrize("prepare", [lambda request: request, fill], ids=["plain", "full"])
def test_normalizing_twice_changes_nothing(kind: Any, prepare: Any) -> None:
    once = normalize(prepare(type(kind())(theme="fantasy")))
    assert normalize(requests.picture_in(once)) == once


@every_kind
def test_the_original_request_is_not_modified(kind: Any) -> None:
    request, original = kind(request_id="7"), kind(request_id="7")
    normalize(request)
    assert request == original


def test_a_grid_gets_defaults_and_a_missing_grid_stays_missing() -> None:
    assert not normalized(tactical_map()).HasField("grid")
    grid = normalized(tactical_map(grid={"enabled": True})).grid
    assert (grid.size, grid.color, grid.kind) == (70, "#00000080", 1)


def test_a_wall_is_solid_by_default() -> None:
    walls = normalized(tactical_map(walls=[{}, {"kind": 2}])).walls
    assert [wall.kind for wall in walls] == [1, 2]


def test_a_portrait_is_of_a_player_character_by_default() -> None:
    assert normalized(portrait()).kind == 1
    assert normalized(portrait(kind=3)).kind == 3


@pytest.mark.parametrize(("kind", "field"), [(portrait, "character_id"), (item, "item_id")])
def test_the_subject_is_the_source_unless_a_source_is_given(kind: Any, field: str) -> None:
    assert normalized(kind(**{field: "it"})).source.id == "it"
    assert normalized(kind(**{field: "it", "source": {"service": "s"}})).source.id == "it"
    assert normalized(kind(**{field: "it", "source": {"id": "other"}})).source.id == "other"
    assert not normalized(kind()).HasField("source")


# Wrapping


@every_kind
def test_a_request_can_be_wrapped_and_unwrapped(kind: Any) -> None:
    picture = kind(details="a tower")
    request = requests.wrap(kind_of(picture), picture)
    assert requests.kind_in(request) is kind_of(picture)
    assert requests.picture_in(request) == picture
    assert requests.picture_in(request) is not picture


def test_a_new_version_is_generated_from_the_merged_request() -> None:
    record = GenerationRecord()
    record.generation.request.portrait.details = "as requested"
    assert requests.complete_request(record).portrait.details == "as requested"
    record.picture.portrait.details = "merged"
    assert requests.complete_request(record).portrait.details == "merged"


# Facets


@pytest.mark.parametrize(
    ("picture", "type_", "subtype"),
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
def test_facets_are_type_subtype_theme_and_source(picture: Any, type_: int, subtype: int) -> None:
    picture.source.id, picture.source.service = "it", "some-service"
    facets = requests.facets(normalize(picture))
    assert (facets.type, facets.subtype) == (type_, subtype)
    assert (facets.theme, facets.source_id, facets.service) == ("fantasy", "it", "some-service")


# Fingerprint


@every_kind
def test_equal_requests_share_a_fingerprint(kind: Any) -> None:
    assert fingerprint(kind(details="the same")) == fingerprint(kind(details="the same"))
    assert len(fingerprint(kind())) == 64


@every_kind
def test_fields_of_the_call_and_of_the_delivery_do_not_affect_the_fingerprint(kind: Any) -> None:
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
def test_an_empty_message_is_the_same_as_none(kind: Any) -> None:
    empty = kind()
    for field in empty.DESCRIPTOR.fields:
        if field.message_type is not None and not field.is_repeated and field.name != "size":
            getattr(empty, field.name).SetInParent()
    assert fingerprint(empty) == fingerprint(kind())


@every_kind
def test_every_other_field_affects_the_fingerprint(kind: Any) -> None:
    request = fill(type(kind())())
    paths = {fingerprint(request): "nothing"}
    names = set()
    for path, changed in with_one_field_cleared(request):
        name = path.split(".")[0]
        names.add(name)
        if name in CALL_FIELDS | DELIVERY_FIELDS or path in NOTHING_ELSE:
            continue
        digest = fingerprint(changed)
        assert digest not in paths, f"without {path} it is the same as without {paths[digest]}"
        paths[digest] = path
    assert names == {field.name for field in request.DESCRIPTOR.fields}, "all of them were changed"


def test_an_explicit_default_is_equal_to_no_value() -> None:
    explicit = tactical_map(
        format=ImageFormat.IMAGE_FORMAT_PNG,
        model=SETTINGS.model_tactical_map,
        priority=Priority.PRIORITY_NORMAL,
        cache=CacheMode.CACHE_MODE_USE,
    )
    assert fingerprint(explicit) == fingerprint(tactical_map())


def test_the_order_of_map_entries_does_not_affect_the_fingerprint() -> None:
    first, second = tactical_map(), tactical_map()
    for key in ("a", "b", "c"):
        first.terrain.properties[key] = key
    for key in ("c", "b", "a"):
        second.terrain.properties[key] = key
    assert fingerprint(first) == fingerprint(second)


def test_kinds_never_share_a_fingerprint() -> None:
    assert len({fingerprint(kind()) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("element", [field.name for field in THEME.elements.DESCRIPTOR.fields])
def test_a_changed_theme_changes_the_fingerprint(element: str) -> None:
    changed = clone(THEME)
    setattr(changed.elements, element, "something else")
    assert fingerprint(tactical_map(), changed) != fingerprint(tactical_map())


def test_the_name_of_a_theme_in_prompts_affects_the_fingerprint_and_its_version_does_not() -> None:
    renamed = Theme(name=THEME.name, display_name="Other", elements=THEME.elements)
    edited = clone(THEME)
    edited.version, edited.description = 7, "another description"
    assert fingerprint(tactical_map(), renamed) != fingerprint(tactical_map())
    assert fingerprint(tactical_map(), edited) == fingerprint(tactical_map())


def test_a_fingerprint_leaves_the_request_unchanged() -> None:
    request = normalize(portrait())
    original = clone(request)
    requests.fingerprint(request, THEME)
    assert request == original


# Content digest


@every_kind
def test_how_long_the_caller_waits_does_not_affect_the_digest(kind: Any) -> None:
    assert content_digest(kind()) == content_digest(kind(wait_for={"seconds": 7}))


@every_kind
def test_every_other_field_affects_the_digest(kind: Any) -> None:
    request = fill(type(kind())())
    digests = {content_digest(request)}
    for path, changed in with_one_field_cleared(request):
        if not path.startswith("wait_for"):
            digest = content_digest(changed)
            assert digest not in digests, path
            digests.add(digest)


def test_kinds_never_share_a_digest() -> None:
    assert len({content_digest(kind()) for kind in KINDS}) == len(KINDS)
