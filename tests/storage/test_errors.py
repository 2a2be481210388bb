"""The exception for each error that the Storage Service reports."""

from __future__ import annotations

import pytest
from tabletop.hub.v1.error_pb2 import Error

from image_grpc.errors import InvalidArgument, RequestIdReused, StorageServiceError, VersionConflict, Violation
from image_grpc.storage.errors import BlobIncomplete, RecordNotFound, RetryableFailure, exception_for


@pytest.mark.parametrize(
    ("code", "exception"),
    [
        ("VERSION_CONFLICT", VersionConflict),
        ("ALREADY_EXISTS", RequestIdReused),
        ("RECORD_NOT_FOUND", RecordNotFound),
        ("BLOB_INCOMPLETE", BlobIncomplete),
    ],
)
def test_a_known_code_has_its_own_exception(code: str, exception: type[Exception]) -> None:
    translated = exception_for(Error(code=code, message="what happened"))
    assert type(translated) is exception
    assert str(translated) == "what happened"


def test_an_invalid_field_is_named_once() -> None:
    error = Error(code="INVALID_ARGUMENT", message="page_token: is malformed", details={"field": "page_token"})
    translated = exception_for(error)
    assert isinstance(translated, InvalidArgument)
    assert translated.violations == (Violation("page_token", "is malformed"),)


@pytest.mark.parametrize("code", ["STORAGE_SERVICE_ERROR", "A_CODE_OF_THE_FUTURE", ""])
def test_other_failures_are_repeated_if_the_service_says_so(code: str) -> None:
    temporary = exception_for(Error(code=code, message="busy", details={"retryable": True}))
    assert (type(temporary), str(temporary)) == (RetryableFailure, "busy")
    permanent = exception_for(Error(code=code, message="broken"))
    assert (type(permanent), str(permanent)) == (StorageServiceError, "the Storage Service failed: broken")
