import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.hub.v1 import envelope_pb2 as _envelope_pb2
from tabletop.storage.v1 import record_pb2 as _record_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_ORDER_UNSPECIFIED: _ClassVar[ListOrder]
    LIST_ORDER_NEWEST_FIRST: _ClassVar[ListOrder]
    LIST_ORDER_OLDEST_FIRST: _ClassVar[ListOrder]
LIST_ORDER_UNSPECIFIED: ListOrder
LIST_ORDER_NEWEST_FIRST: ListOrder
LIST_ORDER_OLDEST_FIRST: ListOrder

class StoreRequest(_message.Message):
    __slots__ = ("storage_correlation_id", "batch", "blob_part", "content_digest")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    BLOB_PART_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    batch: Batch
    blob_part: BlobPart
    content_digest: str
    def __init__(self, storage_correlation_id: _Optional[str] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., blob_part: _Optional[_Union[BlobPart, _Mapping]] = ..., content_digest: _Optional[str] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("puts", "undeletes", "messages", "blob_parts", "counters")
    PUTS_FIELD_NUMBER: _ClassVar[int]
    UNDELETES_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BLOB_PARTS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    puts: _containers.RepeatedCompositeFieldContainer[Put]
    undeletes: _containers.RepeatedCompositeFieldContainer[_record_pb2.RecordKey]
    messages: _containers.RepeatedCompositeFieldContainer[_envelope_pb2.OutboundMessage]
    blob_parts: _containers.RepeatedCompositeFieldContainer[BlobPart]
    counters: _containers.RepeatedCompositeFieldContainer[CounterChange]
    def __init__(self, puts: _Optional[_Iterable[_Union[Put, _Mapping]]] = ..., undeletes: _Optional[_Iterable[_Union[_record_pb2.RecordKey, _Mapping]]] = ..., messages: _Optional[_Iterable[_Union[_envelope_pb2.OutboundMessage, _Mapping]]] = ..., blob_parts: _Optional[_Iterable[_Union[BlobPart, _Mapping]]] = ..., counters: _Optional[_Iterable[_Union[CounterChange, _Mapping]]] = ...) -> None: ...

class CounterChange(_message.Message):
    __slots__ = ("name", "add", "maximum", "partial", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    add: int
    maximum: int
    partial: bool
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., add: _Optional[int] = ..., maximum: _Optional[int] = ..., partial: _Optional[bool] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Put(_message.Message):
    __slots__ = ("record", "absent", "at_version", "expire_time", "if_changed")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    AT_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    IF_CHANGED_FIELD_NUMBER: _ClassVar[int]
    record: _record_pb2.Record
    absent: bool
    at_version: int
    expire_time: _timestamp_pb2.Timestamp
    if_changed: bool
    def __init__(self, record: _Optional[_Union[_record_pb2.Record, _Mapping]] = ..., absent: _Optional[bool] = ..., at_version: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., if_changed: _Optional[bool] = ...) -> None: ...

class BlobPart(_message.Message):
    __slots__ = ("sha256", "byte_size", "offset", "data")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    BYTE_SIZE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    byte_size: int
    offset: int
    data: bytes
    def __init__(self, sha256: _Optional[str] = ..., byte_size: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class StoreResponse(_message.Message):
    __slots__ = ("storage_correlation_id", "batch", "blob_part")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    BLOB_PART_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    batch: BatchResult
    blob_part: BlobPartResult
    def __init__(self, storage_correlation_id: _Optional[str] = ..., batch: _Optional[_Union[BatchResult, _Mapping]] = ..., blob_part: _Optional[_Union[BlobPartResult, _Mapping]] = ...) -> None: ...

class BatchResult(_message.Message):
    __slots__ = ("records", "counters")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    counters: _containers.RepeatedCompositeFieldContainer[CounterResult]
    def __init__(self, records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., counters: _Optional[_Iterable[_Union[CounterResult, _Mapping]]] = ...) -> None: ...

class CounterResult(_message.Message):
    __slots__ = ("added", "value")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    added: int
    value: int
    def __init__(self, added: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...

class BlobPartResult(_message.Message):
    __slots__ = ("committed",)
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    committed: bool
    def __init__(self, committed: _Optional[bool] = ...) -> None: ...

class RetrieveRequest(_message.Message):
    __slots__ = ("storage_correlation_id", "records", "blob_range")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    BLOB_RANGE_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    records: RecordKeys
    blob_range: BlobRange
    def __init__(self, storage_correlation_id: _Optional[str] = ..., records: _Optional[_Union[RecordKeys, _Mapping]] = ..., blob_range: _Optional[_Union[BlobRange, _Mapping]] = ...) -> None: ...

class RecordKeys(_message.Message):
    __slots__ = ("keys", "include_deleted")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DELETED_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[_record_pb2.RecordKey]
    include_deleted: bool
    def __init__(self, keys: _Optional[_Iterable[_Union[_record_pb2.RecordKey, _Mapping]]] = ..., include_deleted: _Optional[bool] = ...) -> None: ...

class BlobRange(_message.Message):
    __slots__ = ("sha256", "offset", "limit")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    offset: int
    limit: int
    def __init__(self, sha256: _Optional[str] = ..., offset: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class RetrieveResponse(_message.Message):
    __slots__ = ("storage_correlation_id", "records", "data")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    data: bytes
    def __init__(self, storage_correlation_id: _Optional[str] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., data: _Optional[bytes] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("storage_correlation_id", "keys", "messages", "content_digest", "puts")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PUTS_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    keys: _containers.RepeatedCompositeFieldContainer[_record_pb2.RecordKey]
    messages: _containers.RepeatedCompositeFieldContainer[_envelope_pb2.OutboundMessage]
    content_digest: str
    puts: _containers.RepeatedCompositeFieldContainer[Put]
    def __init__(self, storage_correlation_id: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[_record_pb2.RecordKey, _Mapping]]] = ..., messages: _Optional[_Iterable[_Union[_envelope_pb2.OutboundMessage, _Mapping]]] = ..., content_digest: _Optional[str] = ..., puts: _Optional[_Iterable[_Union[Put, _Mapping]]] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("storage_correlation_id", "records")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    def __init__(self, storage_correlation_id: _Optional[str] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("storage_correlation_id", "kind", "filter", "page_size", "page_token", "order", "count")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    kind: _record_pb2.RecordKind
    filter: ListFilter
    page_size: int
    page_token: str
    order: ListOrder
    count: bool
    def __init__(self, storage_correlation_id: _Optional[str] = ..., kind: _Optional[_Union[_record_pb2.RecordKind, str]] = ..., filter: _Optional[_Union[ListFilter, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order: _Optional[_Union[ListOrder, str]] = ..., count: _Optional[bool] = ...) -> None: ...

class ListFilter(_message.Message):
    __slots__ = ("index", "states", "versions_of", "include_deleted", "create_time_before", "create_time_from")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_OF_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DELETED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FROM_FIELD_NUMBER: _ClassVar[int]
    index: _record_pb2.IndexFields
    states: _containers.RepeatedScalarFieldContainer[str]
    versions_of: str
    include_deleted: bool
    create_time_before: _timestamp_pb2.Timestamp
    create_time_from: _timestamp_pb2.Timestamp
    def __init__(self, index: _Optional[_Union[_record_pb2.IndexFields, _Mapping]] = ..., states: _Optional[_Iterable[str]] = ..., versions_of: _Optional[str] = ..., include_deleted: _Optional[bool] = ..., create_time_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("storage_correlation_id", "records", "next_page_token", "total_size")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    records: _containers.RepeatedCompositeFieldContainer[_record_pb2.Record]
    next_page_token: str
    total_size: int
    def __init__(self, storage_correlation_id: _Optional[str] = ..., records: _Optional[_Iterable[_Union[_record_pb2.Record, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class StorageChanged(_message.Message):
    __slots__ = ("storage_correlation_id", "changes")
    STORAGE_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    storage_correlation_id: str
    changes: _containers.RepeatedCompositeFieldContainer[RecordChange]
    def __init__(self, storage_correlation_id: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[RecordChange, _Mapping]]] = ...) -> None: ...

class RecordChange(_message.Message):
    __slots__ = ("key", "record", "restored")
    KEY_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    key: _record_pb2.RecordKey
    record: _record_pb2.Record
    restored: bool
    def __init__(self, key: _Optional[_Union[_record_pb2.RecordKey, _Mapping]] = ..., record: _Optional[_Union[_record_pb2.Record, _Mapping]] = ..., restored: _Optional[bool] = ...) -> None: ...
