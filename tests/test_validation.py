from __future__ import annotations

import uuid

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from tabletop.image.v1.audit_service_pb2 import ListAuditEntriesRequest
from tabletop.image.v1.generation_request_pb2 import GeneratePortraitRequest, GenerateTacticalMapRequest
from tabletop.image.v1.image_service_pb2 import ListImagesRequest
from tabletop.image.v1.map_pb2 import Cell, Wall
from tabletop.image.v1.overlay_pb2 import TacticalElement
from tabletop.image.v1.overlay_service_pb2 import CreateTacticalOverlayRequest
from tabletop.image.v1.types_pb2 import Size

from image_grpc.errors import Violation
from image_grpc.validation import LARGE_BYTES, find_rule_violations, find_violations, normalize_uuids

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


def test_lists_that_are_too_long_are_reported_alone() -> None:
    request = CreateTacticalOverlayRequest(elements=[TacticalElement()] * 1001)
    assert find_violations(request) == [Violation("elements", "must contain no more than 1000 item(s)")]
    nested = CreateTacticalOverlayRequest(elements=[TacticalElement(line_of_sight={"walls": [Wall()] * 2001})])
    assert find_violations(nested) == [
        Violation("elements[0].line_of_sight.walls", "must contain no more than 2000 item(s)")
    ]


async def test_a_large_message_is_reported_with_its_first_violation() -> None:
    element = TacticalElement(range={"difficult_terrain": [Cell(column=index) for index in range(10_000)]})
    request = CreateTacticalOverlayRequest(map_id=str(uuid.uuid4()), elements=[element] * 4)
    assert request.ByteSize() > LARGE_BYTES
    assert len(await find_rule_violations(request)) == 1


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (GeneratePortraitRequest(theme="fantasy", details="a\0b"), "details"),
        (GenerateTacticalMapRequest(theme="fantasy", features=["pit", "a\0"]), "features[1]"),
        (ListImagesRequest(service="\0"), "service"),
    ],
)
def test_a_text_with_nul_is_invalid(message: Message, path: str) -> None:
    assert Violation(path, "must not contain NUL characters") in find_violations(message)


def test_a_time_that_does_not_exist_is_invalid() -> None:
    request = ListAuditEntriesRequest(start_time=Timestamp(seconds=2**62), end_time=Timestamp(nanos=-1))
    assert [violation.field for violation in find_violations(request)] == ["start_time", "end_time"]
    first, last = Timestamp(seconds=-62_135_596_800), Timestamp(seconds=253_402_300_799, nanos=999_999_999)
    assert not find_violations(ListAuditEntriesRequest(start_time=first, end_time=last))
