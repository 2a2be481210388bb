"""Why the Storage Service cannot use its database or object store, and why it refuses a request."""

from typing import ClassVar

from tabletop.storage.v1.error_code_pb2 import StorageErrorCode


class DatabaseError(Exception):
    """The database cannot be used."""


class Unavailable(DatabaseError):
    """The database is unavailable or could not serialize the transaction. Retrying may help."""

    def __init__(self, message: str, *, by_statement: bool = False) -> None:
        """`by_statement` is true if the database is up but rejected a statement of the transaction."""
        super().__init__(message)
        self.by_statement = by_statement


class IncompatibleDatabase(DatabaseError):
    """The database has data that this version cannot read."""


class ObjectStoreError(Exception):
    """The object store does not exist or does not respond."""


class RequestError(Exception):
    """The request has no effect. The error reply has `error_code` for programs and the text for people."""

    error_code: ClassVar[StorageErrorCode]
    retryable: ClassVar[bool] = False
    field: str = ""
    """Path of the invalid field, if there is one."""


class InvalidField(RequestError):
    """A field violates a rule of the contract."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_INVALID_ARGUMENT

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field


class VersionConflict(RequestError):
    """A precondition does not hold."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_VERSION_CONFLICT


class LimitExceeded(RequestError):
    """A counter would exceed its maximum."""

    error_code = StorageErrorCode.STORAGE_ERROR_CODE_LIMIT_EXCEEDED

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field = field


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
