import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabletop.image.internal.v1 import provider_result_pb2 as _provider_result_pb2
from tabletop.image.v1 import audit_pb2 as _audit_pb2
from tabletop.image.v1 import generation_pb2 as _generation_pb2
from tabletop.image.v1 import generation_request_pb2 as _generation_request_pb2
from tabletop.image.v1 import map_pb2 as _map_pb2
from tabletop.image.v1 import theme_pb2 as _theme_pb2
from tabletop.image.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerationRecord(_message.Message):
    __slots__ = ("generation", "fingerprint", "request_digest", "served_by_id", "image_id", "provider_result", "lease", "prompt", "theme_version", "correlation_id", "traceparent", "facets", "picture", "reference_version", "theme_association", "requeues", "cache_entry_version", "reservation", "shared_fingerprint", "audited_call", "tries", "settled")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SERVED_BY_ID_FIELD_NUMBER: _ClassVar[int]
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
    REQUEUES_FIELD_NUMBER: _ClassVar[int]
    CACHE_ENTRY_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    SHARED_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    AUDITED_CALL_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    generation: _generation_pb2.Generation
    fingerprint: str
    request_digest: str
    served_by_id: str
    image_id: str
    provider_result: _provider_result_pb2.ProviderResult
    lease: Lease
    prompt: str
    theme_version: int
    correlation_id: str
    traceparent: str
    facets: Facets
    picture: _generation_request_pb2.GenerationRequest
    reference_version: int
    theme_association: _theme_pb2.ThemeAssociation
    requeues: int
    cache_entry_version: int
    reservation: Reservation
    shared_fingerprint: str
    audited_call: _audit_pb2.AuditedCall
    tries: _containers.RepeatedCompositeFieldContainer[Try]
    settled: bool
    def __init__(self, generation: _Optional[_Union[_generation_pb2.Generation, _Mapping]] = ..., fingerprint: _Optional[str] = ..., request_digest: _Optional[str] = ..., served_by_id: _Optional[str] = ..., image_id: _Optional[str] = ..., provider_result: _Optional[_Union[_provider_result_pb2.ProviderResult, _Mapping]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ..., prompt: _Optional[str] = ..., theme_version: _Optional[int] = ..., correlation_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., facets: _Optional[_Union[Facets, _Mapping]] = ..., picture: _Optional[_Union[_generation_request_pb2.GenerationRequest, _Mapping]] = ..., reference_version: _Optional[int] = ..., theme_association: _Optional[_Union[_theme_pb2.ThemeAssociation, _Mapping]] = ..., requeues: _Optional[int] = ..., cache_entry_version: _Optional[int] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ..., shared_fingerprint: _Optional[str] = ..., audited_call: _Optional[_Union[_audit_pb2.AuditedCall, _Mapping]] = ..., tries: _Optional[_Iterable[_Union[Try, _Mapping]]] = ..., settled: _Optional[bool] = ...) -> None: ...

class Try(_message.Message):
    __slots__ = ("result", "fidelity")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FIDELITY_FIELD_NUMBER: _ClassVar[int]
    result: _provider_result_pb2.ProviderResult
    fidelity: _map_pb2.Fidelity
    def __init__(self, result: _Optional[_Union[_provider_result_pb2.ProviderResult, _Mapping]] = ..., fidelity: _Optional[_Union[_map_pb2.Fidelity, _Mapping]] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("caller", "day", "cost", "price", "unknown")
    CALLER_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    caller: str
    day: str
    cost: int
    price: int
    unknown: int
    def __init__(self, caller: _Optional[str] = ..., day: _Optional[str] = ..., cost: _Optional[int] = ..., price: _Optional[int] = ..., unknown: _Optional[int] = ...) -> None: ...

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
