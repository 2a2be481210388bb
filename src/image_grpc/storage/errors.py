"""Errors of storage operations, translated from the Storage Service's error replies."""

from tabletop.hub.v1.error_pb2 import Error
from tabletop.storage.v1.error_code_pb2 import StorageErrorCode

from image_grpc.errors import InvalidArgument, RequestIdReused, StorageServiceError, VersionConflict, Violation


class RecordNotFound(Exception):
    """The record or blob does not exist. Callers translate this into a domain error."""


class BlobIncomplete(Exception):
    """A stored record names a blob with missing parts; all parts must be put again."""


class LimitExceeded(Exception):
    """A counter would exceed its maximum. Callers translate this into a domain error."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field
        """The path of the change in the batch."""


class RetryableFailure(Exception):
    """The operation failed, but the same request may succeed in a moment."""


def exception_for(error: Error) -> Exception:
    """Return the exception for an error reply."""
    code = StorageErrorCode.DESCRIPTOR.values_by_name.get(f"STORAGE_ERROR_CODE_{error.code}")
    match code.number if code is not None else StorageErrorCode.STORAGE_ERROR_CODE_UNSPECIFIED:
        case StorageErrorCode.STORAGE_ERROR_CODE_VERSION_CONFLICT:
            return VersionConflict(error.message)
        case StorageErrorCode.STORAGE_ERROR_CODE_ALREADY_EXISTS:
            return RequestIdReused(error.message)
        case StorageErrorCode.STORAGE_ERROR_CODE_RECORD_NOT_FOUND:
            return RecordNotFound(error.message)
        case StorageErrorCode.STORAGE_ERROR_CODE_BLOB_INCOMPLETE:
            return BlobIncomplete(error.message)
        case StorageErrorCode.STORAGE_ERROR_CODE_LIMIT_EXCEEDED:
            return LimitExceeded(error.message, error.details.field)
        case StorageErrorCode.STORAGE_ERROR_CODE_INVALID_ARGUMENT:
            field = error.details.field
            return InvalidArgument.of([Violation(field, error.message.removeprefix(f"{field}: "))])
    if error.details.retryable:
        return RetryableFailure(error.message)
    return StorageServiceError(f"the Storage Service failed: {error.message}")
