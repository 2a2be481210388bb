"""The registry of kinds: every request, oneof field and subtype belongs to one kind."""

from __future__ import annotations

import pytest
from tabletop.image.v1.generation_request_pb2 import GenerationRequest, RegenerateImageRequest
from tabletop.image.v1.map_pb2 import MapProperties
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.generation.kinds import KINDS, Kind, kind_of, kind_of_field, kind_of_subtype, subtypes_of

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.field)
REVISIONS = {"regenerate_image", "apply_theme"}
"""Requests that are not for a picture of a kind of their own."""


@every_kind
def test_a_kind_is_found_by_request_field_and_subtype(kind: Kind) -> None:
    assert kind_of(kind.request_type()) is kind
    assert kind_of_field(kind.field) is kind
    for subtype in kind.subtypes:
        assert kind_of_subtype(subtype) is kind


def test_every_request_of_the_contract_has_a_kind() -> None:
    fields = {field.name for field in GenerationRequest.DESCRIPTOR.oneofs_by_name["kind"].fields}
    parameters = {field.name for field in RegenerateImageRequest.DESCRIPTOR.oneofs_by_name["parameters"].fields}
    assert {kind.field for kind in KINDS} == fields - REVISIONS == parameters
    for kind in KINDS:
        field = GenerationRequest.DESCRIPTOR.fields_by_name[kind.field]
        assert field.message_type is kind.request_type.DESCRIPTOR


def test_every_subtype_belongs_to_one_kind() -> None:
    subtypes = [subtype for kind in KINDS for subtype in kind.subtypes]
    assert sorted(subtypes) == [subtype for subtype in ImageSubtype.values() if subtype]


def test_types_have_the_subtypes_of_their_kinds() -> None:
    assert subtypes_of(ImageType.IMAGE_TYPE_MAP) == (
        ImageSubtype.IMAGE_SUBTYPE_TACTICAL,
        ImageSubtype.IMAGE_SUBTYPE_CAMPAIGN,
    )
    assert subtypes_of(ImageType.IMAGE_TYPE_CHARACTER) == (ImageSubtype.IMAGE_SUBTYPE_PORTRAIT,)
    assert subtypes_of(ImageType.IMAGE_TYPE_ITEM) == (
        ImageSubtype.IMAGE_SUBTYPE_WEAPON,
        ImageSubtype.IMAGE_SUBTYPE_ARMOR,
        ImageSubtype.IMAGE_SUBTYPE_OTHER,
    )
    assert subtypes_of(ImageType.IMAGE_TYPE_UNSPECIFIED) == ()


@every_kind
def test_map_fields_are_fields_of_map_properties(kind: Kind) -> None:
    assert set(kind.map_fields) <= {field.name for field in MapProperties.DESCRIPTOR.fields}
    assert bool(kind.map_fields) == (kind.image_type == ImageType.IMAGE_TYPE_MAP)
    assert (kind.map_properties(kind.request_type()) is not None) == bool(kind.map_fields)


@pytest.mark.parametrize("lookup", [lambda: kind_of(GenerationRequest()), lambda: kind_of_subtype(0)])
def test_anything_else_has_no_kind(lookup: object) -> None:
    with pytest.raises(KeyError):
        lookup()  # type: ignore[operator]
