from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class StorageErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORAGE_ERROR_CODE_UNSPECIFIED: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_INVALID_ARGUMENT: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_VERSION_CONFLICT: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_RECORD_NOT_FOUND: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_ALREADY_EXISTS: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_BLOB_INCOMPLETE: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_STORAGE_SERVICE_ERROR: _ClassVar[StorageErrorCode]
    STORAGE_ERROR_CODE_LIMIT_EXCEEDED: _ClassVar[StorageErrorCode]
STORAGE_ERROR_CODE_UNSPECIFIED: StorageErrorCode
STORAGE_ERROR_CODE_INVALID_ARGUMENT: StorageErrorCode
STORAGE_ERROR_CODE_VERSION_CONFLICT: StorageErrorCode
STORAGE_ERROR_CODE_RECORD_NOT_FOUND: StorageErrorCode
STORAGE_ERROR_CODE_ALREADY_EXISTS: StorageErrorCode
STORAGE_ERROR_CODE_BLOB_INCOMPLETE: StorageErrorCode
STORAGE_ERROR_CODE_STORAGE_SERVICE_ERROR: StorageErrorCode
STORAGE_ERROR_CODE_LIMIT_EXCEEDED: StorageErrorCode
