"""Why the Storage Service refuses a request; each becomes an error reply with its code."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that has no effect. `code` is for programs, the text for people."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False
    field: str = ""


class Invalid(Refusal):
    """A field breaks its rules."""

    code = "INVALID_ARGUMENT"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Conflict(Refusal):
    """A precondition does not hold."""

    code = "VERSION_CONFLICT"


class NotFound(Refusal):
    """A record or a blob is not there."""

    code = "RECORD_NOT_FOUND"


class Reused(Refusal):
    """A storage_correlation_id was used before with other content."""

    code = "ALREADY_EXISTS"


class BlobIncomplete(Refusal):
    """A batch names a blob of which parts are missing or wrong; they must be sent again."""

    code = "BLOB_INCOMPLETE"


class Busy(Refusal):
    """The same request may succeed in a moment."""

    code = "STORAGE_SERVICE_ERROR"
    retryable = True
