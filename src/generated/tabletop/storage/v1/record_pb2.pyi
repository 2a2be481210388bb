import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_KIND_UNSPECIFIED: _ClassVar[RecordKind]
    RECORD_KIND_IMAGE: _ClassVar[RecordKind]
    RECORD_KIND_OVERLAY: _ClassVar[RecordKind]
    RECORD_KIND_THEME: _ClassVar[RecordKind]
    RECORD_KIND_GENERATION: _ClassVar[RecordKind]
    RECORD_KIND_CACHE_ENTRY: _ClassVar[RecordKind]
    RECORD_KIND_AUDIT_ENTRY: _ClassVar[RecordKind]
    RECORD_KIND_RENDITION: _ClassVar[RecordKind]
RECORD_KIND_UNSPECIFIED: RecordKind
RECORD_KIND_IMAGE: RecordKind
RECORD_KIND_OVERLAY: RecordKind
RECORD_KIND_THEME: RecordKind
RECORD_KIND_GENERATION: RecordKind
RECORD_KIND_CACHE_ENTRY: RecordKind
RECORD_KIND_AUDIT_ENTRY: RecordKind
RECORD_KIND_RENDITION: RecordKind

class RecordKey(_message.Message):
    __slots__ = ("kind", "id", "version")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    kind: RecordKind
    id: str
    version: int
    def __init__(self, kind: _Optional[_Union[RecordKind, str]] = ..., id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("key", "index", "body_type", "body", "blob", "storage_id", "create_time", "update_time", "delete_time", "purge_time")
    KEY_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    BODY_TYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    key: RecordKey
    index: IndexFields
    body_type: str
    body: bytes
    blob: BlobReference
    storage_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    delete_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[_Union[RecordKey, _Mapping]] = ..., index: _Optional[_Union[IndexFields, _Mapping]] = ..., body_type: _Optional[str] = ..., body: _Optional[bytes] = ..., blob: _Optional[_Union[BlobReference, _Mapping]] = ..., storage_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class IndexFields(_message.Message):
    __slots__ = ("type", "subtype", "theme", "source_id", "service", "state", "map_id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    type: str
    subtype: str
    theme: str
    source_id: str
    service: str
    state: str
    map_id: str
    def __init__(self, type: _Optional[str] = ..., subtype: _Optional[str] = ..., theme: _Optional[str] = ..., source_id: _Optional[str] = ..., service: _Optional[str] = ..., state: _Optional[str] = ..., map_id: _Optional[str] = ...) -> None: ...

class BlobReference(_message.Message):
    __slots__ = ("sha256", "byte_size", "path")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BYTE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    byte_size: int
    path: str
    def __init__(self, sha256: _Optional[str] = ..., byte_size: _Optional[int] = ..., path: _Optional[str] = ...) -> None: ...
