from __future__ import annotations

from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest
from tabletop.image.v1.types_pb2 import Size

from image_grpc.validation import find_violations, normalize_uuids

LOWER = "0f8fad5b-d9cb-469f-a165-70867728950e"
UPPER = LOWER.upper()


def portrait_request(**fields: object) -> GeneratePortraitRequest:
    return GeneratePortraitRequest(**{"theme": "fantasy", "size": Size(width=64, height=64), **fields})


def test_a_valid_message_has_no_violations() -> None:
    assert find_violations(portrait_request()) == []


def test_all_violations_are_returned_with_their_field_paths() -> None:
    request = portrait_request(size=Size(width=1, height=64), reference_image_ids=[LOWER, "x"])
    assert {violation.field for violation in find_violations(request)} == {"size.width", "reference_image_ids[1]"}
    assert all(violation.description for violation in find_violations(request))


def test_uuids_are_converted_to_lower_case() -> None:
    request = portrait_request(request_id=UPPER, reference_image_ids=[UPPER, LOWER], details="ABC")
    normalize_uuids(request)
    assert request.request_id == LOWER
    assert list(request.reference_image_ids) == [LOWER, LOWER]
    assert request.details == "ABC"


def test_malformed_uuids_and_empty_fields_stay_invalid() -> None:
    request = portrait_request(reference_image_ids=["NOT-A-UUID"])
    normalize_uuids(request)
    assert request.request_id == ""
    assert [violation.field for violation in find_violations(request)] == ["reference_image_ids[0]"]
