"""The parts of an upload: their order and their total size."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tabletop.image.v1.image_service_pb2 import UploadImageRequest

from image_grpc.errors import InvalidArgument
from image_grpc.images.upload import receive
from tests.service import UPLOAD_DEFAULTS, new_id

DESCRIPTION = UploadImageRequest(description=UPLOAD_DEFAULTS)
DATA = UploadImageRequest(data=b"12345")


async def stream(*parts: UploadImageRequest) -> AsyncIterator[UploadImageRequest]:
    for part in parts:
        yield part


async def test_the_data_of_all_parts_is_joined() -> None:
    last = UploadImageRequest(data=b"67")
    assert await receive(stream(DESCRIPTION, DATA, last), max_bytes=100) == (DESCRIPTION.description, b"1234567")


async def test_a_description_without_data_is_received() -> None:
    assert await receive(stream(DESCRIPTION), max_bytes=100) == (DESCRIPTION.description, b"")


@pytest.mark.parametrize(
    "parts",
    [(), (DATA,), (DATA, DESCRIPTION), (DESCRIPTION, DESCRIPTION), (DESCRIPTION, DATA, DESCRIPTION)],
    ids=["nothing", "no description", "data first", "two descriptions", "a description after the data"],
)
async def test_the_description_is_the_first_part_and_only_the_first(parts: tuple[UploadImageRequest, ...]) -> None:
    with pytest.raises(InvalidArgument, match="must be the first message") as error:
        await receive(stream(*parts), max_bytes=100)
    assert [violation.field for violation in error.value.violations] == ["description"]


async def test_an_invalid_description_is_rejected_before_the_data_is_read() -> None:
    parts = stream(UploadImageRequest(description={**UPLOAD_DEFAULTS, "subtype": "IMAGE_SUBTYPE_PORTRAIT"}), DATA)
    with pytest.raises(InvalidArgument) as error:
        await receive(parts, max_bytes=100)
    assert [violation.field for violation in error.value.violations] == ["description.subtype"]
    assert await anext(parts) == DATA


async def test_data_of_exactly_the_limit_is_accepted() -> None:
    assert (await receive(stream(DESCRIPTION, DATA, DATA), max_bytes=10))[1] == b"1234512345"


async def test_the_first_part_beyond_the_limit_is_rejected() -> None:
    parts = stream(DESCRIPTION, DATA, DATA, DATA)
    with pytest.raises(InvalidArgument, match="at most 9 bytes") as error:
        await receive(parts, max_bytes=9)
    assert [violation.field for violation in error.value.violations] == ["data"]
    assert await anext(parts) == DATA, "the rest is not read"


async def test_uuids_are_received_in_lower_case() -> None:
    source_id = new_id()
    part = UploadImageRequest(description={**UPLOAD_DEFAULTS, "source": {"id": source_id.upper()}})
    assert (await receive(stream(part), max_bytes=100))[0].source.id == source_id
