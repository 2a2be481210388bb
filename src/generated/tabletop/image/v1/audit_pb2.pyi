import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResourceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESOURCE_TYPE_UNSPECIFIED: _ClassVar[ResourceType]
    RESOURCE_TYPE_IMAGE: _ClassVar[ResourceType]
    RESOURCE_TYPE_OVERLAY: _ClassVar[ResourceType]
    RESOURCE_TYPE_THEME: _ClassVar[ResourceType]
    RESOURCE_TYPE_GENERATION: _ClassVar[ResourceType]

class ChangeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_TYPE_UNSPECIFIED: _ClassVar[ChangeType]
    CHANGE_TYPE_CREATED: _ClassVar[ChangeType]
    CHANGE_TYPE_UPDATED: _ClassVar[ChangeType]
    CHANGE_TYPE_DELETED: _ClassVar[ChangeType]
    CHANGE_TYPE_RESTORED: _ClassVar[ChangeType]
RESOURCE_TYPE_UNSPECIFIED: ResourceType
RESOURCE_TYPE_IMAGE: ResourceType
RESOURCE_TYPE_OVERLAY: ResourceType
RESOURCE_TYPE_THEME: ResourceType
RESOURCE_TYPE_GENERATION: ResourceType
CHANGE_TYPE_UNSPECIFIED: ChangeType
CHANGE_TYPE_CREATED: ChangeType
CHANGE_TYPE_UPDATED: ChangeType
CHANGE_TYPE_DELETED: ChangeType
CHANGE_TYPE_RESTORED: ChangeType

class AuditEntry(_message.Message):
    __slots__ = ("id", "create_time", "call", "outcome", "changes", "image_id", "count", "purge_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    create_time: _timestamp_pb2.Timestamp
    call: AuditedCall
    outcome: str
    changes: _containers.RepeatedCompositeFieldContainer[ResourceChange]
    image_id: str
    count: int
    purge_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., call: _Optional[_Union[AuditedCall, _Mapping]] = ..., outcome: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[ResourceChange, _Mapping]]] = ..., image_id: _Optional[str] = ..., count: _Optional[int] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AuditedCall(_message.Message):
    __slots__ = ("caller", "service", "method", "request_id", "correlation_id")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    caller: str
    service: str
    method: str
    request_id: str
    correlation_id: str
    def __init__(self, caller: _Optional[str] = ..., service: _Optional[str] = ..., method: _Optional[str] = ..., request_id: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class ResourceChange(_message.Message):
    __slots__ = ("resource_type", "resource_id", "change", "version")
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    resource_type: ResourceType
    resource_id: str
    change: ChangeType
    version: int
    def __init__(self, resource_type: _Optional[_Union[ResourceType, str]] = ..., resource_id: _Optional[str] = ..., change: _Optional[_Union[ChangeType, str]] = ..., version: _Optional[int] = ...) -> None: ...
