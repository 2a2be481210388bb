import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.hub.v1 import jobs_pb2 as _jobs_pb2
from tabletop.image.v1 import generation_pb2 as _generation_pb2
from tabletop.image.v1 import generation_request_pb2 as _generation_request_pb2
from tabletop.image.v1 import image_pb2 as _image_pb2
from tabletop.image.v1 import overlay_pb2 as _overlay_pb2
from tabletop.image.v1 import theme_pb2 as _theme_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
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

class CacheEntryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CACHE_ENTRY_STATE_UNSPECIFIED: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_IN_FLIGHT: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_READY: _ClassVar[CacheEntryState]
    CACHE_ENTRY_STATE_VOID: _ClassVar[CacheEntryState]
RECORD_KIND_UNSPECIFIED: RecordKind
RECORD_KIND_IMAGE: RecordKind
RECORD_KIND_OVERLAY: RecordKind
RECORD_KIND_THEME: RecordKind
RECORD_KIND_GENERATION: RecordKind
RECORD_KIND_CACHE_ENTRY: RecordKind
CACHE_ENTRY_STATE_UNSPECIFIED: CacheEntryState
CACHE_ENTRY_STATE_IN_FLIGHT: CacheEntryState
CACHE_ENTRY_STATE_READY: CacheEntryState
CACHE_ENTRY_STATE_VOID: CacheEntryState

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
    __slots__ = ("image", "overlay", "theme", "generation", "cache_entry", "delete_time", "purge_time")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    OVERLAY_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CACHE_ENTRY_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    overlay: _overlay_pb2.Overlay
    theme: _theme_pb2.Theme
    generation: GenerationRecord
    cache_entry: CacheEntry
    delete_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., overlay: _Optional[_Union[_overlay_pb2.Overlay, _Mapping]] = ..., theme: _Optional[_Union[_theme_pb2.Theme, _Mapping]] = ..., generation: _Optional[_Union[GenerationRecord, _Mapping]] = ..., cache_entry: _Optional[_Union[CacheEntry, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GenerationRecord(_message.Message):
    __slots__ = ("generation", "fingerprint", "request_digest", "answered_by", "image_id", "provider_result", "lease", "prompt", "theme_version", "correlation_id", "traceparent", "facets", "picture", "reference_version", "theme_association")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_BY_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_RESULT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    THEME_VERSION_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    THEME_ASSOCIATION_FIELD_NUMBER: _ClassVar[int]
    generation: _generation_pb2.Generation
    fingerprint: str
    request_digest: str
    answered_by: str
    image_id: str
    provider_result: _jobs_pb2.ProviderResult
    lease: Lease
    prompt: str
    theme_version: int
    correlation_id: str
    traceparent: str
    facets: Facets
    picture: _generation_request_pb2.GenerationRequest
    reference_version: int
    theme_association: _theme_pb2.ThemeAssociation
    def __init__(self, generation: _Optional[_Union[_generation_pb2.Generation, _Mapping]] = ..., fingerprint: _Optional[str] = ..., request_digest: _Optional[str] = ..., answered_by: _Optional[str] = ..., image_id: _Optional[str] = ..., provider_result: _Optional[_Union[_jobs_pb2.ProviderResult, _Mapping]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ..., prompt: _Optional[str] = ..., theme_version: _Optional[int] = ..., correlation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., facets: _Optional[_Union[Facets, _Mapping]] = ..., picture: _Optional[_Union[_generation_request_pb2.GenerationRequest, _Mapping]] = ..., reference_version: _Optional[int] = ..., theme_association: _Optional[_Union[_theme_pb2.ThemeAssociation, _Mapping]] = ...) -> None: ...

class Facets(_message.Message):
    __slots__ = ("type", "subtype", "theme", "source_id", "service")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    THEME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    type: _types_pb2.ImageType
    subtype: _types_pb2.ImageSubtype
    theme: str
    source_id: str
    service: str
    def __init__(self, type: _Optional[_Union[_types_pb2.ImageType, str]] = ..., subtype: _Optional[_Union[_types_pb2.ImageSubtype, str]] = ..., theme: _Optional[str] = ..., source_id: _Optional[str] = ..., service: _Optional[str] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("owner", "expire_time")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    owner: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, owner: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CacheEntry(_message.Message):
    __slots__ = ("fingerprint", "state", "generation_id", "image_id", "image_version", "version", "create_time", "update_time")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    state: CacheEntryState
    generation_id: str
    image_id: str
    image_version: int
    version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, fingerprint: _Optional[str] = ..., state: _Optional[_Union[CacheEntryState, str]] = ..., generation_id: _Optional[str] = ..., image_id: _Optional[str] = ..., image_version: _Optional[int] = ..., version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
