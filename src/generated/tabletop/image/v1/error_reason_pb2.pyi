from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_ARGUMENT: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_THEME: _ClassVar[ErrorReason]
    ERROR_REASON_OFFSET_OUT_OF_RANGE: _ClassVar[ErrorReason]
    ERROR_REASON_IMAGE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_GENERATION_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_THEME_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLAY_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_ID_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_VERSION_CONFLICT: _ClassVar[ErrorReason]
    ERROR_REASON_GETIMG_NOT_CONFIGURED: _ClassVar[ErrorReason]
    ERROR_REASON_GENERATION_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_API_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_HUB_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_STORAGE_SERVICE_ERROR: _ClassVar[ErrorReason]
    ERROR_REASON_UNIMPLEMENTED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_EXPIRED: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_ARGUMENT: ErrorReason
ERROR_REASON_INVALID_THEME: ErrorReason
ERROR_REASON_OFFSET_OUT_OF_RANGE: ErrorReason
ERROR_REASON_IMAGE_NOT_FOUND: ErrorReason
ERROR_REASON_GENERATION_NOT_FOUND: ErrorReason
ERROR_REASON_THEME_ERROR: ErrorReason
ERROR_REASON_OVERLAY_ERROR: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_VERSION_CONFLICT: ErrorReason
ERROR_REASON_GETIMG_NOT_CONFIGURED: ErrorReason
ERROR_REASON_GENERATION_ERROR: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_DEADLINE_EXCEEDED: ErrorReason
ERROR_REASON_API_ERROR: ErrorReason
ERROR_REASON_MESSAGE_HUB_ERROR: ErrorReason
ERROR_REASON_STORAGE_SERVICE_ERROR: ErrorReason
ERROR_REASON_UNIMPLEMENTED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_STREAM_EXPIRED: ErrorReason
