"""Why the Storage Service refuses a request. Each exception becomes an error reply with its code."""

from typing import ClassVar

from tabletop.storage.v1.error_code_pb2 import StorageErrorCode


class RequestError(Exception):
    """The request has no effect. `error_code` is for programs, the text for people."""

    error_code: ClassVar[StorageErrorCode]
    retryable: ClassVar[bool] = False
    field: str = ""
    """Path of the invalid field, if there is one."""

    @property
    def code(self) -> str:
        """The code as error replies have it, for example `VERSION_CONFLICT`."""
        return StorageErrorCode.Name(self.error_code).removeprefix("STORAGE_ERROR_CODE_")


class InvalidField(RequestError):
    """A field violates a rule of the contract."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_INVALID_ARGUMENT

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field


class VersionConflict(RequestError):
    """A precondition does not hold."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_VERSION_CONFLICT


class NotFound(RequestError):
    """A record or a blob does not exist."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_RECORD_NOT_FOUND


class CorrelationIdReused(RequestError):
    """The storage_correlation_id was used before with other content."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_ALREADY_EXISTS


class BlobIncomplete(RequestError):
    """A record names a blob with missing or damaged parts, which must be put again."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_BLOB_INCOMPLETE


class TemporaryFailure(RequestError):
    """The same request may succeed in a moment."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_STORAGE_SERVICE_ERROR
    retryable = True
