"""Operations on protobuf messages and enums."""

from __future__ import annotations

import time

import pytest
from tabletop.image.v1.generation_pb2 import GenerationState
from tabletop.image.v1.generation_request_pb2 import GenerationRequest
from tabletop.image.v1.image_service_pb2 import DeleteImageRequest
from tabletop.image.v1.theme_pb2 import Theme
from tabletop.image.v1.types_pb2 import ImageSubtype, ImageType

from image_grpc.messages import clone, clone_without, enum_label, now, oneof_field, oneof_value


def test_a_clone_is_equal_and_independent() -> None:
    theme = Theme(name="noir", elements={"clothing": "fedoras"})
    copy = clone(theme)
    assert copy == theme
    copy.elements.clothing = "white suits"
    assert theme.elements.clothing == "fedoras"


def test_a_clone_can_leave_fields_out() -> None:
    request = DeleteImageRequest(image_id="image", version=3, request_id="request")
    assert clone_without(request, "version", "wait_for") == DeleteImageRequest(image_id="image", request_id="request")
    assert request.version == 3


def test_the_set_field_of_a_oneof_is_found() -> None:
    request = GenerationRequest()
    request.portrait.theme = "noir"
    assert oneof_field(request, "kind") == "portrait"
    assert oneof_value(request, "kind") is request.portrait


@pytest.mark.parametrize("function", [oneof_field, oneof_value])
def test_a_oneof_without_a_set_field_is_an_error(function: object) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match=r"tabletop\.image\.v1\.GenerationRequest\.kind is not set"):
        function(GenerationRequest(), "kind")


def test_the_label_of_an_enum_value_is_its_short_name() -> None:
    assert enum_label(ImageType, ImageType.IMAGE_TYPE_MAP) == "map"
    assert enum_label(ImageType, ImageType.IMAGE_TYPE_UNSPECIFIED) == ""
    assert enum_label(GenerationState, GenerationState.GENERATION_STATE_QUEUED) == "queued"


@pytest.mark.parametrize("enum", [ImageType, ImageSubtype, GenerationState])
def test_labels_are_unique_within_an_enum(enum: object) -> None:
    labels = [enum_label(enum, value) for value in enum.values()]  # type: ignore[attr-defined, arg-type]
    assert len(set(labels)) == len(labels)


def test_an_unknown_enum_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="99"):
        enum_label(ImageType, 99)


def test_now_is_the_current_time() -> None:
    before = time.time_ns()
    assert before - 1_000_000_000 <= now().ToNanoseconds() <= time.time_ns() + 1_000_000_000
