"""Identifiers and digests that make repeated requests recognizable."""

from __future__ import annotations

import uuid

from google.protobuf.duration_pb2 import Duration
from tabletop.image.v1.generation_request_pb2 import (
    ApplyThemeRequest,
    GenerateCampaignMapRequest,
    GeneratePortraitRequest,
    GenerateTacticalMapRequest,
    RegenerateImageRequest,
)
from tabletop.image.v1.theme_service_pb2 import CreateThemeRequest, UpdateThemeRequest

from image_grpc.idempotency import content_digest, derived_id


def test_a_derived_id_is_a_uuid_that_its_parts_determine() -> None:
    assert uuid.UUID(derived_id("upload", "request"))
    assert derived_id("upload", "request") == derived_id("upload", "request")
    assert len({derived_id(*parts) for parts in (("upload",), ("upload", "request"), ("delete", "request"))}) == 3


def test_derived_ids_stay_the_same_between_releases() -> None:
    """Requests that were sent to an earlier release must be recognized."""
    assert derived_id("upload", "request") == str(
        uuid.uuid5(uuid.UUID("5a1d0f0e-6a0c-5c3f-9d53-0d6f2f1c7b11"), "upload/request")
    )


def test_a_digest_is_64_hexadecimal_digits() -> None:
    digest = content_digest(GeneratePortraitRequest(theme="fantasy"))
    assert len(bytes.fromhex(digest)) == 32


def test_content_determines_the_digest() -> None:
    assert content_digest(GeneratePortraitRequest(theme="fantasy")) == content_digest(
        GeneratePortraitRequest(theme="fantasy")
    )
    assert content_digest(GeneratePortraitRequest(theme="fantasy")) != content_digest(
        GeneratePortraitRequest(theme="horror")
    )


def test_the_digest_does_not_depend_on_the_order_of_a_map() -> None:
    digests = set()
    keys = [str(number) for number in range(50)]
    for order in (keys, keys[::-1]):
        request = GenerateTacticalMapRequest(theme="fantasy")
        for key in order:
            request.terrain.properties[key] = key
        digests.add(content_digest(request))
    assert len(digests) == 1


def test_equal_fields_of_another_type_are_other_content() -> None:
    requests = (GeneratePortraitRequest(theme="fantasy"), GenerateCampaignMapRequest(theme="fantasy"))
    assert requests[0].SerializeToString() == requests[1].SerializeToString()
    assert content_digest(requests[0]) != content_digest(requests[1])


def test_the_wait_and_the_version_are_not_content() -> None:
    plain = content_digest(RegenerateImageRequest(image_id="image"))
    assert content_digest(RegenerateImageRequest(image_id="image", version=3)) == plain
    assert content_digest(RegenerateImageRequest(image_id="image", wait_for=Duration(seconds=3))) == plain


def test_the_version_of_a_theme_is_not_content() -> None:
    requests = [UpdateThemeRequest(theme={"name": "noir", "version": version}) for version in (0, 1)]
    assert content_digest(requests[0]) == content_digest(requests[1])
    assert requests[1].theme.version == 1, "the request itself is not changed"
    other = UpdateThemeRequest(theme={"name": "noir", "description": "rain"})
    assert content_digest(requests[0]) != content_digest(other)


def test_a_theme_that_is_a_name_is_content() -> None:
    assert content_digest(ApplyThemeRequest(theme="noir")) != content_digest(ApplyThemeRequest(theme="horror"))
    assert content_digest(CreateThemeRequest()) != content_digest(UpdateThemeRequest())
